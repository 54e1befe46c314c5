/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sequence: whole numbers of the window without gaps and repetitions, and values that only go up or
 * down with time. What is counted is missing numbers, repetitions and steps in the wrong direction.
 */
#include <math.h>
#include <stdio.h>

#include "checks/ask_order.h"

static const char *const orders[] = {
    "no", "increasing", "decreasing", "strictly_increasing", "strictly_decreasing", NULL};
struct params {
    bool gapless;
    int monotonic;
};

static void validate_sequence(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    if (params->monotonic != VG_ASK_UNORDERED && !rule->dataset->time_column)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "set source.time_column",
                    "monotonic goes by the time column, and the dataset has none");
    if (params->monotonic == VG_ASK_UNORDERED && !params->gapless)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "monotonic: increasing",
                    "nothing is left to be looked at");
}

static int lookup_sequence(const struct vg_asked *asked, struct vg_buf *out,
                           const char **connection, struct vg_error *err)
{
    (void)connection;
    const struct params *params = asked->rule->params;
    const struct vg_catalog_column *column = asked->column;
    bool whole = column->wire_oid == VG_OID_INT8 || column->wire_oid == VG_OID_INT2 ||
                 column->wire_oid == VG_OID_INT4 || column->wire_oid == VG_OID_NUMERIC;
    if (asked->nanswers)
        return 0;
    if (params->gapless && !whole)
        return vg_fail(err, VG_E_CONFIG,
                       "column %s of type %s has no next number: set gapless: false and monotonic",
                       column->name, column->type);
    vg_ask_sequence(asked, params->gapless, params->monotonic, out);
    return 0;
}

static int measure_sequence(const struct vg_rule *rule, const struct vg_evidence *evidence,
                            struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    bool failed, ordered = params->monotonic != VG_ASK_UNORDERED;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    const struct vg_rows *rows = &evidence->answers[0];
    double n = vg_ask_number(rows, 0, 0), missing = vg_ask_number(rows, 0, 1);
    double repeated = vg_ask_number(rows, 0, 2), disordered = vg_ask_number(rows, 0, 3);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (n > 0 && params->gapless && isnan(missing)) {
        measure->look = VG_UNKNOWN;
        snprintf(measure->why, sizeof measure->why, "not all values are finite numbers");
        return 0;
    }
    measure->n_now = n;
    measure->value = (params->gapless ? missing + repeated : 0) + (ordered ? disordered : 0);
    if (n <= 0)
        return 0;
    int used = 0;
    if (params->gapless)
        used = snprintf(measure->why, sizeof measure->why, "%.0f missing and %.0f repeated numbers",
                        missing, repeated);
    if (ordered)
        used += snprintf(measure->why + used, sizeof measure->why - (size_t)used,
                         "%s%.0f steps that are not %s", used ? ", " : "", disordered,
                         params->monotonic == VG_ASK_UP || params->monotonic == VG_ASK_STRICTLY_UP
                             ? "upwards"
                             : "downwards");
    snprintf(measure->why + used, sizeof measure->why - (size_t)used, " in %.0f rows", n);
    return 0;
}

static const struct vg_param sequence_params[] = {
    {"gapless", VG_PARAM_BOOL, offsetof(struct params, gapless), false, "true", NULL,
     "every whole number between the smallest and the largest of the window is there, once"},
    {"monotonic", VG_PARAM_CHOICE, offsetof(struct params, monotonic), false, "no", orders,
     "values only go up, or down, by the time column; rows of one instant are taken as they fit"},
};

const struct vg_check_type vg_check_sequence = {
    .name = "sequence",
    .doc = "Whole numbers that are missing or repeated among those of the window, and steps in the "
           "wrong direction. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_COUNT,
    .of_column = true,
    .filterable = true,
    .grouped = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME,
    .needs = VG_NEEDS_LOOKUP,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .params = sequence_params,
    .nparams = sizeof sequence_params / sizeof *sequence_params,
    .params_size = sizeof(struct params),
    .validate = validate_sequence,
    .lookup = lookup_sequence,
    .measure = measure_sequence,
};
