/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cramer_von_mises: the mean squared distance of a numeric column's distribution from the
 * reference's, as the two-sample statistic T of Cramer and von Mises. */
#include "checks/check_drift.h"
#include "checks/stat_edf.h"

static int measure_cramer_von_mises(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                    struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    struct vg_edf edf = vg_edf_cramer_von_mises(&drift.counts);
    struct vg_measure *measure = vg_drift_add(rule, out, edf.n, edf.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_tied(measure, "T", edf.value, edf.lo, edf.hi);
    measure->p_value = edf.p;
    return 0;
}

const struct vg_check_type vg_check_cramer_von_mises = {
    .name = "cramer_von_mises",
    .doc = "Two-sample statistic T of Cramer and von Mises: the mean squared distance from the "
           "reference's distribution times the number of rows; without change it is above 0.461 in "
           "5%, above 0.743 in 1% of windows. Values between two thresholds are taken as distinct, "
           "with bounds for what ties among them could change. No p where one value holds over a "
           "tenth of the rows. NULLs, NaN and infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .is_multiple = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .has_p = true,
    .shorthand = "fail",
    .measure = measure_cramer_von_mises,
};
