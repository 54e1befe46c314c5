/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Offending rows whose keys are to be written to a table of the user's: what is to be done, and
 * what became of it.
 *
 * Owns the table `offenders`, one row per (dataset, rule, window). It holds no key of any row. A
 * window judged again begins anew.
 */
#include "agent/store/inner.h"

#define OFFENDERS                                                                                  \
    "SELECT dataset, rule, start_us, end_us, repeated, warn, at_us, state, attempts, next_us,"     \
    " key_count, cut, why FROM offenders"

int vg_store_offenders_add(struct vg_store *store, const struct vg_offenders *row,
                           struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO offenders (dataset, rule, start_us, end_us, repeated, warn, at_us, state,"
        " attempts, next_us, key_count, cut) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, 0, 0)"
        " ON CONFLICT (dataset, rule, start_us) DO UPDATE SET end_us = excluded.end_us,"
        " repeated = excluded.repeated, warn = excluded.warn, at_us = excluded.at_us, state = 0,"
        " attempts = 0, next_us = excluded.next_us, key_count = 0, cut = 0, why = NULL";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(row->dataset), vg_p_text(row->rule), vg_p_int(row->window.start_us),
               vg_p_int(row->window.end_us), vg_p_int(row->window.repeated), vg_p_int(row->warn),
               vg_p_int(row->at_us), vg_p_int(row->next_us));
    return vg_sql_run(store, &sql, err);
}

int vg_store_offenders_put(struct vg_store *store, const struct vg_offenders *row,
                           struct vg_error *err)
{
    static const char text[] =
        "UPDATE offenders SET state = $1, attempts = $2, next_us = $3, key_count = $4, cut = $5,"
        " why = $6 WHERE dataset = $7 AND rule = $8 AND start_us = $9 AND at_us = $10";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_int((int64_t)row->state), vg_p_int(row->attempts), vg_p_int(row->next_us),
        vg_p_count(row->keys), vg_p_int(row->cut), vg_p_text(row->why), vg_p_text(row->dataset),
        vg_p_text(row->rule), vg_p_int(row->window.start_us), vg_p_int(row->at_us));
    return vg_sql_run(store, &sql, err);
}

static void read_offenders(struct vg_sql_row *row, void *item)
{
    struct vg_offenders *o = item;
    o->dataset = vg_row_text(row);
    o->rule = vg_row_text(row);
    o->window = vg_row_window(row);
    o->warn = vg_row_bool(row);
    o->at_us = vg_row_int(row);
    o->state = (enum vg_offenders_state)vg_row_enum(row, VG_OFFENDERS_GIVEN_UP + 1);
    o->attempts = (int)vg_row_int(row);
    o->next_us = vg_row_int(row);
    o->keys = vg_row_count(row);
    o->cut = vg_row_bool(row);
    o->why = vg_row_text(row);
}

static int list(struct vg_store *store, const struct vg_sql *sql, struct vg_arena *arena,
                struct vg_offenders **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_offenders, arena};
    void *items;
    int rc = vg_sql_list(store, sql, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_offenders_due(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                           struct vg_offenders **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql sql = VG_SQL(OFFENDERS " WHERE state = 0 AND next_us <= $1"
                                               " ORDER BY dataset, start_us, rule LIMIT 1000",
                                     vg_p_int(now_us));
    return list(store, &sql, arena, out, n, err);
}

int vg_store_offenders_next(struct vg_store *store, int64_t *out, struct vg_error *err)
{
    int64_t next_us = VG_NEVER;
    int rc = vg_sql_int(store,
                        &VG_SQL("SELECT coalesce(min(next_us), $1) FROM offenders WHERE state = 0",
                                vg_p_int(VG_NEVER)),
                        &next_us, err);
    if (rc == 0)
        *out = next_us;
    return rc;
}

int vg_store_offenders(struct vg_store *store, struct vg_arena *arena, struct vg_offenders **out,
                       size_t *n, struct vg_error *err)
{
    const struct vg_sql sql =
        VG_SQL_PLAIN(OFFENDERS " ORDER BY CASE WHEN state = 0 THEN 0 ELSE 1 END, at_us DESC,"
                               " dataset, rule, start_us DESC LIMIT 100");
    return list(store, &sql, arena, out, n, err);
}
