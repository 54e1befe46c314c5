/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fingerprints of what rules saw in windows, one row per (dataset, window, rule, segment).
 *
 * Owns the table `fingerprint`. A window judged again has those of its last judging only. They are
 * hashes without a key, from which what was counted can be guessed: checks leave none of private
 * columns with few values, and none of extremes of private columns.
 */
#include "agent/store/inner.h"
#include "pgvigil/check.h"

int vg_store_marks_put(struct vg_store *store, const struct vg_cycle *cycle, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO fingerprint (dataset, start_us, end_us, rule, segment, hash)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset, start_us, rule, segment)"
        " DO UPDATE SET hash = excluded.hash";
    if (!cycle->has_window)
        return 0;
    if (vg_sql_run(store,
                   &VG_SQL("DELETE FROM fingerprint WHERE dataset = $1 AND start_us = $2",
                           vg_p_text(cycle->dataset), vg_p_int(cycle->window.start_us)),
                   err) < 0)
        return -1;
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *r = &cycle->results[i];
        if (!r->fingerprint)
            continue;
        const struct vg_sql sql =
            VG_SQL(text, vg_p_text(cycle->dataset), vg_p_int(cycle->window.start_us),
                   vg_p_int(cycle->window.end_us), vg_p_text(r->rule),
                   vg_p_text(r->segment ? r->segment : ""), vg_p_int((int64_t)r->fingerprint));
        if (vg_sql_run(store, &sql, err) < 0)
            return -1;
    }
    return 0;
}

static void read_mark(struct vg_sql_row *row, void *item)
{
    struct vg_mark *mark = item;
    mark->rule = vg_row_text(row);
    mark->segment = vg_row_text(row);
    mark->start_us = vg_row_int(row);
    mark->fingerprint = (uint64_t)vg_row_int(row);
}

int vg_store_marks(struct vg_store *store, const struct vg_marks_of *of, struct vg_arena *arena,
                   struct vg_mark **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT rule, segment, start_us, hash FROM fingerprint"
                               " WHERE dataset = $1 AND start_us >= $2 AND end_us <= $3"
                               " AND (segment = '' OR start_us >= $4"
                               " OR ($3 - start_us + $5) % $6 <= 2 * $5)"
                               " ORDER BY start_us, rule, segment";
    const struct vg_sql_shape shape = {sizeof **out, read_mark, arena};
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(of->dataset), vg_p_int(of->span.start_us), vg_p_int(of->span.end_us),
               vg_p_int(of->recent_us), vg_p_int(VG_HOUR_US), vg_p_int(VG_WEEK_US));
    void *items;
    *out = NULL;
    int rc = vg_sql_list(store, &sql, &shape, &items, n, err);
    *out = items;
    return rc;
}
