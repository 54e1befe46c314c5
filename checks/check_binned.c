/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the drift checks on shares take as parameters, and what they say of the bins; layer 3, pure.
 */
#include "checks/check_binned.h"

#include <stdio.h>

enum { DIGITS = 4 };

const struct vg_param vg_binned_params[VG_BINNED_PARAMS] = {
    {"bins", VG_PARAM_INT, offsetof(struct vg_binned_param, bins), false, "10", NULL,
     "bins for numbers, 2 to 1000"},
};

void vg_binned_validate(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct vg_binned_param *params = rule->params;
    if (params->bins < 2 || params->bins > VG_BINS_MOST)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "bins: 10", "bins must be 2 to %d",
                    (int)VG_BINS_MOST);
}

void vg_binned_say(struct vg_binned *binned, const char *name, double value, double floor)
{
    struct vg_measure *measure = binned->measure;
    const struct vg_bins *bins = &binned->bins;
    char text[VG_VALUE_TEXT];
    vg_value_text(value, VG_UNIT_RATIO, DIGITS, text);
    measure->value = measure->effect = value;
    int used =
        snprintf(measure->why, sizeof measure->why, "%s %s over %zu %s%s", name, text, bins->n,
                 binned->categories ? "categor" : "bin",
                 binned->categories ? (bins->n == 1 ? "y" : "ies") : (bins->n == 1 ? "" : "s"));
    if (bins->sparse > 1)
        snprintf(measure->why + used, sizeof measure->why - (size_t)used,
                 ", %zu sparse ones together", bins->sparse);
    vg_drift_floor(measure, floor);
}
