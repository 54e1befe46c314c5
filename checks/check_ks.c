/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ks: how far a numeric column has moved from the reference, as the two-sample Kolmogorov-Smirnov D
 * of the finite values. D is exact where the reference is held by all its distinct values, else the
 * value is its lower bound. What makes the two incomparable is said, never measured as drift. */
#include "checks/check_drift.h"

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
    if (vg_ks_p(&drift.counts, &ks, &p, err) < 0)
        return -1;
    struct vg_measure *measure = vg_drift_add(rule, out, (double)ks.n, (double)ks.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_bounds(measure, "D", ks.d, ks.hi, !drift.fine->grid->exact);
    measure->p_value = p;
    measure->direction = ks.direction;
    return 0;
}

const struct vg_check_type vg_check_ks = {
    .name = "ks",
    .doc = "Distance D of the column's distribution from the reference's (Kolmogorov-Smirnov).",
    .class = VG_CLASS_DRIFT,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = false, /* the reference is of all rows: some of them are another population */
    .needs_reference = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .policy = VG_POLICY_THRESHOLD,
    .min_rows = 200,
    .shorthand = "fail",
    .measure = measure_ks,
};
