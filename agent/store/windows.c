/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The windows of a dataset that have been committed: judged, empty, unreadable, skipped.
 *
 * Owns the table `scanned_window`: one row per (dataset, start), replaced when an empty window is
 * found filled.
 */
#include "agent/store/inner.h"

#define COLUMNS "start_us, end_us, repeated, due_us, committed_us, status, row_count, probe_rows"

static void read_window(struct vg_sql_row *row, void *item)
{
    struct vg_window_row *window = item;
    window->window = vg_row_window(row);
    window->due_us = vg_row_int(row);
    window->committed_us = vg_row_int(row);
    window->status = (enum vg_window_status)vg_row_enum(row, VG_WINDOW_SKIPPED + 1);
    window->rows = vg_row_count(row);
    window->probe_rows = vg_row_int(row);
}

int vg_store_window_put(struct vg_store *store, const char *dataset,
                        const struct vg_window_row *row, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO scanned_window (dataset, " COLUMNS ")"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (dataset, start_us) DO UPDATE SET"
        " end_us = excluded.end_us, repeated = excluded.repeated, due_us = excluded.due_us,"
        " committed_us = excluded.committed_us, status = excluded.status,"
        " row_count = excluded.row_count, probe_rows = excluded.probe_rows";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(dataset), vg_p_int(row->window.start_us), vg_p_int(row->window.end_us),
        vg_p_int(row->window.repeated), vg_p_int(row->due_us), vg_p_int(row->committed_us),
        vg_p_int((int64_t)row->status), vg_p_count(row->rows), vg_p_int(row->probe_rows));
    return vg_sql_run(store, &sql, err);
}

int vg_store_window(struct vg_store *store, const char *dataset, int64_t start_us,
                    struct vg_window_row *out, bool *found, struct vg_error *err)
{
    static const char text[] = "SELECT " COLUMNS " FROM scanned_window"
                               " WHERE dataset = $1 AND start_us = $2";
    const struct vg_sql_shape shape = {sizeof *out, read_window, NULL};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(start_us)), &shape, out,
                      found, err);
}

int vg_store_windows_open(struct vg_store *store, const char *dataset, int64_t since_us,
                          struct vg_arena *arena, struct vg_window_row **out, size_t *n,
                          struct vg_error *err)
{
    /* status 1 is VG_WINDOW_EMPTY, as a constant so that the index on open windows serves. */
    static const char text[] = "SELECT " COLUMNS " FROM scanned_window"
                               " WHERE dataset = $1 AND end_us > $2 AND status = 1"
                               " ORDER BY end_us";
    const struct vg_sql_shape shape = {sizeof **out, read_window, arena};
    void *items;
    *out = NULL;
    int rc = vg_sql_list(store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(since_us)), &shape,
                         &items, n, err);
    *out = items;
    return rc;
}

int vg_store_windows_judged(struct vg_store *store, const char *dataset,
                            const struct vg_window *span, struct vg_arena *arena,
                            struct vg_window_row **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT " COLUMNS " FROM scanned_window WHERE dataset = $1"
                               " AND status = 0 AND row_count > 0 AND start_us >= $2"
                               " AND end_us <= $3 ORDER BY start_us";
    const struct vg_sql_shape shape = {sizeof **out, read_window, arena};
    void *items;
    *out = NULL;
    int rc = vg_sql_list(
        store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(span->start_us), vg_p_int(span->end_us)),
        &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_window_newest(struct vg_store *store, const char *dataset, struct vg_window_row *out,
                           bool *found, struct vg_error *err)
{
    static const char text[] = "SELECT " COLUMNS " FROM scanned_window"
                               " WHERE dataset = $1 AND status = 0 AND row_count > 0"
                               " ORDER BY end_us DESC LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_window, NULL};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(dataset)), &shape, out, found, err);
}
