/* SPDX-License-Identifier: GPL-3.0-or-later */
/* g: the likelihood ratio test of a column's bins or categories against the reference's. */
#include "checks/check_binned.h"

#include <math.h>

#include "checks/stat_chi_square.h"

static int measure_g(const struct vg_rule *rule, const struct vg_evidence *evidence,
                     struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    struct vg_chi_square test = vg_chi_square_g(&binned.bins);
    vg_binned_say(&binned, "G", test.value, (double)NAN);
    binned.measure->p_value = test.p;
    binned.measure->effect = test.effect;
    return 0;
}

const struct vg_check_type vg_check_g = {
    .name = "g",
    .doc = "Likelihood ratio statistic G of the window's bins or categories against the "
           "reference's; it grows with the rows. Numbers fall into bins of equal shares of the "
           "reference, categories into its values and one for all others; sparse bins count "
           "together. NULLs are not tested.",
    .class = VG_CLASS_DRIFT,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = false, /* the reference is of all rows: some of them are another population */
    .needs_reference = true,
    .is_multiple = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS | VG_NEEDS_TOP,
    .has_p = true,
    .policy = VG_POLICY_THRESHOLD,
    .min_rows = 200,
    .shorthand = "fail",
    .params = vg_binned_params,
    .nparams = VG_BINNED_PARAMS,
    .params_size = sizeof(struct vg_binned_param),
    .validate = vg_binned_validate,
    .measure = measure_g,
};
