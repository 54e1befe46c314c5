/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of rule files: every key, its type, its default and what it means. Reading, hints and
 * documentation follow them. Holds no logic. */
#include "agent/rules/keys.h"
#include "agent/yaml/value_quiet.h"

#include <stddef.h>

#define KEYS(keys) keys, sizeof keys / sizeof *keys
#define NODE(name_, struct_, field_, shown_, doc_)                                                 \
    {                                                                                              \
        .name = name_, .type = VG_VALUE_NODE, .offset = offsetof(struct struct_, field_),          \
        .shown = shown_, .doc = doc_                                                               \
    }
#define REFUSED(name_, doc_, hint_)                                                                \
    {                                                                                              \
        .name = name_, .type = VG_VALUE_REFUSED, .fallback = hint_, .doc = doc_                    \
    }
#define SEGMENTS_ELSEWHERE(name_)                                                                  \
    REFUSED(name_, "segments are named once for the whole file",                                   \
            "at the top: segments: [country]; a check has segment: country or none")

#define IN_DATASET(field) offsetof(struct vg_raw_dataset, field)

static const char *const roles[] = {"features", "predictions", "labels", NULL};

static const struct vg_key dataset_keys[] = {
    {"version", VG_VALUE_INT, IN_DATASET(version), .required = true,
     .doc = "version of the format of rule files: 1"},
    {"dataset", VG_VALUE_NAME, IN_DATASET(dataset.id), .required = true,
     .doc = "the dataset's name, unique among all rule files"},
    {"was", VG_VALUE_NAME, IN_DATASET(dataset.was),
     .doc = "its former name, whose alerts, references and history it takes over"},
    {"model", VG_VALUE_NAME, IN_DATASET(dataset.model),
     .doc = "group of datasets that one model lives on; retraining is triggered per model"},
    {"role", VG_VALUE_CHOICE, IN_DATASET(role), .choices = roles,
     .doc = "what the table is to the model"},
    {"owner", VG_VALUE_STRING, IN_DATASET(dataset.owner), .doc = "who answers for the table"},
    {"runbook", VG_VALUE_STRING, IN_DATASET(dataset.runbook), .doc = "address of a runbook"},
    {"description", VG_VALUE_STRING, IN_DATASET(dataset.description), .doc = "for people"},
    {"impact", VG_VALUE_STRING, IN_DATASET(dataset.impact),
     .doc = "for people: what breaks when these data do; stands in every message"},
    {"source", VG_VALUE_NODE, IN_DATASET(source), .required = true, .shown = "mapping source",
     .doc = "the table: {connection: ..., table: ...}"},
    NODE("schedule", vg_raw_dataset, schedule, "mapping schedule", "windows and ticks"),
    {"timezone", VG_VALUE_STRING, IN_DATASET(timezone), .shown = "UTC",
     .doc = "IANA name; aligns windows, reads times without offset"},
    NODE("sample", vg_raw_dataset, sample, "all, {rows: n} or {percent: p}",
         "how much of each window is read; volume always counts all"),
    NODE("limits", vg_raw_dataset, limits, "mapping limits", "what one scan may cost"),
    {"skip_unchanged", VG_VALUE_BOOL, IN_DATASET(dataset.skip_unchanged), .fallback = "false",
     .doc = "a table without a time column is not read while the server has counted no change"},
    {"timeout", VG_VALUE_DURATION, IN_DATASET(dataset.timeout_us), .fallback = "25s",
     .least = "100ms", .most = "10m", .doc = "limit of catalogue and tick statements"},
    {"scan_timeout", VG_VALUE_DURATION, IN_DATASET(dataset.scan_timeout_us), .least = "100ms",
     .most = "1d", .shown = "the smaller of window/2 and 10m",
     .doc = "limit of the scan and its snapshot; above 10m needs long_scan"},
    {"long_scan", VG_VALUE_BOOL, IN_DATASET(dataset.long_scan), .fallback = "false",
     .doc = "allows scans over 10m, and whole reads of tables over 1 GB without a time column"},
    NODE("reference", vg_raw_dataset, reference, "mapping reference",
         "what drift is measured against"),
    NODE("references", vg_raw_dataset, references, "name to reference",
         "several of them; a rule chooses by against, the first or `reference` is the default"),
    NODE("drift", vg_raw_dataset, drift, "mapping drift", "settings of all drift checks"),
    NODE("columns", vg_raw_dataset, columns, "column to its checks",
         "checks of columns; \"*\" stands for all that fit"),
    NODE("checks", vg_raw_dataset, checks, "list of checks", "checks of the dataset"),
    NODE("notify", vg_raw_dataset, notify, "mapping notify, or a list of receivers",
         "who is told, and when"),
    {"private_keys", VG_VALUE_BOOL, IN_DATASET(dataset.private_keys), .fallback = "true",
     .doc = "keeps values of the key out of state, metrics and messages"},
    {"expose_values", VG_VALUE_BOOL, IN_DATASET(dataset.expose_values), .fallback = "false",
     .doc = "lets messages carry values of columns that are not private"},
    {"max_offending", VG_VALUE_INT, IN_DATASET(max_offending), .fallback = "10", .least = "0",
     .most = "1000", .doc = "keys of offending rows that are kept for each rule"},
    NODE("quarantine", vg_raw_dataset, quarantine, "mapping quarantine",
         "a table of yours that takes the keys of all offending rows"),
    NODE("segments", vg_raw_dataset, segments, "list of columns, or of {column, values, most}",
         "columns by whose values every check is also judged"),
    NODE("importances", vg_raw_dataset, importances, "column to weight",
         "how much each feature counts for the model; ranks what has moved"),
    NODE("silences", vg_raw_dataset, silences, "list of silences", "times in which nobody is told"),
    SEGMENTS_ELSEWHERE("segment"),
};
const struct vg_key_table vg_dataset_table = {"a rule file", KEYS(dataset_keys)};

