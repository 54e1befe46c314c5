/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mann_whitney: the chance that a value of the window is larger than one of the reference, which is
 * the area under the ROC curve of telling them apart by that column: 0.5 if nothing has changed. */
#include "checks/check_drift.h"

#include <stdio.h>

#include "checks/stat_mann_whitney.h"

static int measure_mann_whitney(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    struct vg_mann_whitney auc = vg_mann_whitney(&drift.counts);
    struct vg_measure *measure = vg_drift_add(rule, out, auc.n, auc.m, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    vg_drift_bounds(measure, "AUC", auc.lo, auc.hi, !drift.fine->grid->exact);
    measure->value = auc.auc;
    measure->effect = 2 * auc.auc - 1;
    measure->p_value = auc.p;
    measure->direction = (auc.lo > 0.5) - (auc.hi < 0.5);
    return 0;
}

const struct vg_check_type vg_check_mann_whitney = {
    .name = "mann_whitney",
    .doc = "Chance that a value of the window is larger than one of the reference, ties half "
           "(Mann-Whitney, AUC): 0.5 without change, between min and max. NULLs, NaN and "
           "infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .bounds = VG_BOUNDS_ON_VALUE,
    .has_p = true,
    .measure = measure_mann_whitney,
};
