/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the outbox that can be told together: which they are, which have been begun to be
 * told in one, and what may be sent beside them.
 *
 * Which rows a message of many was first sent with, and under which key, is kept with them until it
 * is known not to have arrived: whoever got it and could not say so is sent the same once more.
 */
#include "agent/store/outbox.h"

/* 0 to 3 are VG_MSG_OPEN, UPDATE, REMIND, RESOLVE */
#define CAN_BE_TOLD                                                                                \
    " o.state = 0 AND o.sink_kind = 0 AND o.kind IN (0, 1, 2, 3) AND o.step = 0"                   \
    " AND (k.body IS NULL OR k.body LIKE '%" VG_KEPT_GATHERED "')"
/* VG_OUTBOX_COLUMNS without what is long. */
#define SHORT_COLUMNS                                                                              \
    "o.id, o.sink_kind, o.sink, o.key, o.kind, '', o.created_us, o.next_us, o.attempts, NULL,"     \
    " o.step, o.state, k.body, o.went_to, o.digest, o.severity, o.turn_us"

int vg_store_outbox_gather(struct vg_store *store, const char *sink, int64_t now_us,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err)
{
    static const char text[] =
        "SELECT " SHORT_COLUMNS " FROM outbox AS o" VG_OUTBOX_KEPT " WHERE" CAN_BE_TOLD
        " AND o.sink = $1 AND o.next_us <= $2 AND" VG_OUTBOX_IS_FIRST
        " ORDER BY o.severity DESC, o.id LIMIT 1000";
    const struct vg_sql_shape shape = {sizeof **out, vg_outbox_read, arena};
    const struct vg_sql sql = VG_SQL(text, vg_p_text(sink), vg_p_int(now_us));
    void *items;
    int rc = vg_sql_list(store, &sql, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_outbox_first(struct vg_store *store, const struct vg_outbox_beside *of,
                          struct vg_arena *arena, struct vg_outgoing *out, bool *found,
                          struct vg_error *err)
{
    static const char text[] =
        "SELECT " VG_OUTBOX_COLUMNS " FROM outbox AS o" VG_OUTBOX_KEPT
        " WHERE o.sink_kind = 0 AND o.sink = $1 AND o.next_us <= $2 AND o.digest IS NULL"
        " AND" VG_OUTBOX_MAY_GO " AND NOT (((o.kind IN (0, 1) AND $3 = 1)"
        " OR (o.kind = 2 AND $4 = 1) OR (o.kind = 3 AND $5 = 1)) AND o.id NOT IN ($6, $7, $8)"
        " AND" CAN_BE_TOLD ") ORDER BY o.attempts, o.state, o.turn_us, o.id LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, vg_outbox_read, arena};
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(of->sink), vg_p_int(of->now_us), vg_p_int(of->held[0]),
               vg_p_int(of->held[1]), vg_p_int(of->held[2]), vg_p_int(of->but[0]),
               vg_p_int(of->but[1]), vg_p_int(of->but[2]));
    return vg_sql_one(store, &sql, &shape, out, found, err);
}

static void read_body(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

int vg_store_outbox_body(struct vg_store *store, int64_t id, struct vg_arena *arena,
                         const char **out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_body, arena};
    bool found;
    if (vg_sql_one(store, &VG_SQL("SELECT body FROM outbox WHERE id = $1", vg_p_int(id)), &shape,
                   out, &found, err) < 0)
        return -1;
    return found ? 0 : vg_fail(err, VG_E_NOT_FOUND, "the outbox has no row %lld", (long long)id);
}

/* --- Messages of many that have been begun ----------------------------------------------- */

int vg_store_outbox_digest(struct vg_store *store, const char *sink, const char *digest,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err)
{
    static const char text[] = "SELECT " SHORT_COLUMNS " FROM outbox AS o" VG_OUTBOX_KEPT
                               " WHERE o.state = 0 AND o.sink_kind = 0 AND o.sink = $1"
                               " AND o.digest = $2 ORDER BY o.id";
    const struct vg_sql_shape shape = {sizeof **out, vg_outbox_read, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL(text, vg_p_text(sink), vg_p_text(digest)), &shape, &items,
                         n, err);
    *out = items;
    return rc;
}

static int mark_rows(struct vg_store *store, const int64_t *ids, size_t n, const char *digest,
                     struct vg_error *err)
{
    static const char text[] = "UPDATE outbox SET digest = $1 WHERE id = $2 AND state = 0";
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = vg_sql_run(store, &VG_SQL(text, vg_p_text(digest), vg_p_int(ids[i])), err);
    return rc;
}

int vg_store_outbox_begun(struct vg_store *store, const int64_t *ids, size_t n, const char *digest,
                          struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, mark_rows(store, ids, n, digest, err), err);
}

int vg_store_outbox_apart(struct vg_store *store, int64_t id, bool refused, struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET digest = NULL WHERE id = $1 AND ($2 = 1 OR touched <> 1)";
    return vg_sql_run(store, &VG_SQL(text, vg_p_int(id), vg_p_int(refused)), err);
}
