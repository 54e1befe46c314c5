/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kl: the Kullback-Leibler divergence of a column from the reference. */
#include "checks/check_binned.h"
#include "checks/stat_divergence.h"

static int measure_kl(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    double value = vg_divergence_kl(&binned.bins);
    struct vg_divergence_law law = vg_divergence_law(VG_DIVERGENCE_KL, value, &binned.bins);
    binned.measure->p_value = law.p;
    vg_binned_say(&binned, "KL", value, law.floor);
    return 0;
}

const struct vg_check_type vg_check_kl = {
    .name = "kl",
    .doc = "Kullback-Leibler divergence of the window from the reference, in nats. At the noise "
           "floor of that many rows or below it nothing fails. Numbers fall into bins of equal "
           "shares of the reference, categories into its values and one for all others; sparse "
           "bins count together. NULLs are not tested.",
    VG_BINNED_TYPE,
    .is_multiple = true,
    .has_p = true,
    .measure = measure_kl,
};
