/* SPDX-License-Identifier: GPL-3.0-or-later */
/* maximum: the largest value of a column between bounds; where single values may lie is what range
 * is for. */
#include "checks/check_aggregate.h"

static int measure_maximum(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    double value = column->max;
    struct vg_aggregate aggregate = {"maximum", value, value, true};
    return vg_check_aggregate(rule, column, &aggregate, out, err);
}

const struct vg_check_type vg_check_maximum = {
    .name = "maximum",
    .doc =
        "Largest value between min and max, which may be times; the value of a time is in "
        "microseconds since 1970. NULL, NaN and infinities are left out. Not for private columns.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME,
    .needs = VG_NEEDS_COLUMN,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .measure = measure_maximum,
};
