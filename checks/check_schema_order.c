/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of a table's columns, then and now. What reads them by name does not care, what reads
 * SELECT * by position does. Pure. */
#include "checks/check_schema_diff.h"

/* The first column that now stands before one that it stood behind. */
void vg_schema_compare_order(const struct vg_schema_view *view, const struct vg_catalog *then,
                             enum vg_schema_since since)
{
    size_t most = 0;
    for (size_t i = 0; i < view->now->n; i++) {
        const char *name = view->now->columns[i].name;
        const struct vg_catalog_column *column = vg_catalog_find(then, name);
        if (!column)
            continue;
        size_t at = (size_t)(column - then->columns);
        if (at < most) {
            vg_schema_tell_of(view, (struct vg_schema_difference){.kind = VG_SCHEMA_REORDERED,
                                                                  .since = since,
                                                                  .name = name,
                                                                  .what = "stands elsewhere"});
            return;
        }
        most = at;
    }
}
