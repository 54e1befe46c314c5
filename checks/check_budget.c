/* SPDX-License-Identifier: GPL-3.0-or-later */
/* budget: drift of a column by the dataset's budget of false incidents, `drift: true`. One measure
 * for each stream of the column, the most extreme first, and one for each hard rule that is broken.
 * What a stream can never see, or never tells, is a standing nodata: said always, and no alarm. No
 * other stream passes in place of the one of its values. */
#include "checks/check_budget.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GAP_MOST = 1000 };

struct vg_measure *vg_check_budget_add(const struct vg_budget_finding *in)
{
    struct vg_measure *measure = vg_measure_add(in->out, in->rule);
    const struct vg_budget *model = in->of ? in->of->model : NULL;
    if (measure && model)
        measure->resolve_after = (int)(model->gap < GAP_MOST ? model->gap : GAP_MOST);
    if (measure) {
        measure->readings = in->readings;
        measure->nreadings = in->nreadings;
    }
    return measure;
}

static int measure_all(struct vg_budget_finding *in, struct vg_error *err)
{
    const struct vg_budget_evidence *of = in->of;
    const struct vg_budget_column *column = &of->model->columns[of->column];
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    size_t n;
    if (vg_check_budget_streams(in, found, &n, err) < 0)
        return -1;
    int rc = vg_check_budget_hard(in);
    bool unwatched = vg_check_budget_unwatched(of->model, found, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!unwatched || vg_check_budget_decides(of->model, &found[i]))
            rc = vg_check_budget_found(in, &found[i]);
    }
    if (rc == 0 && !n) {
        const char *why = vg_budget_say_reason(column);
        rc = vg_check_budget_skip(in, true, *why ? why : "it has no stream that could be tested");
    }
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static void validate_budget(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->time_column)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "write limits: drift: {ks: 0.35}",
                    "drift by the budget needs a time column: it learns from windows");
}

static int measure_budget(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct vg_budget_evidence *of = evidence->budget;
    struct vg_budget_finding in = {.rule = rule, .of = of, .out = out};
    const char *why = evidence->reference_why ? evidence->reference_why : "no reference yet";
    if (of && of->model && of->column >= 0 && of->part)
        return measure_all(&in, err);
    if (of && evidence->reference)
        why = of->why ? of->why
                      : "the reference was calibrated without this column: capture another one";
    enum vg_verdict look = evidence->reference_failed ? VG_UNKNOWN : VG_NODATA;
    int rc = vg_measure_skip(out, rule, look, "%s", why);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

const struct vg_check_type vg_check_budget = {
    .name = "budget",
    .doc = "Drift by a budget of false incidents, written `drift: true`: whenever a base window "
           "closes, the column's last 1, 2, 4, 8 and 24 of them are compared with what the "
           "reference shows at these hours, at levels that would have kept the whole dataset "
           "within `drift.budget` over the reference itself. Watches the distribution and the "
           "spread of numbers, the shares of categories, and the null rate; and whatever the "
           "budget: only NULLs, the first NULL, another type, a base window without rows where "
           "there always were 30 or more, and new values, each told once.",
    .class = VG_CLASS_DRIFT,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = false, /* the reference is of all rows: some of them are another population */
    .needs_reference = true,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS | VG_NEEDS_TOP,
    .policy = VG_POLICY_BUDGET,
    .validate = validate_budget,
    .measure = measure_budget,
};