#define IN_SOURCE(field) offsetof(struct vg_raw_source, field)

static const struct vg_key source_keys[] = {
    {"connection", VG_VALUE_NAME, IN_SOURCE(connection), .required = true,
     .doc = "name of a connection of pgvigil.yaml"},
    {"table", VG_VALUE_STRING, IN_SOURCE(table), .shown = "this or query",
     .doc = "table, partitioned table, view, materialised view or foreign table: schema.name"},
    {"query", VG_VALUE_QUERY, IN_SOURCE(query), .shown = "this or table",
     .doc = "one SELECT, whose rows are read instead of a table's"},
    {"filter", VG_VALUE_SQL, IN_SOURCE(filter), .doc = "SQL condition on the rows to be read"},
    {"time_column", VG_VALUE_STRING, IN_SOURCE(time_column),
     .doc = "time of a row; without it the table is a state, read whole at each window"},
    {"key", VG_VALUE_STRINGS, IN_SOURCE(key), .doc = "columns that identify a row"},
    NODE("long", vg_raw_source, wide, "mapping long",
         "one row per entity and feature: each name becomes a column"),
};
const struct vg_key_table vg_source_table = {"source", KEYS(source_keys)};

#define IN_LONG(field) offsetof(struct vg_raw_long, field)

static const char *const decodings[] = {"feast", NULL};

static const struct vg_key long_keys[] = {
    {"name", VG_VALUE_STRING, IN_LONG(name), .required = true,
     .doc = "column that holds the name of the feature"},
    {"value", VG_VALUE_STRING, IN_LONG(value), .required = true,
     .doc = "column that holds its value; may be one with `expr`"},
    {"decode", VG_VALUE_CHOICE, IN_LONG(decode), .choices = decodings,
     .shown = "the value as it is",
     .doc = "feast: values are serialised by Feast; `type` of a column says what they are"},
    {"entity_key", VG_VALUE_STRING, IN_LONG(entity_key), .shown = "entity_key, with entity",
     .doc = "with decode: column of the serialised entity keys"},
    NODE("entity", vg_raw_long, entity, "join key to type",
         "with decode: all join keys in entity_key, each bigint, integer or text; they become "
         "columns"),
};
const struct vg_key_table vg_long_table = {"long", KEYS(long_keys)};

#define IN_QUARANTINE(field) offsetof(struct vg_raw_quarantine, field)

static const struct vg_key quarantine_keys[] = {
    {"connection", VG_VALUE_NAME, IN_QUARANTINE(connection), .required = true,
     .doc = "name of a connection of pgvigil.yaml, of a role that may write; not the source's"},
    {"table", VG_VALUE_STRING, IN_QUARANTINE(table), .required = true,
     .doc = "schema.name, made by the statement that `pgvigil quarantine ddl` prints"},
    {"limit", VG_VALUE_INT, IN_QUARANTINE(limit), .fallback = "1000000", .least = "1",
     .most = "1000000000", .doc = "keys of one rule and window that are written, at most"},
};
const struct vg_key_table vg_quarantine_table = {"quarantine", KEYS(quarantine_keys)};

