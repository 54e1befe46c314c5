/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inner loops of the scan: from the rows of one column of a batch into its summary. A batch
 * without nulls is read in place; otherwise its values are first drawn together. Each part of the
 * summary is its own loop over at most 1024 values, which stay in the first-level cache. */
#include <math.h>

#include "agent/summary/parts.h"

_Static_assert(VG_CELL_VALUE == 0, "eight values in a row are eight zero bytes");

/* Most rows have values: eight of them at a time are seen at one look. */
static bool are_values(const uint8_t *state, size_t i, size_t n)
{
    uint64_t eight = 1;
    if (i + sizeof eight <= n)
        memcpy(&eight, state + i, sizeof eight);
    return eight == 0;
}

static void add_states(struct vg_column_summary *column, const size_t counts[VG_CELLS])
{
    column->nulls += counts[VG_CELL_NULL];
    column->nans += counts[VG_CELL_NAN];
    column->pinfs += counts[VG_CELL_PINF];
    column->ninfs += counts[VG_CELL_NINF];
    column->uncast += counts[VG_CELL_UNCAST];
}

/* Counts the states other than a value. */
static void count_states(struct vg_column_summary *column, const uint8_t *state, size_t n)
{
    size_t counts[VG_CELLS] = {0};
    for (size_t i = 0; i < n;) {
        size_t end = i + 8 < n ? i + 8 : n;
        if (are_values(state, i, n))
            i = end;
        for (; i < end; i++)
            counts[state[i]]++;
    }
    add_states(column, counts);
}

/* The same, and draws the values among n rows together into out; returns how many they are. */
static size_t gather_values(struct vg_column_summary *column, const uint8_t *state,
                            const double *num, size_t n, double *out)
{
    size_t counts[VG_CELLS] = {0}, kept = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + 8 < n ? i + 8 : n;
        if (are_values(state, i, n)) {
            memcpy(out + kept, num + i, 8 * sizeof *out);
            kept += 8;
            i = end;
        }
        for (; i < end; i++) {
            counts[state[i]]++;
            out[kept] = num[i];
            kept += state[i] == VG_CELL_VALUE;
        }
    }
    add_states(column, counts);
    return kept;
}

static void add_moments(struct vg_column_summary *column, const struct vg_moments *more, uint64_t n)
{
    struct vg_moments total = {n, column->min, column->max, column->sum, column->m2};
    vg_moments_merge(&total, more);
    column->min = total.min;
    column->max = total.max;
    column->sum = total.sum;
    column->m2 = total.m2;
}

/* Counts in cells, and where in its gap each value lies. */
static void count_gaps(struct vg_column_summary *column, const double *x, size_t n)
{
    uint32_t cells[VG_BATCH_ROWS];
    const double *q = column->grid->q;
    vg_grid_find(column->grid, x, n, cells);
    for (size_t i = 0; i < n; i++) {
        uint32_t gap = cells[i] / 2;
        column->fine[cells[i]]++;
        if (cells[i] % 2 == 0)
            column->gaps[gap] =
                vg_dd_add(column->gaps[gap], (struct vg_dd){x[i] - q[gap ? gap - 1 : 0], 0});
    }
}

/* n values of a column that had `before` finite ones. */
static int count_numbers(struct vg_column_summary *column, const double *x, size_t n,
                         uint64_t before)
{
    uint64_t zeros = 0, negatives = 0;
    struct vg_moments more = vg_moments_of(x, n, &zeros, &negatives);
    if (column->kind == VG_KIND_NUMBER) {
        column->zeros += zeros;
        column->negatives += negatives;
    }
    add_moments(column, &more, before);
    if (column->hll)
        vg_hll_add_numbers(column->hll, column->hll_bits, x, n);
    if (column->fine && column->gaps)
        count_gaps(column, x, n);
    else if (column->fine)
        vg_grid_count(column->grid, x, n, column->fine);
    return column->quantiles ? vg_quantiles_add(column->quantiles, x, n) : 0;
}

/* Truths are two values: each part of the summary is touched once for each, not once a row. */
static int count_truths(struct vg_column_summary *column, const double *x, size_t n,
                        uint64_t before)
{
    static const struct vg_slice labels[2] = {{"false", 5}, {"true", 4}};
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        counts[1] += x[i] != 0;
    counts[0] = n - counts[1];
    for (size_t k = 0; k < 2; k++) {
        double value = (double)k, sum = value * (double)counts[k];
        if (!counts[k])
            continue;
        struct vg_moments more = {counts[k], value, value, {sum, 0}, {0, 0}};
        add_moments(column, &more, before);
        before += counts[k];
        if (column->hll)
            vg_hll_add_numbers(column->hll, column->hll_bits, &value, 1);
        if (column->fine)
            column->fine[vg_grid_cell(column->grid, value)] += counts[k];
        if (column->top && vg_top_add(column->top, vg_hash64(labels[k].data, labels[k].len),
                                      counts[k], labels[k]) < 0)
            return -1;
    }
    return 0;
}

static int count_values(struct vg_column_summary *column, const struct vg_column *rows,
                        size_t first, size_t n)
{
    double gathered[VG_BATCH_ROWS];
    const double *x = rows->num + first;
    size_t values = n;
    uint64_t before = vg_column_finite(column);
    column->rows += n;
    if (rows->special) {
        values = gather_values(column, rows->state + first, x, n, gathered);
        x = gathered;
    }
    if (column->kind == VG_KIND_BOOL)
        return count_truths(column, x, values, before);
    return count_numbers(column, x, values, before);
}

int vg_column_count(struct vg_column_summary *column, const struct vg_column *rows, size_t nrows,
                    struct vg_error *err)
{
    int rc = 0;
    if (vg_kind_is_numeric(column->kind)) {
        for (size_t first = 0; !rc && first < nrows; first += VG_BATCH_ROWS) {
            size_t n = nrows - first < VG_BATCH_ROWS ? nrows - first : VG_BATCH_ROWS;
            rc = count_values(column, rows, first, n);
        }
    } else {
        column->rows += nrows;
        if (rows->special)
            count_states(column, rows->state, nrows);
        if (column->kind == VG_KIND_TEXT)
            rc = vg_texts_count(column, rows, nrows);
    }
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory counting column %s", column->name) : 0;
}
