/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zero: the share of the numbers of a column that are 0, of either sign. NULLs are not tested; NaN
 * and infinities are numbers other than 0. */
#include "checks/check_counted.h"

static uint64_t count_zero(const struct vg_column_summary *column)
{
    return column->zeros;
}

static int measure_zero(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_error *err)
{
    return vg_counted_measure(rule, evidence, count_zero, "zero", out, err);
}

static int blame_zero(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    return cell->state == VG_VIEW_VALUE && cell->num == 0;
}

const struct vg_check_type vg_check_zero = {
    .name = "zero",
    .doc = "Share of numbers that are 0. NULLs are not tested.",
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
    .blames = blame_zero,
    .measure = measure_zero,
};
