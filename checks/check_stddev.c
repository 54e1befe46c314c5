/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stddev: the standard deviation of a column between bounds: that of a sample (n - 1), from sums of
 * squared deviations, never from the difference of two large sums. */
#include "checks/check_aggregate.h"

static int measure_stddev(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    double value = vg_column_stddev(column);
    struct vg_aggregate aggregate = {"standard deviation", value, value, false};
    return vg_check_aggregate(rule, column, &aggregate, out, err);
}

const struct vg_check_type vg_check_stddev = {
    .name = "stddev",
    .doc = "Standard deviation (of a sample, n - 1) between min and max. NULL, NaN and infinities "
           "are left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 2,
    .measure = measure_stddev,
};
