/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lookup: the share of rows whose value, or values together, do not exist in another table, on the
 * same connection or on another. On another at most as many distinct values are tested as fit into
 * one statement; more is unknown. */
#include "checks/check_lookup.h"

static void validate_lookup(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct vg_lookup_params *params = rule->params;
    const char *fault = NULL, *hint = vg_ask_table_fault(params->table);
    size_t own = rule->column ? 1 : params->own.n;
    if (hint)
        fault = "table: is no name of a table";
    else if (rule->column && params->own.n)
        fault = "own: is for a lookup under checks:, here it is the column";
    else if (own != vg_lookup_theirs(rule).n || !own)
        fault = "each of our columns needs one of the other table's";
    if (fault)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL,
                    hint ? hint : "own: [a, b], columns: [c, d]", "%s", fault);
}

static const char *explain_whole(const struct vg_rule *rule)
{
    return vg_lookup_elsewhere(rule) ? "the values are looked up on another connection" : NULL;
}

static int lookup_lookup(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                         struct vg_error *err)
{
    const struct vg_lookup_params *params = asked->rule->params;
    struct vg_ask_columns own;
    if (vg_ask_own(asked, &params->own, &own, err) < 0)
        return -1;
    struct vg_ask_lookup lookup = {&own, vg_lookup_theirs(asked->rule), params->table,
                                   vg_ask_private(asked, &own)};
    bool elsewhere = vg_lookup_elsewhere(asked->rule);
    if (!elsewhere && asked->nanswers == 0)
        vg_ask_missing(asked, &lookup, out);
    if (elsewhere && asked->nanswers == 0)
        vg_ask_distinct(asked, &lookup, out);
    if (elsewhere && asked->nanswers == 1 && vg_ask_has_values(&asked->answers[0])) {
        vg_ask_missing_values(&lookup, &asked->answers[0], out);
        *connection = params->connection;
    }
    return 0;
}

static int measure_lookup(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct vg_lookup_params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_lookup_elsewhere(rule) ? vg_ask_carried_share(rule, evidence, out, &measure, err)
                                          : vg_ask_share(rule, evidence, out, &measure, err);
    if (found > 0)
        vg_ask_say_missing(evidence, vg_lookup_elsewhere(rule), params->table, measure);
    return found < 0 ? -1 : 0;
}

static const struct vg_param lookup_params[] = {
    {"table", VG_PARAM_STRING, offsetof(struct vg_lookup_params, table), true, NULL, NULL,
     "the other table: schema.name"},
    {"columns", VG_PARAM_STRINGS, offsetof(struct vg_lookup_params, columns), false, NULL, NULL,
     "its columns; without them those of our names"},
    {"own", VG_PARAM_STRINGS, offsetof(struct vg_lookup_params, own), false, NULL, NULL,
     "under `checks:`, our columns, as many and in the same order"},
    {"connection", VG_PARAM_CONNECTION, offsetof(struct vg_lookup_params, connection), false, NULL,
     NULL,
     "where the other table is, if not on the dataset's connection; at most 9999 distinct values "
     "(1 MB) are looked up there, private ones as SHA-256 of their text"},
};

const struct vg_check_type vg_check_lookup = {
    .name = "lookup",
    .doc = "Share of rows whose value, or values together, do not exist in another table. Rows "
           "with a NULL in them are not tested. On another connection for all rows only, not per "
           "segment.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .of_both = true,
    .filterable = true,
    .grouped = true,
    .needs = VG_NEEDS_LOOKUP | VG_NEEDS_OTHERS,
    .min_rows = 1,
    .shorthand = "table",
    .default_fail = "0",
    .params = lookup_params,
    .nparams = sizeof lookup_params / sizeof *lookup_params,
    .params_size = sizeof(struct vg_lookup_params),
    .validate = validate_lookup,
    .whole = explain_whole,
    .lookup = lookup_lookup,
    .offenders = vg_lookup_find,
    .measure = measure_lookup,
};
