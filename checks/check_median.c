/* SPDX-License-Identifier: GPL-3.0-or-later */
/* median: the middle of a column's values between bounds, exact or with bounds as of quantile. */
#include "checks/check_aggregate.h"

static int measure_median(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    return vg_check_quantile_of(rule, evidence, 0.5, "median", out, err);
}

const struct vg_check_type vg_check_median = {
    .name = "median",
    .doc = "Median between min and max, as percentile_cont(0.5). Beyond 4096 distinct values it is "
           "known between bounds, and fails when both are outside. NULL, NaN and infinities are "
           "left out. Not for private columns.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_QUANTILE,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .measure = measure_median,
};
