/* SPDX-License-Identifier: GPL-3.0-or-later */
/* linf: the largest change of the share of one value or bin against the reference. */
#include "checks/check_binned.h"

#include <math.h>

#include "checks/stat_divergence.h"

static int measure_linf(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    vg_binned_say(&binned, "L-inf", vg_divergence_linf(&binned.bins), (double)NAN);
    return 0;
}

const struct vg_check_type vg_check_linf = {
    .name = "linf",
    .doc = "L-infinity: the largest change of one bin's or category's share against the reference, "
           "0 to 1. Numbers fall into bins of equal shares of the reference, categories into its "
           "values and one for all others; sparse bins count together. NULLs are not tested.",
    VG_BINNED_TYPE,
    .measure = measure_linf,
};
