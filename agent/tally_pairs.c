/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranks of columns in the scan of a window: each value's cell on the reference's grid, the cell's
 * rank, and the products of ranks row by row. Memory is two bytes per value of a batch, whatever
 * the window. Pure. */
#include <stdlib.h>

#include "agent/tally_rows.h"
#include "pgvigil/summary_pairs.h"

int vg_tally_pairs_new(const struct vg_tally_plan *plan, struct vg_pairs **out,
                       struct vg_error *err)
{
    const char *names[VG_PAIRS_COLUMNS];
    uint64_t grids[VG_PAIRS_COLUMNS];
    size_t n = plan->nranked;
    *out = NULL;
    if (!n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        names[i] = plan->ranked[i].name;
        grids[i] = plan->ranked[i].grid->id;
    }
    *out = vg_pairs_new(vg_pairs_id(names, grids, n), names, (uint32_t)n);
    return *out ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory for pairs of columns");
}

static void rank_rows(const struct vg_column *view, size_t n, const struct vg_tally_rank *column,
                      int16_t *out)
{
    uint32_t cells[VG_BATCH_ROWS], places[VG_BATCH_ROWS];
    double values[VG_BATCH_ROWS] = {0};
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = VG_RANK_NONE;
        if (view->state[i] != VG_CELL_VALUE)
            continue;
        places[found] = (uint32_t)i;
        values[found++] = view->num[i];
    }
    vg_grid_find(column->grid, values, found, cells);
    for (size_t i = 0; i < found; i++)
        out[places[i]] = column->ranks[cells[i]];
}

int vg_tally_pairs_count(struct vg_tally_rows *rows, const struct vg_tally_plan *plan,
                         struct vg_pairs *into, struct vg_error *err)
{
    const int16_t *of[VG_PAIRS_COLUMNS];
    int16_t *ranks = vg_array(plan->nranked * VG_BATCH_ROWS, sizeof *ranks);
    if (!ranks)
        return vg_fail(err, VG_E_MEMORY, "out of memory counting pairs");
    for (size_t i = 0; i < plan->nranked; i++) {
        struct vg_column view = vg_tally_view(rows, plan->ranked[i].source);
        rank_rows(&view, rows->n, &plan->ranked[i], ranks + i * VG_BATCH_ROWS);
        of[i] = ranks + i * VG_BATCH_ROWS;
    }
    int rc = vg_pairs_count(into, of, rows->n, err);
    free(ranks);
    return rc;
}
