/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi_square: Pearson's test of a column's bins or categories against the reference's. */
#include "checks/check_binned.h"

#include <math.h>

#include "checks/stat_chi_square.h"

static int measure_chi_square(const struct vg_rule *rule, const struct vg_evidence *evidence,
                              struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    struct vg_chi_square test = vg_chi_square(&binned.bins);
    vg_binned_say(&binned, "X2", test.value, (double)NAN);
    binned.measure->p_value = test.p;
    binned.measure->effect = test.effect;
    return 0;
}

const struct vg_check_type vg_check_chi_square = {
    .name = "chi_square",
    .doc =
        "Pearson's X squared of the window's bins or categories against the reference's; it grows "
        "with the rows. Numbers fall into bins of equal shares of the reference, categories into "
        "its values and one for all others; sparse bins count together. NULLs are not tested.",
    VG_BINNED_TYPE,
    .is_multiple = true,
    .has_p = true,
    .measure = measure_chi_square,
};
