/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nan: the share of the numbers of a column that are NaN or infinite, which PostgreSQL stores as
 * values. NULLs are not tested. */
#include "checks/check_counted.h"

static uint64_t count_nan(const struct vg_column_summary *column)
{
    return column->nans + column->pinfs + column->ninfs;
}

static int measure_nan(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *out, struct vg_error *err)
{
    return vg_counted_measure(rule, evidence, count_nan, "NaN or infinite", out, err);
}

static int blame_nan(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    return cell->state == VG_VIEW_NULL ? -1 : cell->state != VG_VIEW_VALUE;
}

const struct vg_check_type vg_check_nan = {
    .name = "nan",
    .doc = "Share of numbers that are NaN, Infinity or -Infinity. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .blames = blame_nan,
    .measure = measure_nan,
};
