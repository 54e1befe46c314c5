/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON of `pgvigil status`. */
#include "agent/commands/status_json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "agent/commands/budget_show.h"
#include "agent/phrase.h"
#include "pgvigil/text.h"

static json_t *make_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? json_null() : json_string(vg_format_time(us, text));
}

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *make_datasets(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->datasets.n; i++)
        json_array_append_new(list, json_string(status->datasets.items[i]));
    return list;
}

/* Of rows, in whatever encoding the table has them. */
static json_t *make_text(const char *s)
{
    struct vg_buf clean;
    vg_buf_init(&clean, 1 << 16);
    vg_utf8_clean(&clean, s, strlen(s), false);
    json_t *made = clean.failed ? json_null() : json_stringn(clean.data, clean.len);
    vg_buf_free(&clean);
    return made;
}

static json_t *make_keys(const struct vg_strings *keys)
{
    json_t *list = json_array();
    for (size_t i = 0; i < keys->n; i++)
        json_array_append_new(list, make_text(keys->items[i]));
    return list;
}

static json_t *make_results(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->nlatest; i++) {
        const struct vg_latest *latest = &status->latest[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o}",
                "dataset", latest->dataset, "rule", latest->rule, "segment", latest->segment,
                "check", latest->check, "column", latest->column, "verdict",
                vg_verdict_name(latest->verdict), "at", make_time(latest->at_us), "window_end",
                make_time(latest->window_end_us), "value", make_number(latest->value), "limit",
                make_number(latest->limit), "why", latest->why, "keys", make_keys(&latest->keys),
                "prediction", latest->prediction, "moved", make_number(latest->moved), "importance",
                make_number(latest->importance), "rank",
                latest->rank ? json_integer(latest->rank) : json_null()));
    }
    return list;
}

static json_t *make_alerts(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->nalerts; i++) {
        const struct vg_alert *alert = &status->alerts[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "dataset", alert->dataset,
                            "rule", alert->rule, "segment", alert->segment, "state",
                            vg_alert_state_name(alert->state), "severity",
                            vg_severity_name(alert->severity), "onset", make_time(alert->onset_us),
                            "incident", alert->incident, "why", alert->why));
    }
    return list;
}

static json_t *make_incidents(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->nincidents; i++) {
        const struct vg_incident *incident = &status->incidents[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s?}", "key", incident->key, "dataset",
                      incident->dataset, "severity", vg_severity_name(incident->severity), "opened",
                      make_time(incident->opened_due_us), "closed", make_time(incident->closed_us),
                      "onset", make_time(incident->onset_us), "rules", incident->rules));
    }
    return list;
}

static json_t *make_decisions(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->ndecisions; i++) {
        const struct vg_decision *decision = &status->decisions[i];
        json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:s, s:s, s:s?}", "at",
                                              make_time(decision->at_us), "model", decision->model,
                                              "onset", decision->key, "decision",
                                              vg_decision_name(decision->kind), "reason",
                                              decision->reason, "by", decision->by));
    }
    return list;
}

static json_t *make_groups(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->ngroups; i++) {
        const struct vg_retrain_group *group = &status->groups[i];
        struct vg_buf line;
        vg_buf_init(&line, 1 << 16);
        vg_retrain_state_say(&line, &group->standing);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s?, s:s}", "model", group->config->model,
                                        "state", vg_retrain_state_word(&group->standing), "onset",
                                        group->standing.onset ? group->standing.onset->key : NULL,
                                        "says", line.failed ? "" : line.data));
        vg_buf_free(&line);
    }
    return list;
}

static json_t *make_deliveries(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->ncounts; i++) {
        const struct vg_outbox_count *count = &status->counts[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I, s:I}", "to", count->sink, "kind",
                            count->sink_kind == VG_SINK_RETRAIN ? "retraining" : "receiver", "sent",
                            (json_int_t)count->sent, "waiting", (json_int_t)count->waiting, "dead",
                            (json_int_t)count->dead));
    }
    return list;
}