#define IN_SEGMENT(field) offsetof(struct vg_raw_segment, field)

static const struct vg_key segment_keys[] = {
    {"column", VG_VALUE_STRING, IN_SEGMENT(column), .required = true,
     .doc = "a text or boolean column, which may be one with `expr`; not a private one"},
    {"values", VG_VALUE_STRINGS, IN_SEGMENT(values), .blank = true,
     .shown = "the most frequent of the reference",
     .doc = "values that are segments of their own; all others are the segment other"},
    {"most", VG_VALUE_INT, IN_SEGMENT(most), .shown = "limits.segments, 50", .least = "1",
     .most = "500", .doc = "how many values are segments of their own, at most"},
};
const struct vg_key_table vg_segment_table = {"segments", KEYS(segment_keys)};

static const struct vg_key compare_keys[] = {
    {"segment", VG_VALUE_STRING, offsetof(struct vg_compare, segment), .required = true,
     .doc = "a column of segments"},
    {"baseline", VG_VALUE_STRING, offsetof(struct vg_compare, baseline), .required = true,
     .blank = true, .doc = "the value that all others are tested against"},
};
const struct vg_key_table vg_compare_table = {"compare", KEYS(compare_keys)};

#define IN_REFERENCE(field) offsetof(struct vg_raw_reference, field)

static const char *const captures[] = {"now", NULL};
static const char *const seasons[] = {"none", "hour_of_day", "day_type", "hour_of_week", NULL};

static const struct vg_key reference_keys[] = {
    {"from", VG_VALUE_TIME, IN_REFERENCE(from_us), .doc = "begin of the reference, inclusive"},
    {"to", VG_VALUE_TIME, IN_REFERENCE(to_us), .doc = "its end, exclusive"},
    {"table", VG_VALUE_STRING, IN_REFERENCE(table),
     .doc = "another table, for a table without a time column"},
    {"filter", VG_VALUE_SQL, IN_REFERENCE(filter),
     .doc = "SQL condition on the same table, for a table without a time column"},
    {"capture", VG_VALUE_CHOICE, IN_REFERENCE(capture), .choices = captures,
     .doc = "the table as it is when first seen, for a table without a time column"},
    {"rolling", VG_VALUE_DURATION, IN_REFERENCE(rolling_us), .least = "1d", .most = "400d",
     .doc = "the last so many days before the window, all of their rows, instead of from and to"},
    {"every", VG_VALUE_DURATION, IN_REFERENCE(every_us), .least = "1h", .most = "7d",
     .shown = "7d, or 1d where rolling is shorter",
     .doc = "how often a rolling reference is captured anew: at these local times"},
    NODE("except", vg_raw_reference, except, "list of {from, to, why}",
         "spans of time that are left out"),
    {"season", VG_VALUE_CHOICE, IN_REFERENCE(season), .choices = seasons, .fallback = "none",
     .doc = "windows are compared with the reference's windows of the same hour only"},
    {"resolution", VG_VALUE_INT, IN_REFERENCE(resolution), .fallback = "4096", .least = "200",
     .most = "65536", .doc = "thresholds kept of a numeric column"},
    {"timeout", VG_VALUE_DURATION, IN_REFERENCE(timeout_us), .fallback = "10m", .least = "1s",
     .most = "1d", .doc = "a capture estimated above it waits for `pgvigil reference capture`"},
    {"exclude", VG_VALUE_STRINGS, IN_REFERENCE(exclude), .doc = "columns that are not captured"},
};
const struct vg_key_table vg_reference_table = {"reference", KEYS(reference_keys)};

static const struct vg_key except_keys[] = {
    {"from", VG_VALUE_TIME, offsetof(struct vg_raw_except, from_us), .required = true,
     .doc = "begin of what is left out, inclusive"},
    {"to", VG_VALUE_TIME, offsetof(struct vg_raw_except, to_us), .required = true,
     .doc = "its end, exclusive"},
    {"why", VG_VALUE_STRING, offsetof(struct vg_raw_except, why), .required = true,
     .doc = "what happened then, for people"},
};
const struct vg_key_table vg_except_table = {"except", KEYS(except_keys)};

