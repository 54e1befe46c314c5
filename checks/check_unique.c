/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unique: the share of rows whose value, or values together, occur more than once, in the window or
 * in the whole table. All of them are counted, also the first. */
#include <stdio.h>
#include <string.h>

#include "checks/ask_copies.h"
#include "pgvigil/text.h"

static const char *const scopes[] = {"window", "table", NULL};
struct params {
    struct vg_strings columns;
    bool nulls_equal;
    int scope;
};

static void validate_unique(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    if (rule->column && params->columns.n)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "checks: [{unique: {columns: [...]}}]",
                    "several columns stand under checks:, not under one of them");
    if (!rule->column && !params->columns.n && !rule->dataset->key.n)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "columns: [a, b], or source.key",
                    "unique does not know of which columns: the dataset has no key");
}

static int lookup_unique(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                         struct vg_error *err)
{
    (void)connection;
    const struct params *params = asked->rule->params;
    struct vg_ask_columns columns, key;
    if (asked->nanswers)
        return 0;
    if (vg_ask_own(asked, &params->columns, &columns, err) < 0)
        return -1;
    key = columns;
    if (vg_ask_private(asked, &columns))
        key.n = 0;
    struct vg_ask_copies copies = {&columns, &key, params->nulls_equal,
                                   params->scope == VG_ASK_TABLE};
    vg_ask_copies(asked, &copies, out);
    return 0;
}

static int find_unique(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct params *params = asked->rule->params;
    struct vg_ask_columns columns;
    if (vg_ask_own(asked, &params->columns, &columns, err) < 0)
        return -1;
    struct vg_ask_copies copies = {&columns, NULL, params->nulls_equal,
                                   params->scope == VG_ASK_TABLE};
    return vg_ask_copied(asked, &copies, out, err);
}

static int measure_unique(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_ask_share(rule, evidence, out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    double values = vg_ask_number(&evidence->answers[0], 0, 3);
    snprintf(measure->why + used, sizeof measure->why - used,
             " hold one of %.0f value%s that occur more than once in the %s", values,
             values == 1 ? "" : "s", scopes[params->scope]);
    return 0;
}

static const struct vg_param unique_params[] = {
    {"columns", VG_PARAM_STRINGS, offsetof(struct params, columns), false, NULL, NULL,
     "under `checks:`, the columns that are unique together; without them the dataset's key"},
    {"nulls_equal", VG_PARAM_BOOL, offsetof(struct params, nulls_equal), false, "false", NULL,
     "two NULLs are the same value; otherwise rows with a NULL are not tested"},
    {"scope", VG_PARAM_CHOICE, offsetof(struct params, scope), false, "window", scopes,
     "where the other row may be: in the window, or anywhere in the table (which is then read "
     "whole)"},
};

const struct vg_check_type vg_check_unique = {
    .name = "unique",
    .doc = "Share of rows whose value, or values together, occur more than once. Rows with a NULL "
           "in them are not tested, unless nulls are equal.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .of_both = true,
    .filterable = true,
    .grouped = true,
    .needs = VG_NEEDS_LOOKUP,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .params = unique_params,
    .nparams = sizeof unique_params / sizeof *unique_params,
    .params_size = sizeof(struct params),
    .validate = validate_unique,
    .lookup = lookup_unique,
    .offenders = find_unique,
    .measure = measure_unique,
};
