/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wasserstein: how far the values of a numeric column would have to be moved on average to be
 * distributed as the reference's: W1, in standard deviations of the reference or in its unit. */
#include "checks/check_drift.h"

#include <math.h>
#include <stdio.h>

#include "checks/stat_wasserstein.h"

enum { PER_SD, PER_UNIT };
struct params {
    int per;
};

/* Of a private reference the range is not kept. */
static struct vg_wasserstein_side describe(const struct vg_column_summary *column, bool open)
{
    double mean = column ? vg_column_mean(column) : (double)NAN;
    if (!column || open)
        return (struct vg_wasserstein_side){mean, NAN, NAN, NULL};
    return (struct vg_wasserstein_side){mean, column->min, column->max, column->gaps};
}

static double find_deviation(const struct vg_reference_column *then)
{
    return then->total ? vg_column_stddev(then->total) : (double)NAN;
}

static int measure_wasserstein(const struct vg_rule *rule, const struct vg_evidence *evidence,
                               struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    const struct params *params = rule->params;
    double n = (double)vg_column_finite(drift.now), n_ref = (double)drift.fine->n;
    double unit = params->per == PER_UNIT ? 1 : find_deviation(drift.then);
    bool some = n > 0 && n_ref > 0;
    if (some && !(unit > 0))
        return vg_drift_skip(rule, out, VG_NODATA,
                             "the reference has no standard deviation to measure in: per: unit",
                             err);
    bool open = vg_dataset_is_private(rule->dataset, rule->column);
    struct vg_wasserstein_side ref = describe(drift.then->total, open);
    struct vg_wasserstein_side now = describe(drift.now, false);
    struct vg_wasserstein w1 = vg_wasserstein(&drift.counts, drift.fine->grid->q, &ref, &now);
    double lo = w1.lo / unit, hi = w1.hi / unit;
    if (some && !isfinite(lo))
        return vg_drift_skip(rule, out, VG_NODATA, "its values are too large to add up", err);
    struct vg_measure *measure = vg_drift_add(rule, out, n, n_ref, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_bounds(measure, params->per == PER_UNIT ? "W1" : "W1/sd", lo, hi, hi > lo);
    measure->p_value = w1.p;
    measure->direction = (now.mean > ref.mean) - (now.mean < ref.mean);
    vg_drift_floor(measure, w1.floor / unit);
    return 0;
}

static const char *const units[] = {"sd", "unit", NULL};
static const struct vg_param wasserstein_params[] = {
    {"per", VG_PARAM_CHOICE, offsetof(struct params, per), false, "sd", units,
     "in standard deviations of the reference (sd), or in the column's own unit (unit)"},
};

const struct vg_check_type vg_check_wasserstein = {
    .name = "wasserstein",
    .doc = "Wasserstein-1 distance from the reference, the average way that a value would have to "
           "be moved, in standard deviations of the reference; with bounds where the counts leave "
           "it open. At the noise floor of that many rows or below it nothing fails. NULLs, NaN "
           "and infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .is_multiple = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS | VG_NEEDS_GAPS,
    .has_p = true,
    .shorthand = "fail",
    .params = wasserstein_params,
    .nparams = sizeof wasserstein_params / sizeof *wasserstein_params,
    .params_size = sizeof(struct params),
    .measure = measure_wasserstein,
};
