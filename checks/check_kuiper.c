/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kuiper: how far a numeric column has moved from the reference either way, as Kuiper's V = D+ +
 * D-. As ks, but as sensitive in the tails as in the middle, and to a change of spread. */
#include "checks/check_drift.h"
#include "checks/stat_edf.h"

static int measure_kuiper(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    struct vg_edf edf = vg_edf_kuiper(&drift.counts);
    struct vg_measure *measure = vg_drift_add(rule, out, edf.n, edf.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_bounds(measure, "V", edf.lo, edf.hi, !drift.fine->grid->exact);
    measure->p_value = edf.p;
    return 0;
}

const struct vg_check_type vg_check_kuiper = {
    .name = "kuiper",
    .doc = "Distance V of the column's distribution from the reference's (Kuiper): the largest "
           "rise plus the largest fall, as sensitive in the tails as in the middle. NULLs, NaN and "
           "infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .has_p = true,
    .shorthand = "fail",
    .measure = measure_kuiper,
};
