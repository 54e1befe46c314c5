/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metric: one number that a SELECT of the user's returns, between min and max. NULL is no data;
 * anything else but one finite number is unknown. */
#include <stdio.h>

#include "checks/ask_own.h"
#include "pgvigil/text.h"

struct params {
    const char *sql;
};

static int lookup_metric(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                         struct vg_error *err)
{
    (void)connection;
    const struct params *params = asked->rule->params;
    return asked->nanswers ? 0 : vg_ask_metric(asked, params->sql, out, err);
}

static const char *find_fault(const struct vg_rows *rows, double *value)
{
    if (rows->ncols != 1)
        return "the statement returns more than one column";
    if (rows->nrows != 1)
        return rows->nrows ? "the statement returns more than one row"
                           : "the statement returns no row";
    const char *cell = vg_ask_cell(rows, 0, 0);
    return cell && vg_parse_double(cell, value) < 0 ? "what the statement returns is not a number"
                                                    : NULL;
}

static int measure_metric(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    bool failed;
    double value = 0;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    const struct vg_rows *rows = &evidence->answers[0];
    const char *fault = find_fault(rows, &value);
    bool null = !fault && !vg_ask_cell(rows, 0, 0);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    char number[VG_NUMBER_TEXT];
    if (fault)
        snprintf(measure->why, sizeof measure->why, "%s", fault);
    else if (null)
        snprintf(measure->why, sizeof measure->why, "the statement returns NULL");
    else
        snprintf(measure->why, sizeof measure->why, "%s", vg_format_human(value, 6, number));
    measure->look = fault ? VG_UNKNOWN : null ? VG_NODATA : VG_PASS;
    if (measure->look == VG_PASS)
        measure->value = value;
    return 0;
}

static void validate_metric(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    vg_ask_own_validate(rule, params->sql, diags);
}

static const struct vg_param metric_params[] = {
    {"sql", VG_PARAM_QUERY, offsetof(struct params, sql), true, NULL, NULL,
     "a SELECT that returns one number; :from and :until stand for the window's bounds, :table for "
     "the dataset's table"},
};

const struct vg_check_type vg_check_metric = {
    .name = "metric",
    .doc =
        "A number that a SELECT of yours returns, between min and max. It is read as it stands: "
        "name the window's bounds and the dataset's filter in it. NULL is no data. The number is "
        "shown and kept, even where it is made of private columns. For all rows only, not per "
        "segment: the statement may ask for one itself.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_NONE,
    .needs = VG_NEEDS_LOOKUP | VG_NEEDS_OTHERS,
    .answer_columns = 1,
    .bounds = VG_BOUNDS_ON_VALUE,
    .params = metric_params,
    .nparams = 1,
    .params_size = sizeof(struct params),
    .validate = validate_metric,
    .lookup = lookup_metric,
    .measure = measure_metric,
};