static json_t *make_offenders(const struct vg_status *status)
{
    static const char *const states[] = {"waiting", "written", "given up"};
    json_t *list = json_array();
    for (size_t i = 0; i < status->noffenders; i++) {
        const struct vg_offenders *row = &status->offenders[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:i, s:o, s:I, s:b, s:s?}", "dataset",
                      row->dataset, "rule", row->rule, "window_start",
                      make_time(row->window.start_us), "window_end", make_time(row->window.end_us),
                      "judged_at", make_time(row->at_us), "state", states[row->state], "attempts",
                      row->attempts, "next",
                      row->state == VG_OFFENDERS_WAITING ? make_time(row->next_us) : json_null(),
                      "keys", (json_int_t)row->keys, "cut", row->cut, "why", row->why));
    }
    return list;
}

static json_t *make_severities(unsigned severities)
{
    json_t *list = json_array();
    for (unsigned k = 0; k < VG_SEVERITIES; k++) {
        if (severities >> k & 1)
            json_array_append_new(list, json_string(vg_severity_name((enum vg_severity)k)));
    }
    return list;
}

static json_t *make_days(const struct vg_hours *hours)
{
    json_t *list = json_array();
    for (unsigned day = 0; hours->given && day < VG_WEEKDAYS; day++) {
        if (hours->days >> day & 1)
            json_array_append_new(list, json_string(vg_phrase_day(day)));
    }
    return list;
}

static json_t *make_silence(const struct vg_match *match, int64_t from_us, int64_t until_us,
                            const char *why)
{
    return json_pack("{s:n, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:n, s:s, s:n, s:n}", "number",
                     "dataset", match->dataset, "rule", match->rule, "tag", match->tag,
                     "severities", make_severities(match->severities), "from",
                     make_time(from_us == INT64_MIN ? VG_NEVER : from_us), "until",
                     make_time(until_us), "by", "why", why ? why : "", "file", "line");
}

/* One that stands in a file has no number, and nobody who made it. */
static json_t *make_quiet(const struct vg_quiet *quiet)
{
    json_t *made = make_silence(&quiet->match, quiet->from_us, quiet->until_us, quiet->why);
    struct vg_buf between;
    vg_buf_init(&between, 1 << 10);
    if (quiet->hours.given)
        vg_phrase_between(&between, &quiet->hours);
    json_object_set_new(made, "file", json_string(quiet->loc.file));
    json_object_set_new(made, "line", json_integer(quiet->loc.line));
    json_object_set_new(made, "days", make_days(&quiet->hours));
    json_object_set_new(made, "between", between.len ? json_string(between.data) : json_null());
    if (quiet->hours.given && quiet->hours.zone)
        json_object_set_new(made, "timezone", json_string(quiet->hours.zone->name));
    vg_buf_free(&between);
    return made;
}

static json_t *make_silences(const struct vg_status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->nsilences; i++) {
        const struct vg_silence *silence = &status->silences[i];
        json_t *made =
            make_silence(&silence->match, silence->from_us, silence->until_us, silence->why);
        json_object_set_new(made, "number", json_integer((json_int_t)silence->id));
        json_object_set_new(made, "by", json_string(silence->by));
        json_array_append_new(list, made);
    }
    for (size_t i = 0; i < status->nquiets; i++)
        json_array_append_new(list, make_quiet(&status->quiets[i]));
    return list;
}

int vg_status_json(struct vg_shell *shell, const struct vg_status *status)
{
    json_t *budgets = vg_budget_json(shell);
    if (!budgets)
        return VG_EXIT_INTERNAL;
    json_t *root =
        json_pack("{s:i, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                  "schema", 1, "agent", shell->agent, "trouble", status->trouble, "last_good_rules",
                  status->revived, "notice", status->notice, "datasets", make_datasets(status),
                  "results", make_results(status), "alerts", make_alerts(status), "incidents",
                  make_incidents(status), "decisions", make_decisions(status), "retraining",
                  make_groups(status), "deliveries", make_deliveries(status), "silences",
                  make_silences(status), "quarantine", make_offenders(status), "drift", budgets);
    int rc = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
    putchar('\n');
    json_decref(root);
    return rc < 0 ? VG_EXIT_INTERNAL : VG_EXIT_OK;
}
