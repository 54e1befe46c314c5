/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare: how far the table is from another one, there or elsewhere: in its rows, keys, sums of
 * columns, or values of rows of the same key, the skew between training and serving. */
#include "checks/ask_compare.h"

static const char *const kinds[] = {"rows", "keys", "sums", "values", NULL};
static const char *const sides[] = {"either", "theirs", "ours", NULL};

static const char *find_fault(const struct vg_rule *rule, const char **hint)
{
    const struct vg_ask_compare *params = rule->params;
    int what = params->what;
    bool valued = what == VG_ASK_SUMS || what == VG_ASK_VALUES;
    bool keyed = what == VG_ASK_KEYS || what == VG_ASK_VALUES;
    *hint = vg_ask_table_fault(params->with);
    if (*hint)
        return "with: is no name of a table";
    *hint = "columns: [a, b]";
    if (valued && !params->columns.n)
        return "sums and values are those of columns";
    *hint = "leave it out";
    if (!valued && params->columns.n)
        return "columns: is of sums and values; those of the key are on:";
    if (params->tolerance < 0 || params->relative < 0)
        return "a tolerance is not negative";
    if (what != VG_ASK_VALUES && (params->tolerance > 0 || params->relative > 0))
        return "only values have a tolerance; the others have fail:";
    *hint = "on: [id], or source.key";
    if (keyed && !params->on.n && !rule->dataset->key.n)
        return "rows are joined by a key, and the dataset has none";
    *hint = "what: values";
    if (params->newest.n && what != VG_ASK_VALUES)
        return "newest: is of values";
    *hint = "set source.time_column, or leave it out";
    if (params->time_column && !rule->dataset->time_column)
        return "time_column: without a time column of ours there are no windows";
    *hint = "filter: a condition on their rows";
    if (params->filter && vg_sql_condition_fault(params->filter))
        return vg_sql_condition_fault(params->filter);
    *hint = "sample: 2000";
    return params->sample < 1 || params->sample > 9000 ? "sample is from 1 to 9000" : NULL;
}

static void validate_compare(const struct vg_rule *rule, struct vg_diags *diags)
{
    const char *hint, *fault = find_fault(rule, &hint);
    if (fault)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, hint, "%s", fault);
}

static int lookup_compare(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                          struct vg_error *err)
{
    const struct vg_ask_compare *params = asked->rule->params;
    bool theirs = false;
    int rc = vg_ask_compare(asked, out, &theirs, err);
    *connection = rc == 0 && theirs ? params->connection : *connection;
    return rc;
}

static int measure_compare(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    bool failed;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    return vg_ask_compare_measure(rule, evidence, out, err);
}

#define PARAM(name_, type_, field_, fallback_, doc_)                                               \
    {                                                                                              \
        name_, type_, offsetof(struct vg_ask_compare, field_), false, fallback_, NULL, doc_        \
    }
static const struct vg_param compare_params[] = {
    {"with", VG_PARAM_STRING, offsetof(struct vg_ask_compare, with), true, NULL, NULL,
     "the other table: schema.name"},
    PARAM("connection", VG_PARAM_CONNECTION, connection, NULL,
          "where it is, if not on the dataset's connection. Keys are then compared by hashes, "
          "private ones and their columns only so, and values on a sample"),
    {"what", VG_PARAM_CHOICE, offsetof(struct vg_ask_compare, what), false, "rows", kinds,
     "rows: the relative difference of their numbers; keys: the share that one side lacks; sums: "
     "the largest relative difference of a column's sum; values: the share of the keys of both "
     "sides whose columns differ"},
    PARAM("on", VG_PARAM_STRINGS, on, NULL, "the columns rows are joined by; the dataset's key"),
    PARAM("columns", VG_PARAM_STRINGS, columns, NULL, "columns of sums and values, in both tables"),
    PARAM("tolerance", VG_PARAM_NUMBER, tolerance, "0", "of values: difference that is none"),
    PARAM("relative", VG_PARAM_RATIO, relative, "0",
          "of values: difference that is none, as a share of the larger value"),
    {"missing", VG_PARAM_CHOICE, offsetof(struct vg_ask_compare, missing), false, "either", sides,
     "of keys: whether only those count that are missing in theirs, or in ours"},
    PARAM("time_column", VG_PARAM_STRING, time_column, NULL,
          "their time column: the window's rows are compared, not all of theirs. Of type timestamp "
          "or date it is read in the dataset's time zone, whatever the type of ours"),
    PARAM("newest", VG_PARAM_STRINGS, newest, NULL,
          "of values: where several of their rows have the same key, the newest by these columns "
          "counts: [event_timestamp, created]"),
    PARAM("filter", VG_PARAM_SQL, filter, NULL, "SQL condition on their rows; where: on ours"),
    PARAM("sample", VG_PARAM_INT, sample, "2000", "of values on another connection: keys compared"),
};

const struct vg_check_type vg_check_compare = {
    .name = "compare",
    .doc = "How far the table is from another one: rows, keys, sums of columns, or values of rows "
           "with the same key, which must be unique on both sides, unless newest: chooses among "
           "theirs. Rows with a NULL in the key are not compared; columns have the same names and "
           "types in both. Decoded reals are compared as reals, decoded times by the second.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .filterable = true,
    .needs = VG_NEEDS_LOOKUP | VG_NEEDS_OTHERS,
    .default_fail = "0",
    .params = compare_params,
    .nparams = sizeof compare_params / sizeof *compare_params,
    .params_size = sizeof(struct vg_ask_compare),
    .validate = validate_compare,
    .lookup = lookup_compare,
    .measure = measure_compare,
};
