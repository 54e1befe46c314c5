/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantile: a quantile of a column's values between bounds. It is exact where the summary holds the
 * values around its rank, else known between two numbers, and fails when both are outside. */
#include "checks/check_aggregate.h"
#include "pgvigil/text.h"

struct params {
    double q;
};

static int measure_quantile(const struct vg_rule *rule, const struct vg_evidence *evidence,
                            struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    char q[VG_NUMBER_TEXT];
    const char *name = vg_arena_printf(out->arena, "%s quantile", vg_format_human(params->q, 6, q));
    if (!name)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return vg_check_quantile_of(rule, evidence, params->q, name, out, err);
}

static const struct vg_param quantile_params[] = {
    {"q", VG_PARAM_RATIO, offsetof(struct params, q), true, NULL, NULL,
     "which quantile: 0.95 or 95%"},
};

const struct vg_check_type vg_check_quantile = {
    .name = "quantile",
    .doc = "Quantile between min and max, as percentile_cont(q). Beyond 4096 distinct values it is "
           "known between bounds, and fails when both are outside. NULL, NaN and infinities are "
           "left out. Not for private columns.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_QUANTILE,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .params = quantile_params,
    .nparams = sizeof quantile_params / sizeof *quantile_params,
    .params_size = sizeof(struct params),
    .measure = measure_quantile,
};