static const struct vg_key drift_keys[] = {
    {"base", VG_VALUE_DURATION, offsetof(struct vg_raw_drift, base_us),
     .shown = "1h to 24h, by the 200-row rule",
     .doc = "length of the base windows of drift, a whole multiple of window"},
    {"budget", VG_VALUE_STRING, offsetof(struct vg_raw_drift, budget), .shown = "1 per week",
     .doc = "false incidents that `drift: true` may open for this dataset: N per day, week or "
            "month, of more than one a day not more than base windows"},
    {"min_distance", VG_VALUE_RATIO, offsetof(struct vg_raw_drift, min_distance), .fallback = "0",
     .doc = "of `drift: true`: a distribution of numbers that has moved by less, as D of "
            "Kolmogorov-Smirnov, is no alarm however many rows there are; 0.02 suits large tables"},
    {"min_spread", VG_VALUE_RATIO, offsetof(struct vg_raw_drift, min_spread), .fallback = "0",
     .doc = "of `drift: true`: a standard deviation that has changed by less is no alarm; 5% suits "
            "large tables"},
    {"min_share", VG_VALUE_RATIO, offsetof(struct vg_raw_drift, min_share), .fallback = "0",
     .doc = "of `drift: true`: a share of a value, or of NULLs, that has moved by less is no "
            "alarm: 0.5% is half a percentage point"},
};
const struct vg_key_table vg_drift_table = {"drift", KEYS(drift_keys)};

static const char *const predictions[] = {"none", "probability", "class", "score", NULL};

static const struct vg_key column_keys[] = {
    {"type", VG_VALUE_STRING, offsetof(struct vg_raw_column, type), .shown = "the reference's",
     .doc = "type that the schema check expects"},
    {"expr", VG_VALUE_SQL, offsetof(struct vg_raw_column, expr),
     .doc = "SQL expression that computes the column from the row; `type` is then required"},
    {"private", VG_VALUE_BOOL, offsetof(struct vg_raw_column, is_private),
     .shown = "true for keys, else false",
     .doc = "keeps values of the column out of state, metrics and messages"},
    {"prediction", VG_VALUE_CHOICE, offsetof(struct vg_raw_column, prediction),
     .choices = predictions, .fallback = "none",
     .doc = "what of the model's output the column holds; reported before features"},
    NODE("drift", vg_raw_column, drift, "true, false, or mapping of drift checks",
         "true: by the budget of false alarms; {ks: 0.35}: by limits; false: not by \"*\""),
    SEGMENTS_ELSEWHERE("segments"),
    SEGMENTS_ELSEWHERE("segment"),
};
const struct vg_key_table vg_column_table = {"a column", KEYS(column_keys)};

#define IN_CHECK(field) offsetof(struct vg_raw_check, field)

static const char *const policies[] = {"threshold", "p_value", "bh", NULL};
static const char *const severities[] = {"info", "warning", "critical", NULL};

