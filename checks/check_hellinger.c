/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hellinger: the Hellinger distance of a column from the reference. */
#include "checks/check_binned.h"
#include "checks/stat_divergence.h"

static int measure_hellinger(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    double value = vg_divergence_hellinger(&binned.bins);
    struct vg_divergence_law law = vg_divergence_law(VG_DIVERGENCE_HELLINGER, value, &binned.bins);
    binned.measure->p_value = law.p;
    vg_binned_say(&binned, "H", value, law.floor);
    return 0;
}

const struct vg_check_type vg_check_hellinger = {
    .name = "hellinger",
    .doc = "Hellinger distance from the reference, 0 to 1. At the noise floor of that many rows or "
           "below it nothing fails. Numbers fall into bins of equal shares of the reference, "
           "categories into its values and one for all others; sparse bins count together. NULLs "
           "are not tested.",
    VG_BINNED_TYPE,
    .has_p = true,
    .measure = measure_hellinger,
};
