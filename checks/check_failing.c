/* SPDX-License-Identifier: GPL-3.0-or-later */
/* failing: the number of rows that a SELECT of the user's returns; each is one that should not be.
 */
#include <stdio.h>

#include "checks/ask_own.h"

struct params {
    const char *sql;
};

static int lookup_failing(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                          struct vg_error *err)
{
    (void)connection;
    const struct params *params = asked->rule->params;
    return asked->nanswers ? 0 : vg_ask_failing(asked, params->sql, out, err);
}

static int find_failing(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct params *params = asked->rule->params;
    return vg_ask_failed(asked, params->sql, out, err);
}

static int measure_failing(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    bool failed;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = vg_ask_number(&evidence->answers[0], 0, 1);
    snprintf(measure->why, sizeof measure->why, "%.0f failing row%s", measure->value,
             measure->value == 1 ? "" : "s");
    return vg_ask_take_keys(&evidence->answers[0], 2, out->arena, measure, err);
}

static void validate_failing(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    vg_ask_own_validate(rule, params->sql, diags);
}

static const struct vg_param failing_params[] = {
    {"sql", VG_PARAM_QUERY, offsetof(struct params, sql), true, NULL, NULL,
     "a SELECT of the rows that should not be; :from and :until stand for the window's bounds, "
     ":table for the dataset's table"},
};

const struct vg_check_type vg_check_failing = {
    .name = "failing",
    .doc = "Number of rows that a SELECT of yours returns. It is read as it stands: name the "
           "window's bounds and the dataset's filter in it. Its first column is shown as the key "
           "of a row where the dataset has no private columns and no private key. For all rows "
           "only, not per segment: the statement may ask for one itself.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_COUNT,
    .needs = VG_NEEDS_LOOKUP | VG_NEEDS_OTHERS,
    .shorthand = "sql",
    .default_fail = "0",
    .params = failing_params,
    .nparams = 1,
    .params_size = sizeof(struct params),
    .validate = validate_failing,
    .lookup = lookup_failing,
    .offenders = find_failing,
    .measure = measure_failing,
};
