/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtest as JSON: everything there is, under names that stay. */
#include <jansson.h>
#include <math.h>

#include "agent/commands/backtest_show.h"
#include "agent/commands/show_story.h"
#include "pgvigil/text.h"

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *make_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? json_null() : json_string(vg_format_time(us, text));
}

static json_t *make_alert(const struct vg_backtest_alert *alert)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "rule",
                     vg_show_json_text(alert->rule), "check", alert->check, "column",
                     vg_show_json_text(alert->column), "segment", vg_show_json_text(alert->segment),
                     "class", vg_class_name(alert->class), "blind", alert->blind, "onset",
                     make_time(alert->onset_us), "fired", make_time(alert->fired_us), "ended",
                     make_time(alert->ended_us), "value", make_number(alert->value), "limit",
                     make_number(alert->limit), "unit", vg_unit_name(alert->unit), "why",
                     vg_show_json_text(alert->why));
}

static json_t *make_incidents(const struct vg_backtest *test)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < test->nincidents; i++) {
        const struct vg_backtest_incident *incident = &test->incidents[i];
        json_t *alerts = json_array();
        for (size_t a = 0; alerts && a < incident->nalerts; a++)
            json_array_append_new(alerts, make_alert(&incident->alerts[a]));
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "key", incident->key, "severity",
                            vg_severity_name(incident->severity), "onset",
                            make_time(incident->onset_us), "opened", make_time(incident->opened_us),
                            "closed", make_time(incident->closed_us), "alerts", alerts));
    }
    return list;
}

static json_t *make_pages(const struct vg_backtest *test)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < test->nweeks; i++) {
        const struct vg_backtest_week *week = &test->weeks[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:i}", "receiver",
                                              vg_show_json_text(week->receiver), "week",
                                              make_time(week->start_us), "pages", (int)week->opened,
                                              "others", (int)week->others));
    }
    return list;
}

static json_t *make_means(const struct vg_backtest *test)
{
    json_t *means = json_object();
    for (size_t i = 0; means && i < test->nweeks; i++) {
        const char *receiver = test->weeks[i].receiver;
        if (!json_object_get(means, receiver))
            json_object_set_new(means, receiver, make_number(vg_backtest_pages(test, receiver)));
    }
    return means;
}

static json_t *make_changes(const struct vg_backtest *test)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < test->nchanges; i++) {
        const struct vg_backtest_change *change = &test->changes[i];
        const struct vg_injection *injection = change->injection;
        double delay =
            change->found ? (double)vg_backtest_delay(test, change) / (double)VG_US : (double)NAN;
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "text",
                      vg_show_json_text(injection->text), "column",
                      vg_show_json_text(injection->column), "kind",
                      vg_inject_kind_name(injection->kind), "from", make_time(injection->from_us),
                      "to", make_time(injection->to_us), "amount", make_number(injection->amount),
                      "unread", change->unread, "outside", change->outside, "found",
                      change->found != NULL, "rule", vg_show_json_text(change->found),
                      "delay_seconds", make_number(delay), "why", vg_show_json_text(change->why),
                      "firing_before", vg_show_json_text(change->before)));
    }
    return list;
}

static json_t *make_rule(const struct vg_backtest_rule *rule)
{
    return json_pack(
        "{s:o, s:s, s:o, s:b, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "rule",
        vg_show_json_text(rule->id), "check", rule->check, "column",
        vg_show_json_text(rule->column), "replayed", rule->why_not == NULL, "why_not",
        vg_show_json_text(rule->why_not), "sees_injections", !rule->unaware, "passed",
        (json_int_t)rule->verdicts[VG_PASS], "warned", (json_int_t)rule->verdicts[VG_WARN],
        "failed", (json_int_t)rule->verdicts[VG_FAIL], "nodata",
        (json_int_t)rule->verdicts[VG_NODATA], "unknown", (json_int_t)rule->verdicts[VG_UNKNOWN],
        "fired", (json_int_t)rule->fired, "ns_per_row", make_number(rule->row_ns),
        "judging_seconds", make_number((double)rule->judging_ns / 1e9), "tuned_limit",
        make_number(rule->tuned), "why_untuned", vg_show_json_text(rule->why_untuned));
}

static json_t *make_rules(const struct vg_backtest *test)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < test->nrules; i++)
        json_array_append_new(list, make_rule(&test->rules[i]));
    return list;
}

static json_t *make_reference(const struct vg_backtest *test)
{
    if (!test->reference_rows)
        return json_null();
    json_t *version =
        test->reference_captured ? json_null() : json_integer((json_int_t)test->reference_version);
    return json_pack("{s:o, s:o, s:o, s:I, s:b}", "version", version, "from",
                     make_time(test->reference_from_us), "to", make_time(test->reference_to_us),
                     "rows", (json_int_t)test->reference_rows, "captured_for_this",
                     test->reference_captured);
}

int vg_backtest_json(const struct vg_backtest *test, FILE *out)
{
    json_t *root = json_pack(
        "{s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", 1,
        "dataset", vg_show_json_text(test->dataset), "from", make_time(test->from_us), "to",
        make_time(test->to_us), "windows", (json_int_t)test->windows, "empty",
        (json_int_t)test->empty, "rows", (json_int_t)test->rows, "seconds",
        make_number(test->seconds), "reference", make_reference(test), "incidents",
        make_incidents(test), "weeks", make_pages(test), "pages_per_week", make_means(test),
        "injections", make_changes(test), "rules", make_rules(test));
    int rc = root ? json_dumpf(root, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) : -1;
    json_decref(root);
    return rc < 0 || fputc('\n', out) == EOF || fflush(out) == EOF ? -1 : 0;
}
