/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A base window in the counts of its column's part: numbers below each place of the curve, or rows
 * of each level. Pure. */
#include <stdlib.h>

#include "agent/budget/recent.h"

static enum vg_budget_look look_numbers(const struct vg_budget_part *part,
                                        const struct vg_column_summary *s)
{
    if (!s->coarse || !s->grid_id)
        return VG_BUDGET_NOT_COUNTED;
    return s->grid_id == part->grid_id && s->coarse_cells == part->ncells ? VG_BUDGET_LOOKED
                                                                          : VG_BUDGET_OTHER_GRID;
}

/* Whole numbers are added up, which a processor does faster than doubles; below 2^53 rows there is
 * no difference. */
static void count_numbers(const struct vg_budget_part *part, const struct vg_column_summary *s,
                          double *cells, struct vg_counted *out)
{
    const size_t width = part->ncells - 1;
    uint64_t below = 0;
    out->look = vg_column_finite(s) ? look_numbers(part, s) : VG_BUDGET_LOOKED;
    if (!vg_column_finite(s) || out->look != VG_BUDGET_LOOKED)
        return;
    for (size_t j = 0; j < width; j++) {
        below += s->coarse[j];
        if (cells)
            cells[j] = (double)(int64_t)below;
    }
    out->rows = (double)(int64_t)(below + s->coarse[width]);
    out->m2 = s->m2.hi;
}

size_t vg_counted_width(const struct vg_budget_part *part)
{
    return part->has[VG_BUDGET_KS] ? part->ncells - 1 : vg_categories_levels(&part->categories);
}

int vg_counted_read(const struct vg_budget_part *part, const struct vg_column_summary *window,
                    double *cells, struct vg_counted *out)
{
    *out = (struct vg_counted){.look = VG_BUDGET_LOOKED};
    if (!part->has[VG_BUDGET_KS])
        return vg_categories_count(&part->categories, window, cells, &out->rows, &out->look);
    count_numbers(part, window, cells, out);
    return 0;
}

struct vg_budget_counts *vg_budget_count(const struct vg_budget_part *part,
                                         const struct vg_column_summary *window)
{
    size_t width = vg_counted_width(part);
    struct vg_budget_counts *counts = calloc(1, sizeof *counts + width * sizeof *counts->cells);
    int known = counts ? vg_categories_know(&part->categories, window) : -1;
    if (known < 0 || vg_counted_read(part, window, counts->cells, &counts->of) < 0) {
        free(counts);
        return NULL;
    }
    counts->known = known;
    return counts;
}

void vg_budget_counts_free(struct vg_budget_counts *counts)
{
    free(counts);
}
