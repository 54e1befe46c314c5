/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waits in the outbox in vain: limits and who goes first, pairs nobody needs, rows that people
 * send again or drop, and receivers that fail.
 *
 * Owns `trouble`. Nothing goes without a count or a person who asked for it: a message that is
 * dropped for want of room counts in `outbox_total`, a merged one is said by another.
 */
#include <string.h>

#include "agent/store/outbox.h"
#include "pgvigil/failpoint.h"

int vg_store_outbox_recover(struct vg_store *store, struct vg_error *err)
{
    /* 1 is VG_SINK_RETRAIN: a request is claimed before it is sent, so that of the others it is
     * known that they were not. */
    static const char text[] = "UPDATE outbox SET touched = 1 WHERE state = 0 AND touched <> 1"
                               " AND (sink_kind <> 1 OR touched = 2)";
    vg_failpoint("recover");
    return vg_sql_run(store, &VG_SQL_PLAIN(text), err);
}

int vg_store_outbox_touch(struct vg_store *store, int64_t id, struct vg_error *err)
{
    return vg_sql_run(store, &VG_SQL("UPDATE outbox SET touched = 1 WHERE id = $1", vg_p_int(id)),
                      err);
}

int vg_store_outbox_claim(struct vg_store *store, int64_t id, const char *place, bool *claimed,
                          struct vg_error *err)
{
    static const char text[] = "UPDATE outbox SET touched = CASE touched WHEN 0 THEN 2"
                               " ELSE touched END, went_to = $1 WHERE id = $2 AND state = 0";
    int64_t n = 0;
    int rc = vg_sql_change(store, &VG_SQL(text, vg_p_text(place), vg_p_int(id)), &n, err);
    *claimed = rc == 0 && n > 0;
    return rc;
}

int vg_store_outbox_hold(struct vg_store *store, int64_t id, int64_t until_us, struct vg_error *err)
{
    return vg_sql_run(
        store,
        &VG_SQL("UPDATE outbox SET held_us = $1 WHERE id = $2", vg_p_int(until_us), vg_p_int(id)),
        err);
}

int vg_store_outbox_held(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                         int64_t *until_us, struct vg_error *err)
{
    /* of whatever has become of the row since: it stands, or another one has taken its place */
    static const char text[] = "SELECT COALESCE(max(held_us), 0) FROM outbox"
                               " WHERE sink_kind = $1 AND sink = $2 AND held_us > 0";
    *until_us = 0;
    return vg_sql_int(store, &VG_SQL(text, vg_p_int((int64_t)kind), vg_p_text(sink)), until_us,
                      err);
}

