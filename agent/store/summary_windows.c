/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The series of a column's stored base windows. Reads the table `summary`; a summary that is
 * damaged is left out, as one that was never kept. */
#include "agent/store/inner.h"

static void read_window(struct vg_sql_row *row, void *item)
{
    struct vg_stored_window *stored = item;
    struct vg_error fault = {.code = VG_OK};
    size_t size;
    stored->window.start_us = vg_row_int(row);
    stored->window.end_us = vg_row_int(row);
    const void *body = vg_row_blob(row, &size);
    if (vg_column_read(body, size, &stored->column, &fault) == 0)
        return;
    stored->column = NULL;
    if (fault.code == VG_E_MEMORY && !row->failed) {
        row->failed = true;
        vg_fail(row->err, VG_E_MEMORY, "out of memory");
    }
}

int vg_store_summary_windows(struct vg_store *store, const char *dataset, const char *column,
                             int64_t before_us, struct vg_arena *arena,
                             struct vg_stored_windows *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT start_us, end_us, body FROM (SELECT start_us, end_us, body FROM summary"
        " WHERE dataset = $1 AND column_name = $2 AND start_us < $3"
        " ORDER BY start_us DESC LIMIT $4) AS newest ORDER BY start_us";
    const struct vg_sql_shape shape = {sizeof *out->items, read_window, arena};
    void *items = NULL;
    size_t all = 0;
    int rc = vg_sql_list(store,
                         &VG_SQL(text, vg_p_text(dataset), vg_p_text(column), vg_p_int(before_us),
                                 vg_p_int(VG_SUMMARY_WINDOWS)),
                         &shape, &items, &all, err);
    struct vg_stored_window *list = items;
    *out = (struct vg_stored_windows){list, 0};
    for (size_t i = 0; i < all; i++) {
        if (rc < 0)
            vg_column_free(list[i].column);
        else if (list[i].column)
            list[out->n++] = list[i];
    }
    return rc;
}
