/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sum: the sum of a column between bounds, compensated, so that it does not depend on the order of
 * the rows. It is not known where values are so large that it could overflow. */
#include "checks/check_aggregate.h"

#include <math.h>

static int measure_sum(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    double value = isnan(vg_column_mean(column)) ? (double)NAN : column->sum.hi;
    struct vg_aggregate aggregate = {"sum", value, value, false};
    return vg_check_aggregate(rule, column, &aggregate, out, err);
}

static void validate_sum(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (rule->dataset->sample.mode != VG_SAMPLE_ALL)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "use mean, or leave sample out",
                    "sum needs all rows, and this dataset is sampled");
}

const struct vg_check_type vg_check_sum = {
    .name = "sum",
    .doc = "Sum between min and max. NULL, NaN and infinities are left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .validate = validate_sum,
    .measure = measure_sum,
};
