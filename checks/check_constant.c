/* SPDX-License-Identifier: GPL-3.0-or-later */
/* constant: the share of the rows that have the most frequent value. Texts and truths are counted
 * value by value. Of numbers and times it is certain whether all are the same; how many are is
 * known where the column is counted on a reference's grid, and else only that it is less than all.
 */
#include "pgvigil/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct most { /* rows of the most frequent value */
    double lo, hi;
    bool counted;
};

static void count_top(const struct vg_top *top, double n, struct most *out)
{
    struct vg_top_entry first = {0};
    bool sampled;
    vg_top_largest(top, &first, 1, &sampled);
    *out = (struct most){(double)first.count, sampled ? n - 1 : (double)first.count, true};
}

/* An atom of the grid is one value, a gap may be one. */
static void count_cells(const struct vg_column_summary *column, double n, struct most *out)
{
    *out = (struct most){.counted = true};
    for (size_t i = 0; i <= 2 * (size_t)column->grid->n; i++) {
        double rows = (double)column->fine[i];
        out->lo = i % 2 ? fmax(out->lo, rows) : out->lo;
        out->hi = fmax(out->hi, rows);
    }
    out->hi = fmin(out->hi, n - 1);
}

/* Where only registers of hashes are left, of a private text, all values in one register are taken
 * for one: two of a column's only two values meet there with a chance of 0.02 %. */
static struct most count_most(const struct vg_column_summary *column)
{
    double n = (double)vg_column_finite(column), value, lo, hi;
    struct most most = {.hi = n - 1};
    bool known = vg_column_distinct_bounds(column, &value, &lo, &hi);
    if (known && value <= 1)
        most = (struct most){n, n, true};
    else if (column->top)
        count_top(column->top, n, &most);
    else if (column->fine && column->grid)
        count_cells(column, n, &most);
    else if (!known)
        most.hi = n;
    return most;
}

static int measure_constant(const struct vg_rule *rule, const struct vg_evidence *evidence,
                            struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    double n = measure->n_now = (double)vg_column_finite(column);
    if (n == 0)
        return 0;
    struct most most = count_most(column);
    measure->value = measure->lo = most.lo / n;
    measure->hi = most.hi / n;
    measure->bounded = most.lo < most.hi;
    if (most.counted)
        snprintf(measure->why, sizeof measure->why,
                 "%s%.0f of %.0f rows have the most frequent value",
                 measure->bounded ? "at least " : "", most.lo, n);
    else
        snprintf(measure->why, sizeof measure->why,
                 "not all of %.0f rows have the same value; how many have the most frequent one is "
                 "not counted",
                 n);
    return 0;
}

const struct vg_check_type vg_check_constant = {
    .name = "constant",
    .doc =
        "Share of the rows with the most frequent value; fails at the limit, by default when all "
        "have the same. For numbers, times and private columns a limit below 100% works only "
        "with a reference's cells (a drift rule on the column). NULL, NaN and infinities are "
        "left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .at_limit = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_TOP,
    .min_rows = 10,
    .shorthand = "fail",
    .default_fail = "100%",
    .measure = measure_constant,
};
