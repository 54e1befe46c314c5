/* SPDX-License-Identifier: GPL-3.0-or-later */
/* js: the Jensen-Shannon distance of a column from the reference. */
#include "checks/check_binned.h"
#include "checks/stat_divergence.h"

static int measure_js(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    double value = vg_divergence_js(&binned.bins);
    struct vg_divergence_law law = vg_divergence_law(VG_DIVERGENCE_JS, value, &binned.bins);
    binned.measure->p_value = law.p;
    vg_binned_say(&binned, "JS", value, law.floor);
    return 0;
}

const struct vg_check_type vg_check_js = {
    .name = "js",
    .doc = "Jensen-Shannon distance from the reference, natural logarithms: 0 to 0.833. At the "
           "noise floor of that many rows or below it nothing fails. Numbers fall into bins of "
           "equal shares of the reference, categories into its values and one for all others; "
           "sparse bins count together. NULLs are not tested.",
    VG_BINNED_TYPE,
    .has_p = true,
    .measure = measure_js,
};
