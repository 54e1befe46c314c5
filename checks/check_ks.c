/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ks: how far a numeric column has moved from the reference, as the two-sample Kolmogorov-Smirnov D
 * of the finite values. D is exact where the reference is held by all its distinct values, else the
 * value is its lower bound. What makes the two incomparable is said, never measured as drift. */
#include "checks/check_drift.h"

#include <math.h>

struct params {
    bool exact;
};

/* What is only shown needs no more than the limit law, which is good from a few hundred rows on. */
static double find_steps(const struct vg_rule *rule, const struct vg_drift *drift,
                         const struct vg_ks *ks)
{
    static const double least_of_many = 1e-8; /* the level of the first of many tests */
    const struct params *params = rule->params;
    const struct vg_limits *limits = &rule->limits;
    double fail = limits->has_fail ? limits->fail : limits->warn;
    double warn = limits->has_warn ? limits->warn : fail;
    if (params && params->exact)
        return VG_KS_MOST_STEPS;
    if (rule->policy == VG_POLICY_P_VALUE)
        return vg_ks_steps(&drift->counts, ks, fmin(fail, warn), fmax(fail, warn));
    if (rule->policy == VG_POLICY_BH)
        return vg_ks_steps(&drift->counts, ks, least_of_many, fmax(fail, warn));
    return VG_KS_FEW_STEPS;
}

static int measure_ks(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    struct vg_ks ks;
    double p;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    vg_ks_compare(&drift.counts, &ks);
    if (vg_ks_p(&drift.counts, &ks, find_steps(rule, &drift, &ks), &p, err) < 0)
        return -1;
    struct vg_measure *measure = vg_drift_add(rule, out, (double)ks.n, (double)ks.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_bounds(measure, "D", ks.d, ks.hi, !drift.fine->grid->exact);
    measure->p_value = p;
    measure->direction = ks.direction;
    return 0;
}

static const struct vg_param ks_params[] = {
    {"exact", VG_PARAM_BOOL, offsetof(struct params, exact), false, NULL, NULL,
     "p by the exact law, ties included, also where that takes up to 30 ms and p is only shown; "
     "otherwise only near a limit on p"},
};

const struct vg_check_type vg_check_ks = {
    .name = "ks",
    .doc = "Distance D of the column's distribution from the reference's (Kolmogorov-Smirnov).",
    VG_DRIFT_TYPE,
    .of_column = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .has_p = true,
    .shorthand = "fail",
    .params = ks_params,
    .nparams = sizeof ks_params / sizeof *ks_params,
    .params_size = sizeof(struct params),
    .measure = measure_ks,
};
