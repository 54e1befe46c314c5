/* SPDX-License-Identifier: GPL-3.0-or-later */
/* total_variation: the share of rows that would have to change to look like the reference. */
#include "checks/check_binned.h"

#include <math.h>

#include "checks/stat_divergence.h"

static int measure_total_variation(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                   struct vg_measures *out, struct vg_error *err)
{
    struct vg_binned binned;
    int rc = vg_binned_find(rule, evidence, out, &binned, err);
    if (rc <= 0)
        return rc;
    vg_binned_say(&binned, "TV", vg_divergence_tv(&binned.bins), (double)NAN);
    return 0;
}

const struct vg_check_type vg_check_total_variation = {
    .name = "total_variation",
    .doc = "Total variation distance from the reference, 0 to 1: the share of rows that would have "
           "to move. Numbers fall into bins of equal shares of the reference, categories into its "
           "values and one for all others; sparse bins count together. NULLs are not tested.",
    VG_BINNED_TYPE,
    .measure = measure_total_variation,
};
