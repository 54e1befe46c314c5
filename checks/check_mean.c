/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mean: the mean of a column between bounds, from the compensated sum of its finite values. It is
 * not known where values are so large that their sum could overflow. */
#include "checks/check_aggregate.h"

static int measure_mean(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    double value = vg_column_mean(column);
    struct vg_aggregate aggregate = {"mean", value, value, false};
    return vg_check_aggregate(rule, column, &aggregate, out, err);
}

const struct vg_check_type vg_check_mean = {
    .name = "mean",
    .doc = "Mean between min and max. NULL, NaN and infinities are left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .measure = measure_mean,
};
