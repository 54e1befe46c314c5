/* SPDX-License-Identifier: GPL-3.0-or-later */
/* forbidden: the share of values that are in a list. Compared as `allowed` compares; NULLs are not
 * tested. NaN and infinities are forbidden only where the list names them. */
#include "checks/check_listed.h"

static void validate_forbidden(const struct vg_rule *rule, struct vg_diags *diags)
{
    vg_listed_validate(rule, "forbidden", diags);
}

static int offends_forbidden(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)warn;
    return cell->state == VG_VIEW_NULL ? -1 : vg_listed_has(rule->params, cell);
}

static int measure_forbidden(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    return vg_listed_measure(rule, evidence, "among", "forbidden", out, err);
}

static const struct vg_param forbidden_params[] = {
    {"values", VG_PARAM_VALUES, offsetof(struct vg_listed, values), true, NULL, NULL,
     "the values that may not occur"},
};

const struct vg_check_type vg_check_forbidden = {
    .name = "forbidden",
    .doc = "Share of values that are in a list. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TEXT | 1 << VG_KIND_BOOL,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .min_rows = 1,
    .shorthand = "values",
    .default_fail = "0",
    .params = forbidden_params,
    .nparams = sizeof forbidden_params / sizeof *forbidden_params,
    .params_size = sizeof(struct vg_listed),
    .validate = validate_forbidden,
    .prepare = vg_listed_prepare,
    .offends = offends_forbidden,
    .measure = measure_forbidden,
};