int vg_store_outbox_pair(struct vg_store *store, int64_t id, int64_t now_us, int64_t *n,
                         struct vg_error *err)
{
    /* 0 is VG_MSG_OPEN, 3 VG_MSG_RESOLVE; without a trigger none of the key was ever delivered */
    static const char ends[] =
        "SELECT count(*) FROM outbox AS o JOIN outbox AS e ON e.sink_kind = o.sink_kind"
        " AND e.sink = o.sink AND e.key = o.key WHERE o.id = $1 AND o.kind = 0 AND o.state = 0"
        " AND o.touched = 0 AND o.step = 0 AND e.state = 0 AND e.kind = 3 AND e.id > o.id";
    static const char drop[] =
        "UPDATE outbox SET state = " VG_ROW_GONE ", ended_us = $1, body = '', last_error ="
        " 'it ended before it could be delivered' WHERE state = 0 AND (sink_kind, sink, key) IN"
        " (SELECT sink_kind, sink, key FROM outbox WHERE id = $2) AND id <= (SELECT min(e.id)"
        " FROM outbox AS o JOIN outbox AS e ON e.sink_kind = o.sink_kind AND e.sink = o.sink"
        " AND e.key = o.key WHERE o.id = $2 AND e.state = 0 AND e.kind = 3 AND e.id > o.id)";
    int64_t found = 0;
    *n = 0;
    if (vg_sql_int(store, &VG_SQL(ends, vg_p_int(id)), &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    return vg_sql_change(store, &VG_SQL(drop, vg_p_int(now_us), vg_p_int(id)), n, err);
}

/* --- Room ------------------------------------------------------------------------------ */

static void read_room(struct vg_sql_row *row, void *item)
{
    struct vg_outbox_room *room = item;
    room->rows = vg_row_int(row);
    room->bytes = vg_row_int(row);
}

static int measure_room(struct vg_store *store, struct vg_outbox_room *room, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *room, read_room, NULL};
    struct vg_outbox_room now = {0};
    bool found;
    if (vg_sql_one(store,
                   &VG_SQL_PLAIN("SELECT count(*), COALESCE(sum(bytes), 0) FROM outbox"
                                 " WHERE state = 0"),
                   &shape, &now, &found, err) < 0)
        return -1;
    room->rows = now.rows;
    room->bytes = now.bytes;
    return 0;
}

/* Chooses most rows of a grade. */
#define CHOOSE(grade)                                                                              \
    "UPDATE outbox SET state = " VG_ROW_CHOSEN                                                     \
    " WHERE id IN (SELECT o.id FROM outbox AS o JOIN (SELECT sink,"                                \
    " count(*) AS waiting FROM outbox WHERE state = 0 AND sink_kind = 0 GROUP BY sink) AS s"       \
    " ON s.sink = o.sink WHERE o.state = 0 AND o.sink_kind = 0 AND " grade                         \
    " ORDER BY s.waiting DESC, o.sink, o.id LIMIT $1)"

/* What goes first; kinds as in enum vg_message_kind. */
static const char *const grades[] = {
    CHOOSE("o.kind = 2"),
    CHOOSE("o.kind IN (4, 5, 6, 7)"),
    CHOOSE("o.kind = 1"),
    CHOOSE("o.kind IN (0, 3) AND EXISTS (SELECT 1 FROM outbox AS p WHERE p.state = 0"
           " AND p.sink_kind = o.sink_kind AND p.sink = o.sink AND p.key = o.key"
           " AND p.kind IN (0, 3) AND p.kind <> o.kind)"),
    CHOOSE("o.kind IN (0, 3)"),
};
enum { GRADES = sizeof grades / sizeof grades[0] };

/* With a trigger goes all that waits behind it. *n grows by what that is. */
static int choose_followers(struct vg_store *store, int64_t *n, struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET state = " VG_ROW_CHOSEN " WHERE state = 0 AND (sink_kind, sink, key) IN"
        " (SELECT sink_kind, sink, key FROM outbox WHERE state = " VG_ROW_CHOSEN " AND kind = 0)";
    int64_t more = 0;
    int rc = vg_sql_change(store, &VG_SQL_PLAIN(text), &more, err);
    *n += more;
    return rc;
}

static int drop_victims(struct vg_store *store, int64_t now_us, struct vg_error *err)
{
    static const char count[] =
        "INSERT INTO outbox_total (sink_kind, sink, sent, dead, dropped)"
        " SELECT sink_kind, sink, 0, 0, count(*) FROM outbox WHERE state = " VG_ROW_CHOSEN
        " GROUP BY sink_kind, sink HAVING count(*) > 0 ON CONFLICT (sink_kind, sink)"
        " DO UPDATE SET dropped = outbox_total.dropped + excluded.dropped";
    static const char end[] =
        "UPDATE outbox SET state = " VG_ROW_GONE ", ended_us = $1, body = '', last_error ="
        " 'dropped: the outbox is full' WHERE state = " VG_ROW_CHOSEN;
    if (vg_sql_run(store, &VG_SQL_PLAIN(count), err) < 0)
        return -1;
    return vg_sql_run(store, &VG_SQL(end, vg_p_int(now_us)), err);
}

static int make_room(struct vg_store *store, int64_t rows_most, int64_t bytes_most, int64_t now_us,
                     struct vg_outbox_room *room, struct vg_error *err)
{
    int rc = measure_room(store, room, err);
    for (int grade = 0; rc == 0 && grade < GRADES;) {
        int64_t over = room->rows - rows_most, n = 0;
        if (over <= 0 && room->bytes <= bytes_most)
            break;
        int64_t step = over > 0 ? over : 1 + room->rows / 100;
        rc = vg_sql_change(store, &VG_SQL(grades[grade], vg_p_int(step)), &n, err);
        grade += n < step;
        rc = rc ? rc : choose_followers(store, &n, err);
        room->dropped += n;
        rc = rc ? rc : drop_victims(store, now_us, err);
        rc = rc ? rc : measure_room(store, room, err);
    }
    return rc;
}

int vg_store_outbox_room(struct vg_store *store, int64_t rows_most, int64_t bytes_most,
                         int64_t now_us, struct vg_outbox_room *out, struct vg_error *err)
{
    struct vg_scope scope;
    *out = (struct vg_outbox_room){0};
    vg_failpoint("room");
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = make_room(store, rows_most, bytes_most, now_us, out, err);
    return vg_scope_leave(store, &scope, rc, err);
}

/* --- What people do -------------------------------------------------------------------- */

static void read_listed(struct vg_sql_row *row, void *item)
{
    struct vg_outbox_row *out = item;
    out->row.id = vg_row_int(row);
    out->row.sink_kind = (enum vg_sink_kind)vg_row_enum(row, VG_SINK_RETRAIN + 1);
    out->row.sink = vg_row_text(row);
    vg_row_key(row, out->row.key);
    out->row.kind = (enum vg_message_kind)vg_row_enum(row, VG_MSG_KINDS);
    out->row.body = "";
    out->row.created_us = vg_row_int(row);
    out->row.next_us = vg_row_int(row);
    out->row.attempts = (int)vg_row_int(row);
    out->row.last_error = vg_row_text(row);
    out->dead = vg_row_enum(row, VG_ROW_STANDING) == VG_ROW_DEAD;
    out->ended_us = out->dead ? vg_row_int(row) : VG_NEVER;
}

int vg_store_outbox_list(struct vg_store *store, struct vg_arena *arena, struct vg_outbox_row **out,
                         size_t *n, struct vg_error *err)
{
    static const char text[] =
        "SELECT id, sink_kind, sink, key, kind, created_us, next_us, attempts, last_error, state,"
        " ended_us FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 0 UNION ALL"
        " SELECT id FROM outbox WHERE state = 2) ORDER BY id LIMIT 1000";
    const struct vg_sql_shape shape = {sizeof **out, read_listed, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL_PLAIN(text), &shape, &items, n, err);
    *out = items;
    return rc;
}

#define CHOSEN " AND ($2 = 0 OR id = $2) AND ($3 IS NULL OR sink = $3)"

int vg_store_outbox_redrive(struct vg_store *store, const struct vg_outbox_choice *choice,
                            int64_t now_us, int64_t *n, struct vg_error *err)
{
    /* An end that was refused may have been taken the time before: a trigger must not follow it.
     * 1 is VG_SINK_RETRAIN: what was refused is not asked for again without its guards. */
    static const char text[] =
        "UPDATE outbox SET state = 0, ended_us = NULL, next_us = $1,"
        " touched = CASE WHEN kind = 3 OR sink_kind = 1 OR state = 2 THEN touched ELSE 1 END"
        " WHERE state IN (0, 2)" CHOSEN " AND NOT (state = 2 AND sink_kind = 1)"
        " AND NOT (state = 2 AND kind <> 3 AND EXISTS (SELECT 1"
        " FROM outbox AS e WHERE e.sink_kind = outbox.sink_kind AND e.sink = outbox.sink"
        " AND e.key = outbox.key AND e.kind = 3 AND e.id > outbox.id"
        " AND (e.state <> 2 OR e.touched = 1)))";
    *n = 0;
    if (vg_sql_change(
            store, &VG_SQL(text, vg_p_int(now_us), vg_p_int(choice->id), vg_p_text(choice->sink)),
            n, err) < 0)
        return -1;
    return vg_outbox_part(store, 0, now_us, err); /* obeyed in one transaction */
}

int vg_store_outbox_drop(struct vg_store *store, const struct vg_outbox_choice *choice,
                         int64_t now_us, int64_t *n, struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET state = " VG_ROW_GONE
        ", ended_us = $1, body = '', last_error = 'dropped by a command'"
        " WHERE state IN (0, 2)" CHOSEN " AND NOT (state = 0 AND sink_kind = 1)";
    *n = 0;
    if (vg_sql_change(
            store, &VG_SQL(text, vg_p_int(now_us), vg_p_int(choice->id), vg_p_text(choice->sink)),
            n, err) < 0)
        return -1;
    return vg_outbox_part(store, 0, now_us, err); /* obeyed in one transaction */
}

int vg_store_outbox_requests(struct vg_store *store, const struct vg_outbox_choice *choice,
                             bool dead, int64_t *n, struct vg_error *err)
{
    static const char text[] =
        "SELECT count(*) FROM outbox WHERE state = $1 AND sink_kind = 1" CHOSEN;
    *n = 0;
    return vg_sql_int(store,
                      &VG_SQL(text, vg_p_int(dead ? VG_ROW_DEAD : VG_ROW_WAITING),
                              vg_p_int(choice->id), vg_p_text(choice->sink)),
                      n, err);
}

/* --- Requests for retraining that wait --------------------------------------------------- */

static void read_pending(struct vg_sql_row *row, void *item)
{
    struct vg_outbox_pending *pending = item;
    int64_t touched;
    vg_row_key(row, pending->key);
    touched = vg_row_int(row);
    pending->touched = touched == 1;
    pending->sending = touched == 2;
}

int vg_store_outbox_pending(struct vg_store *store, const char *model, struct vg_arena *arena,
                            struct vg_outbox_pending *out, bool *found, struct vg_error *err)
{
    static const char text[] = "SELECT key, touched FROM outbox WHERE state = 0 AND sink_kind = 1"
                               " AND sink = $1 ORDER BY id LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_pending, arena};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(model)), &shape, out, found, err);
}

int vg_store_outbox_withdraw(struct vg_store *store, const char *key, int64_t now_us,
                             struct vg_error *err)
{
    static const char text[] =
        "UPDATE outbox SET state = " VG_ROW_GONE ", ended_us = $1, body = '', last_error ="
        " 'withdrawn before it was sent' WHERE state = 0 AND sink_kind = 1 AND key = $2"
        " AND touched <> 2";
    int64_t n = 0;
    if (vg_sql_change(store, &VG_SQL(text, vg_p_int(now_us), vg_p_text(key)), &n, err) < 0)
        return -1;
    return n ? 0 : vg_fail(err, VG_E_NOT_FOUND, "no request of the onset %.12s waits", key);
}

/* --- Receivers that fail --------------------------------------------------------------- */

static void read_trouble(struct vg_sql_row *row, void *item)
{
    struct vg_trouble *trouble = item;
    trouble->sink_kind = (enum vg_sink_kind)vg_row_enum(row, VG_SINK_RETRAIN + 1);
    trouble->sink = vg_row_text(row);
    vg_row_key(row, trouble->key);
    trouble->since_us = vg_row_int(row);
    trouble->told = vg_row_text(row);
}

int vg_store_trouble(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                     struct vg_arena *arena, struct vg_trouble *out, bool *found,
                     struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_trouble, arena};
    return vg_sql_one(store,
                      &VG_SQL("SELECT sink_kind, sink, key, since_us, told FROM trouble"
                              " WHERE sink_kind = $1 AND sink = $2",
                              vg_p_int((int64_t)kind), vg_p_text(sink)),
                      &shape, out, found, err);
}

int vg_store_trouble_put(struct vg_store *store, const struct vg_trouble *row, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO trouble (sink_kind, sink, key, since_us, told) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (sink_kind, sink) DO NOTHING";
    return vg_sql_run(store,
                      &VG_SQL(text, vg_p_int((int64_t)row->sink_kind), vg_p_text(row->sink),
                              vg_p_text(row->key), vg_p_int(row->since_us), vg_p_text(row->told)),
                      err);
}

int vg_store_trouble_delete(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                            struct vg_error *err)
{
    return vg_sql_run(store,
                      &VG_SQL("DELETE FROM trouble WHERE sink_kind = $1 AND sink = $2",
                              vg_p_int((int64_t)kind), vg_p_text(sink)),
                      err);
}