static const struct vg_key check_keys[] = {
    NODE("fail", vg_raw_check, fail, "limit in the check's unit", "fails above it"),
    NODE("warn", vg_raw_check, warn, "limit, or {min, max}", "warns beyond it"),
    NODE("min", vg_raw_check, min, "number or time", "least value allowed"),
    NODE("max", vg_raw_check, max, "number or time", "largest value allowed"),
    {"id", VG_VALUE_NAME, IN_CHECK(id), .shown = "column.check",
     .doc = "name of the rule, stable over edits; alerts hang on it"},
    {"was", VG_VALUE_STRING, IN_CHECK(was),
     .doc = "former id, whose alerts and history it takes over"},
    {"severity", VG_VALUE_CHOICE, IN_CHECK(severity), .choices = severities, .fallback = "critical",
     .doc = "how grave a failure is"},
    {"policy", VG_VALUE_CHOICE, IN_CHECK(policy), .choices = policies, .shown = "threshold",
     .doc = "of drift checks with a p-value: what `fail` and `warn` limit. threshold: the "
            "statistic; p_value: fails below that p; bh: below it after Benjamini and Hochberg, "
            "over all rules of this policy in the window"},
    {"where", VG_VALUE_SQL, IN_CHECK(where), .doc = "SQL condition on the rows that are looked at"},
    {"min_rows", VG_VALUE_INT, IN_CHECK(min_rows), .least = "0",
     .shown = "200 for drift, 30 under the budget, else 1",
     .doc = "with fewer rows there is no verdict"},
    {"after", VG_VALUE_INT, IN_CHECK(after), .least = "1", .most = "1000", .shown = "1",
     .doc = "failures in a row until the alert fires"},
    {"resolve_after", VG_VALUE_INT, IN_CHECK(resolve_after), .least = "1", .most = "1000",
     .shown = "3 for windows of 1h or less, else 1; of the budget those of 24h",
     .doc = "passes in a row until it clears"},
    {"blind_after", VG_VALUE_DURATION, IN_CHECK(blind_after_us), .most = "52w", .shown = "15m",
     .doc = "how long the rule may be unable to look"},
    NODE("notify", vg_raw_check, notify, "list of receivers, or {to, warn}",
         "receivers instead of the dataset's"),
    {"description", VG_VALUE_STRING, IN_CHECK(description), .doc = "for people, in messages"},
    {"runbook", VG_VALUE_STRING, IN_CHECK(runbook), .doc = "address of a runbook"},
    {"tags", VG_VALUE_STRINGS, IN_CHECK(tags), .doc = "words for people"},
    {"segment", VG_VALUE_STRING, IN_CHECK(segment), .shown = "all of segments",
     .doc = "the one column of segments whose segments are judged too, or none"},
    NODE("compare", vg_raw_check, compare, "mapping compare",
         "of drift checks: each other segment against this one, instead of the reference"),
    {"against", VG_VALUE_NAME, IN_CHECK(against), .shown = "the first of references",
     .doc = "of drift checks: the one of references that windows are compared with"},
    SEGMENTS_ELSEWHERE("segments"),
};
const struct vg_key_table vg_check_table = {"a check", KEYS(check_keys)};

static const struct vg_key bounds_keys[] = {
    NODE("min", vg_raw_bounds, min, "number or time", "warns below it"),
    NODE("max", vg_raw_bounds, max, "number or time", "warns above it"),
};
const struct vg_key_table vg_bounds_table = {"warn", KEYS(bounds_keys)};

const struct vg_key_table *const *vg_rule_tables(size_t *n)
{
    static const struct vg_key_table *const tables[] = {
        &vg_dataset_table,     &vg_source_table, &vg_long_table,    &vg_quarantine_table,
        &vg_schedule_table,    &vg_sample_table, &vg_limits_table,  &vg_reference_table,
        &vg_drift_table,       &vg_notify_table, &vg_column_table,  &vg_check_table,
        &vg_rule_notify_table, &vg_bounds_table, &vg_segment_table, &vg_compare_table,
        &vg_except_table,      &vg_quiet_table,
    };
    *n = sizeof tables / sizeof *tables;
    return tables;
}

struct vg_key vg_param_key(const struct vg_param *param)
{
    static const enum vg_value_type types[] = {
        [VG_PARAM_BOOL] = VG_VALUE_BOOL,         [VG_PARAM_INT] = VG_VALUE_INT,
        [VG_PARAM_NUMBER] = VG_VALUE_NUMBER,     [VG_PARAM_RATIO] = VG_VALUE_RATIO,
        [VG_PARAM_DURATION] = VG_VALUE_DURATION, [VG_PARAM_STRING] = VG_VALUE_STRING,
        [VG_PARAM_STRINGS] = VG_VALUE_STRINGS,   [VG_PARAM_CHOICE] = VG_VALUE_CHOICE,
        [VG_PARAM_SQL] = VG_VALUE_SQL,           [VG_PARAM_TIME] = VG_VALUE_TIME,
        [VG_PARAM_CONNECTION] = VG_VALUE_NAME,   [VG_PARAM_QUERY] = VG_VALUE_QUERY,
        [VG_PARAM_VALUE] = VG_VALUE_STRING,      [VG_PARAM_VALUES] = VG_VALUE_STRINGS,
    };
    return (struct vg_key){.name = param->name,
                           .type = types[param->type],
                           .offset = param->offset,
                           .required = param->required,
                           .blank = param->type == VG_PARAM_VALUE || param->type == VG_PARAM_VALUES,
                           .fallback = param->fallback,
                           .choices = param->choices,
                           .doc = param->doc};
}
