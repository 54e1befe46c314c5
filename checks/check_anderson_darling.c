/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anderson_darling: as cramer_von_mises, with more weight on the tails: the two-sample A squared of
 * Anderson and Darling. */
#include "checks/check_drift.h"
#include "checks/stat_edf.h"

static int measure_anderson_darling(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                    struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    struct vg_edf edf = vg_edf_anderson_darling(&drift.counts);
    struct vg_measure *measure = vg_drift_add(rule, out, edf.n, edf.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_tied(measure, "A2", edf.value, edf.lo, edf.hi);
    measure->p_value = edf.p;
    return 0;
}

const struct vg_check_type vg_check_anderson_darling = {
    .name = "anderson_darling",
    .doc = "Two-sample statistic A squared of Anderson and Darling: as cramer_von_mises with more "
           "weight on the tails; without change it is above 2.492 in 5%, above 3.878 in 1% of "
           "windows. With bounds for what ties between two thresholds could change. No p where one "
           "value holds over a tenth of the rows. NULLs, NaN and "
           "infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .is_multiple = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .has_p = true,
    .shorthand = "fail",
    .measure = measure_anderson_darling,
};
