/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private columns in what is kept. Pure. A threshold is put just above a value of the grid, so that
 * the value's atom falls into the gap below it and no cell stands for a single value. */
#include "agent/summary/private.h"

#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"

static bool shows_rows(const struct vg_column_summary *column)
{
    for (uint32_t i = 0; column->coarse && i < column->coarse_cells; i++) {
        if (column->coarse[i] && column->coarse[i] < VG_PRIVATE_ROWS)
            return true;
    }
    return false;
}

void vg_private_column(struct vg_column_summary *column)
{
    vg_top_free(column->top);
    column->top = NULL;
    vg_quantiles_free(column->quantiles);
    column->quantiles = NULL;
    double mean = vg_column_mean(column);
    column->min = column->max = isfinite(mean) ? mean : 0;
    column->length_min = column->length_max = 0;
    if (shows_rows(column)) {
        free(column->coarse);
        column->coarse = NULL;
        column->coarse_cells = 0;
    }
    free(column->fine); /* never written, and of no use any more */
    column->fine = NULL;
    free(column->gaps);
    column->gaps = NULL;
    if (!column->coarse) {
        column->grid = NULL;
        column->grid_id = 0;
    }
}

struct vg_column_summary vg_private_counts(const struct vg_column_summary *column)
{
    return (struct vg_column_summary){
        .name = column->name,
        .kind = column->kind,
        .rows = column->rows,
        .nulls = column->nulls,
        .nans = column->nans,
        .pinfs = column->pinfs,
        .ninfs = column->ninfs,
        .uncast = column->uncast,
    };
}

static uint64_t count_all(const struct vg_grid *grid, const uint64_t *cells)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 2 * (size_t)grid->n + 1; i++)
        n += cells[i];
    return n;
}

/* Fills thresholds q and the rows below each (above the one before); returns how many. */
static uint32_t join_cells(const struct vg_grid *grid, const uint64_t *cells, double *q,
                           uint64_t *rows)
{
    uint64_t left = count_all(grid, cells), held = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < grid->n; i++) {
        uint64_t more = cells[2 * (size_t)i] + cells[2 * (size_t)i + 1];
        held += more;
        left -= more;
        if (held < VG_PRIVATE_ROWS || left < VG_PRIVATE_ROWS)
            continue;
        q[n] = nextafter(grid->q[i], INFINITY);
        rows[n++] = held;
        held = 0;
    }
    rows[n] = held + left;
    return n;
}

int vg_private_distribution(const struct vg_grid *grid, const uint64_t *cells,
                            struct vg_distribution **out, struct vg_error *err)
{
    int rc = -1;
    double *q = vg_array((size_t)grid->n + 1, sizeof *q);
    uint64_t *rows = vg_array((size_t)grid->n + 1, sizeof *rows);
    struct vg_distribution *made = calloc(1, sizeof *made);
    *out = NULL;
    if (!q || !rows || !made)
        goto out;
    uint32_t n = join_cells(grid, cells, q, rows);
    if (!n) {
        rc = 0;
        goto out;
    }
    made->grid = vg_grid_new(q, n, false);
    made->cells = vg_array(2 * (size_t)n + 1, sizeof *made->cells);
    if (!made->grid || !made->cells)
        goto out;
    for (uint32_t i = 0; i <= n; i++)
        made->cells[2 * (size_t)i] = rows[i];
    if (vg_grid_choose_coarse(made->grid, made->cells) < 0)
        goto out;
    made->n = count_all(made->grid, made->cells);
    *out = made;
    made = NULL;
    rc = 0;
out:
    free(q);
    free(rows);
    vg_distribution_free(made);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}
