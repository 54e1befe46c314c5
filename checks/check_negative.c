/* SPDX-License-Identifier: GPL-3.0-or-later */
/* negative: the share of the numbers of a column that are below 0, -infinity included. NULLs are
 * not tested; -0.0 is not below 0. */
#include "checks/check_counted.h"

static uint64_t count_negative(const struct vg_column_summary *column)
{
    return column->negatives + column->ninfs;
}

static int measure_negative(const struct vg_rule *rule, const struct vg_evidence *evidence,
                            struct vg_measures *out, struct vg_error *err)
{
    return vg_counted_measure(rule, evidence, count_negative, "negative", out, err);
}

static int blame_negative(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    return cell->state == VG_VIEW_NINF || (cell->state == VG_VIEW_VALUE && cell->num < 0);
}

const struct vg_check_type vg_check_negative = {
    .name = "negative",
    .doc = "Share of numbers below 0, -Infinity included. NULLs are not tested.",
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
    .blames = blame_negative,
    .measure = measure_negative,
};
