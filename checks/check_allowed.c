/* SPDX-License-Identifier: GPL-3.0-or-later */
/* allowed: the share of values that are not in a list. Text is compared as text, bool as "true" and
 * "false", numbers as numbers; NULLs are not tested. NaN and infinities are allowed only where the
 * list names them. */
#include "checks/check_listed.h"

static void validate_allowed(const struct vg_rule *rule, struct vg_diags *diags)
{
    vg_listed_validate(rule, "allowed", diags);
}

static int offends_allowed(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)warn;
    return cell->state == VG_VIEW_NULL ? -1 : !vg_listed_has(rule->params, cell);
}

static int measure_allowed(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    return vg_listed_measure(rule, evidence, "not among", "allowed", out, err);
}

static const struct vg_param allowed_params[] = {
    {"values", VG_PARAM_VALUES, offsetof(struct vg_listed, values), true, NULL, NULL,
     "the values that may occur"},
};

const struct vg_check_type vg_check_allowed = {
    .name = "allowed",
    .doc = "Share of values that are not in a list. NULLs are not tested.",
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
    .params = allowed_params,
    .nparams = sizeof allowed_params / sizeof *allowed_params,
    .params_size = sizeof(struct vg_listed),
    .validate = validate_allowed,
    .prepare = vg_listed_prepare,
    .offends = offends_allowed,
    .measure = measure_allowed,
};
