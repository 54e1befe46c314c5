/* SPDX-License-Identifier: GPL-3.0-or-later */
/* null_rate: how much the share of NULLs has changed from the reference, with the exact test of
 * Fisher and the exact interval of Clopper and Pearson. */
#include "checks/check_drift.h"

#include <math.h>
#include <stdio.h>

#include "checks/stat_proportion.h"

static int measure_null_rate(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_find(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    const struct vg_column_summary *now = drift.now, *then = drift.then->total;
    if (!then)
        return vg_drift_skip(rule, out, VG_NODATA, "the reference holds no summary of it", err);
    struct vg_measure *measure =
        vg_drift_add(rule, out, (double)now->rows, (double)then->rows, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    double rate = vg_column_null_ratio(now), before = vg_column_null_ratio(then), lo, hi;
    measure->value = measure->effect = fabs(rate - before);
    measure->direction = (rate > before) - (rate < before);
    measure->p_value =
        vg_proportion_fisher(now->nulls, now->rows, then->nulls, then->rows).two_sided;
    vg_proportion_interval(now->nulls, now->rows, 0.95, &lo, &hi);
    snprintf(measure->why, sizeof measure->why,
             "share of NULLs %.4g (95%% between %.4g and %.4g), %.4g in the reference, change %.4g",
             rate, lo, hi, before, measure->value);
    return 0;
}

const struct vg_check_type vg_check_null_rate = {
    .name = "null_rate",
    .doc = "Change of the share of NULLs from the reference's, whichever way; p is Fisher's exact "
           "one.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .needs = VG_NEEDS_COLUMN,
    .has_p = true,
    .shorthand = "fail",
    .measure = measure_null_rate,
};
