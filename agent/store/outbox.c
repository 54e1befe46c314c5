/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outbox: what is to be sent, in order per (sink, key), until it is sent or set aside.
 *
 * Owns `outbox`, `outbox_total` and `kept`. What is told together is found in outbox_many.c,
 * what waits in vain in outbox_room.c. Only the oldest waiting row of a (sink, key) is ever
 * due, so a resolve never overtakes its trigger; a row that is dead no longer blocks its key, and
 * one that stands never did. Totals are kept apart from the rows, so that they never shrink when
 * old rows are trimmed.
 */
#include <string.h>

#include "agent/store/outbox.h"
#include "pgvigil/failpoint.h"

void vg_outbox_read(struct vg_sql_row *row, void *item)
{
    struct vg_outgoing *out = item;
    out->id = vg_row_int(row);
    out->sink_kind = (enum vg_sink_kind)vg_row_enum(row, VG_SINK_RETRAIN + 1);
    out->sink = vg_row_text(row);
    vg_row_key(row, out->key);
    out->kind = (enum vg_message_kind)vg_row_enum(row, VG_MSG_KINDS);
    out->body = vg_row_text(row);
    out->created_us = vg_row_int(row);
    out->next_us = vg_row_int(row);
    out->attempts = (int)vg_row_int(row);
    out->last_error = vg_row_text(row);
    out->step = (int)vg_row_int(row);
    out->standing = vg_row_int(row) == VG_ROW_STANDING;
    out->kept = vg_row_text(row);
    out->went_to = vg_row_text(row);
    out->digest = vg_row_text(row);
    out->severity = (enum vg_severity)vg_row_enum(row, VG_SEVERITIES);
    out->turn_us = vg_row_int(row);
}

static int insert_row(struct vg_store *store, const struct vg_outgoing *row, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us, attempts,"
        " last_error, state, bytes, severity, turn_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12)";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_int((int64_t)row->sink_kind), vg_p_text(row->sink), vg_p_text(row->key),
               vg_p_int((int64_t)row->kind), vg_p_text(row->body), vg_p_int(row->created_us),
               vg_p_int(row->next_us), vg_p_int(row->attempts), vg_p_text(row->last_error),
               vg_p_count(strlen(row->body)), vg_p_int((int64_t)row->severity),
               vg_p_int(vg_outgoing_turn(row)));
    return vg_sql_run(store, &sql, err);
}

/* News that waits has the rank of what has become of it meanwhile: an incident that became critical
 * is told as one, in its order. */
static int put_news(struct vg_store *store, const struct vg_outgoing *row, struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET severity = $1, turn_us = min(turn_us, $2) WHERE state = 0"
        " AND sink_kind = $3 AND sink = $4 AND key = $5 AND kind IN (0, 1) AND severity < $1";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_int((int64_t)row->severity), vg_p_int(vg_outgoing_turn(row)),
               vg_p_int((int64_t)row->sink_kind), vg_p_text(row->sink), vg_p_text(row->key));
    return vg_sql_run(store, &sql, err) < 0 ? -1 : insert_row(store, row, err);
}

/* A reminder says what those before it said, and no more than a trigger that still waits. */
static int put_reminder(struct vg_store *store, const struct vg_outgoing *row, struct vg_error *err)
{
    static const char news[] = "SELECT count(*) FROM outbox WHERE state = 0 AND sink_kind = $1"
                               " AND sink = $2 AND key = $3 AND kind IN (0, 1)";
    static const char merge[] =
        "UPDATE outbox SET state = " VG_ROW_GONE ", ended_us = $1, body = '' WHERE state = 0"
        " AND sink_kind = $2 AND sink = $3 AND key = $4 AND kind = 2 AND digest IS NULL";
    int64_t waiting = 0;
    if (vg_sql_int(store,
                   &VG_SQL(news, vg_p_int((int64_t)row->sink_kind), vg_p_text(row->sink),
                           vg_p_text(row->key)),
                   &waiting, err) < 0)
        return -1;
    if (waiting)
        return 0;
    const struct vg_sql sql =
        VG_SQL(merge, vg_p_int(row->created_us), vg_p_int((int64_t)row->sink_kind),
               vg_p_text(row->sink), vg_p_text(row->key));
    return vg_sql_run(store, &sql, err) < 0 ? -1 : insert_row(store, row, err);
}

static int put_end(struct vg_store *store, const struct vg_outgoing *row, struct vg_error *err)
{
    static const char text[] = "SELECT max(id) FROM outbox";
    int64_t id = 0;
    if (insert_row(store, row, err) < 0 || vg_sql_int(store, &VG_SQL_PLAIN(text), &id, err) < 0)
        return -1;
    return vg_outbox_part(store, id, row->created_us, err);
}

int vg_store_outbox_put(struct vg_store *store, const struct vg_outgoing *row, struct vg_error *err)
{
    struct vg_scope scope;
    vg_failpoint("outbox_put");
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = row->kind == VG_MSG_UPDATE    ? put_news(store, row, err)
             : row->kind == VG_MSG_REMIND  ? put_reminder(store, row, err)
             : row->kind == VG_MSG_RESOLVE ? put_end(store, row, err)
                                           : insert_row(store, row, err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_outbox_due(struct vg_store *store, int64_t now_us, size_t per_sink,
                        struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                        struct vg_error *err)
{
    /* Sink by sink, in their turn, by an index in that order: what waits behind the first few
     * costs nothing. */
    static const char text[] =
        "SELECT " VG_OUTBOX_COLUMNS " FROM (SELECT DISTINCT sink_kind, sink FROM outbox"
        " WHERE state IN (0, 3)) AS s JOIN outbox AS o ON o.id IN (SELECT o.id FROM outbox AS o"
        " WHERE o.sink_kind = s.sink_kind AND o.sink = s.sink AND o.next_us <= $1"
        " AND" VG_OUTBOX_MAY_GO " ORDER BY o.state, o.turn_us, o.id LIMIT $2)"
        " LEFT JOIN kept AS k ON k.sink_kind = o.sink_kind AND k.sink = o.sink AND k.key = o.key"
        " ORDER BY o.id";
    const struct vg_sql_shape shape = {sizeof **out, vg_outbox_read, arena};
    const struct vg_sql sql = VG_SQL(text, vg_p_int(now_us), vg_p_count(per_sink));
    void *items;
    int rc = vg_sql_list(store, &sql, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_outbox_next(struct vg_store *store, int64_t now_us, int64_t *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT COALESCE(min(o.next_us), 9223372036854775807) FROM outbox AS o"
        " WHERE o.next_us > $1 AND" VG_OUTBOX_MAY_GO;
    *out = VG_NEVER;
    return vg_sql_int(store, &VG_SQL(text, vg_p_int(now_us)), out, err);
}

/* --- The end of a row ------------------------------------------------------------------ */

static int must_exist(struct vg_store *store, int64_t id, struct vg_error *err)
{
    int64_t n = 0;
    if (vg_sql_int(store, &VG_SQL("SELECT count(*) FROM outbox WHERE id = $1", vg_p_int(id)), &n,
                   err) < 0)
        return -1;
    return n ? 0 : vg_fail(err, VG_E_NOT_FOUND, "the outbox has no row %lld", (long long)id);
}

static int count_end(struct vg_store *store, int64_t id, int state, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO outbox_total (sink_kind, sink, sent, dead)"
        " SELECT sink_kind, sink, $1, $2 FROM outbox WHERE id = $3 ON CONFLICT (sink_kind, sink)"
        " DO UPDATE SET sent = outbox_total.sent + excluded.sent,"
        " dead = outbox_total.dead + excluded.dead";
    return vg_sql_run(
        store,
        &VG_SQL(text, vg_p_int(state == VG_ROW_SENT), vg_p_int(state == VG_ROW_DEAD), vg_p_int(id)),
        err);
}

/* Older rows of the same key that stood have been followed, or must not go on beyond an end that
 * was refused; the row itself, if it stood, counted as sent when it began to. */
static int end_standing(struct vg_store *store, int64_t id, int state, int64_t now_us,
                        struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET state = 1, ended_us = $1 WHERE state = 3 AND (id = $2 OR EXISTS"
        " (SELECT 1 FROM outbox AS n WHERE n.id = $2 AND n.sink_kind = outbox.sink_kind"
        " AND n.sink = outbox.sink AND n.key = outbox.key AND n.id > outbox.id AND ($3 = 1 OR "
        "n.kind = $4)))";
    return vg_sql_run(store,
                      &VG_SQL(text, vg_p_int(now_us), vg_p_int(id), vg_p_int(state == VG_ROW_SENT),
                              vg_p_int(VG_MSG_RESOLVE)),
                      err);
}

/* A row that has ended already stays as it is, so saying it twice is harmless. */
static int end_row(struct vg_store *store, int64_t id, int state, int64_t now_us, const char *why,
                   struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET state = $1, ended_us = $2, attempts = attempts + 1,"
        " last_error = COALESCE($3, last_error) WHERE id = $4 AND state = 0";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_int(state), vg_p_int(now_us), vg_p_text(why), vg_p_int(id));
    struct vg_scope scope;
    int64_t changed = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = end_standing(store, id, state, now_us, err);
    if (rc == 0)
        rc = vg_sql_change(store, &sql, &changed, err);
    vg_failpoint("mid_mark");
    if (rc == 0)
        rc = changed ? count_end(store, id, state, err) : must_exist(store, id, err);
    if (rc == 0 && changed && state == VG_ROW_DEAD)
        rc = vg_outbox_part(store, id, now_us, err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_outbox_sent(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err)
{
    return end_row(store, id, VG_ROW_SENT, now_us, NULL, err);
}

int vg_store_outbox_dead(struct vg_store *store, int64_t id, int64_t now_us, const char *why,
                         struct vg_error *err)
{
    return end_row(store, id, VG_ROW_DEAD, now_us, why, err);
}

int vg_store_outbox_retry(struct vg_store *store, int64_t id, int64_t next_us, const char *why,
                          struct vg_error *err)
{
    static const char text[] = "UPDATE outbox SET next_us = $1, last_error = $2,"
                               " attempts = attempts + 1,"
                               " went_to = CASE touched WHEN 2 THEN NULL ELSE went_to END,"
                               " touched = CASE touched WHEN 2 THEN 0 ELSE touched END"
                               " WHERE id = $3 AND state IN (0, 3)";
    int64_t changed = 0;
    if (vg_sql_change(store, &VG_SQL(text, vg_p_int(next_us), vg_p_text(why), vg_p_int(id)),
                      &changed, err) < 0)
        return -1;
    return changed ? 0 : must_exist(store, id, err);
}

/* --- Rows that go on ------------------------------------------------------------------- */

int vg_store_outbox_step(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err)
{
    static const char text[] = "UPDATE outbox SET next_us = $1, step = step + 1, attempts = 0"
                               " WHERE id = $2 AND state IN (0, 3)";
    int64_t changed = 0;
    if (vg_sql_change(store, &VG_SQL(text, vg_p_int(now_us), vg_p_int(id)), &changed, err) < 0)
        return -1;
    return changed ? 0 : must_exist(store, id, err);
}

int vg_store_outbox_stand(struct vg_store *store, int64_t id, int64_t now_us, int64_t next_us,
                          struct vg_error *err)
{
    static const char again[] = "UPDATE outbox SET next_us = $1, step = 0, attempts = 0,"
                                " last_error = NULL WHERE id = $2 AND state = 3";
    static const char back[] = "UPDATE outbox SET state = 3, ended_us = NULL, next_us = $1,"
                               " step = 0, attempts = 0 WHERE id = $2 AND state = 1";
    const struct vg_sql on = VG_SQL(again, vg_p_int(next_us), vg_p_int(id));
    struct vg_scope scope;
    int64_t changed = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_sql_change(store, &on, &changed, err);
    if (rc == 0 && !changed) {
        rc = end_row(store, id, VG_ROW_SENT, now_us, NULL, err);
        if (rc == 0)
            rc = vg_sql_run(store, &VG_SQL(back, vg_p_int(next_us), vg_p_int(id)), err);
    }
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_outbox_keep(struct vg_store *store, int64_t id, const char *text, int64_t now_us,
                         struct vg_error *err)
{
    static const char keep[] = "INSERT INTO kept (sink_kind, sink, key, body, at_us)"
                               " SELECT sink_kind, sink, key, $1, $2 FROM outbox WHERE id = $3"
                               " ON CONFLICT (sink_kind, sink, key) DO NOTHING";
    static const char forget[] =
        "DELETE FROM kept WHERE EXISTS (SELECT 1 FROM outbox AS o WHERE o.id = $1"
        " AND o.sink_kind = kept.sink_kind AND o.sink = kept.sink AND o.key = kept.key)";
    if (!text)
        return vg_sql_run(store, &VG_SQL(forget, vg_p_int(id)), err);
    return vg_sql_run(store, &VG_SQL(keep, vg_p_text(text), vg_p_int(now_us), vg_p_int(id)), err);
}

/* --- Counts ---------------------------------------------------------------------------- */

static void read_count(struct vg_sql_row *row, void *item)
{
    struct vg_outbox_count *count = item;
    count->sink = vg_row_text(row);
    count->sink_kind = (enum vg_sink_kind)vg_row_enum(row, VG_SINK_RETRAIN + 1);
    count->waiting = vg_row_int(row);
    count->dead = vg_row_int(row);
    count->sent = vg_row_int(row);
    count->dropped = vg_row_int(row);
}

int vg_store_outbox_counts(struct vg_store *store, struct vg_arena *arena,
                           struct vg_outbox_count **out, size_t *n, struct vg_error *err)
{
    static const char text[] =
        "SELECT sink, sink_kind, sum(waiting), sum(dead), sum(sent), sum(dropped) FROM ("
        " SELECT sink, sink_kind, count(*) AS waiting, 0 AS dead, 0 AS sent, 0 AS dropped"
        " FROM outbox WHERE state = 0 GROUP BY sink, sink_kind"
        " UNION ALL SELECT sink, sink_kind, 0, dead, sent, dropped FROM outbox_total) AS parts"
        " GROUP BY sink, sink_kind ORDER BY sink, sink_kind";
    const struct vg_sql_shape shape = {sizeof **out, read_count, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL_PLAIN(text), &shape, &items, n, err);
    *out = items;
    return rc;
}
