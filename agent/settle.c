/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settling a cycle: alerts step, incidents open and end. Pure. Messages are made in
 * settle_message.c; this file decides what happened, that one what is said of it. */
#include "agent/settle.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/alert.h"
#include "agent/settle_episode.h"
#include "agent/settle_message.h"
#include "agent/settle_quiet.h"
#include "pgvigil/text.h"

void vg_incident_key(char key[VG_KEY_SIZE], const char *agent, const char *dataset,
                     enum vg_severity severity, int64_t due_us)
{
    char due[24];
    snprintf(due, sizeof due, "%" PRId64, due_us);
    const char *parts[] = {agent, dataset, vg_severity_name(severity), due};
    vg_hash_hex(key, parts, 4);
}

void vg_summary_key(char key[VG_KEY_SIZE], const char *agent, const char *dataset, int64_t due_us)
{
    char due[24];
    snprintf(due, sizeof due, "%" PRId64, due_us);
    const char *parts[] = {agent, dataset, "summary", due};
    vg_hash_hex(key, parts, 4);
}

static struct vg_alert *find_alert(struct vg_settle_out *out, const struct vg_result *result)
{
    const char *segment = result->segment ? result->segment : "";
    for (size_t i = 0; i < out->nalerts; i++) {
        struct vg_alert *alert = &out->alerts[i];
        if (vg_streq(alert->rule, result->rule) && vg_streq(alert->segment, segment))
            return alert;
    }
    return NULL;
}

static const struct vg_result *find_result(const struct vg_cycle *cycle,
                                           const struct vg_alert *alert)
{
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *result = &cycle->results[i];
        if (vg_streq(alert->rule, result->rule) &&
            vg_streq(alert->segment, result->segment ? result->segment : ""))
            return result;
    }
    return NULL;
}

static struct vg_incident *find_incident(struct vg_settle_out *out, const char *key)
{
    for (size_t i = 0; *key && i < out->nincidents; i++) {
        if (!strcmp(out->incidents[i].key, key))
            return &out->incidents[i];
    }
    return NULL;
}

/* The open incident this alert may join: same severity, its first FIRE not too long ago. */
static struct vg_incident *find_open(const struct vg_settle_in *in, struct vg_settle_out *out,
                                     enum vg_severity severity)
{
    for (size_t i = 0; i < out->nincidents; i++) {
        struct vg_incident *incident = &out->incidents[i];
        if (incident->severity == severity && incident->closed_us == VG_NEVER && in->dataset &&
            in->cycle->due_us - incident->first_us <= in->dataset->group_for_us)
            return incident;
    }
    return NULL;
}

static struct vg_incident *open_incident(const struct vg_settle_in *in, struct vg_settle_out *out,
                                         const struct vg_alert *alert)
{
    struct vg_incident *incident = &out->incidents[out->nincidents++];
    *incident = (struct vg_incident){
        .dataset = in->cycle->dataset,
        .severity = alert->severity,
        .opened_due_us = in->cycle->due_us,
        .first_us = in->cycle->due_us,
        .closed_us = VG_NEVER,
        .onset_us = alert->onset_us,
        .told_us = VG_NEVER,
        .acked_us = VG_NEVER,
    };
    vg_incident_key(incident->key, in->agent, incident->dataset, incident->severity,
                    incident->opened_due_us);
    return incident;
}

/* A fire, a blindness or an escalation belongs to an incident of its severity. An alert that is in
 * one already (it went blind while firing) stays there. */
static struct vg_incident *join_incident(const struct vg_settle_in *in, struct vg_settle_out *out,
                                         struct vg_alert *alert)
{
    struct vg_incident *incident = find_incident(out, alert->incident);
    bool stays =
        incident && incident->closed_us == VG_NEVER && incident->severity == alert->severity;
    if (!stays)
        incident = find_open(in, out, alert->severity);
    if (!incident)
        incident = open_incident(in, out, alert);
    memcpy(alert->incident, incident->key, VG_KEY_SIZE);
    if (alert->onset_us < incident->onset_us)
        incident->onset_us = alert->onset_us;
    return incident;
}

/* Names the rule among those that have fired in the incident, as long as there is room. */
static int name_rule(struct vg_incident *incident, const char *rule, struct vg_arena *arena)
{
    enum { MOST = 400 };
    const char *rules = incident->rules ? incident->rules : "";
    size_t len = strlen(rule), used = strlen(rules);
    for (const char *at = rules; (at = strstr(at, rule)); at += len) {
        bool begins = at == rules || at[-1] == ' ';
        if (begins && (!at[len] || at[len] == ','))
            return 0;
    }
    if (used && used + len > MOST)
        return 0;
    incident->rules = vg_arena_printf(arena, "%s%s%s", rules, used ? ", " : "", rule);
    return incident->rules ? 0 : -1;
}

static bool is_private(const struct vg_settle_in *in, const char *column)
{
    return in->dataset && column && vg_dataset_is_private(in->dataset, column);
}

static int step_alert(const struct vg_settle_in *in, struct vg_arena *arena,
                      struct vg_settle_out *out, struct vg_alert *alert,
                      const struct vg_result *result)
{
    const unsigned joins = VG_EMIT_FIRE | VG_EMIT_BLIND | VG_EMIT_ESCALATE;
    bool active = vg_alert_active(alert->state);
    unsigned emits = vg_alert_step(alert, result, in->cycle);
    alert->untold |= emits;
    alert->proposed &= vg_alert_active(alert->state); /* of this time of drift */
    struct vg_incident *incident = emits & joins ? join_incident(in, out, alert) : NULL;
    bool held = vg_settle_episode(in, out, alert, result, (struct vg_settle_step){emits, active});
    /* What is held back may never be told: its receivers come when it is. */
    struct vg_strings to = result->warn_to;
    if (incident && name_rule(incident, result->rule, arena) < 0)
        return -1;
    if (!incident || held)
        return 0;
    if (result->verdict != VG_WARN && vg_quiet_route(in, alert, result, arena, &to) < 0)
        return -1;
    return vg_settle_invite(&incident->to, &to, arena);
}

static int step_alerts(const struct vg_settle_in *in, struct vg_arena *arena,
                       struct vg_settle_out *out)
{
    for (size_t i = 0; i < in->cycle->nresults; i++) {
        const struct vg_result *result = &in->cycle->results[i];
        struct vg_alert *alert = find_alert(out, result);
        if (!alert) {
            alert = &out->alerts[out->nalerts++];
            vg_alert_init(alert, result, in->cycle->dataset, in->cycle->now_us);
            alert->is_private = is_private(in, result->column);
        }
        if (step_alert(in, arena, out, alert, result) < 0)
            return -1;
    }
    return 0;
}

static bool is_gone(const struct vg_settle_in *in, const struct vg_alert *alert)
{
    bool found = false;
    for (size_t i = 0; in->gone && i < in->gone->n && !found; i++)
        found = vg_streq(in->gone->items[i], alert->rule) &&
                (!in->gone_segments || vg_streq(in->gone_segments->items[i], alert->segment));
    return found;
}

static void retire_alerts(const struct vg_settle_in *in, struct vg_settle_out *out)
{
    for (size_t i = 0; i < in->nalerts; i++) {
        struct vg_alert *alert = &out->alerts[i];
        if (in->dataset && !is_gone(in, alert))
            continue;
        bool active = vg_alert_active(alert->state);
        unsigned emits = vg_alert_retire(alert, in->cycle->now_us);
        alert->untold |= emits;
        vg_settle_episode(in, out, alert, NULL, (struct vg_settle_step){emits, active});
        out->retired[i] = true;
    }
}

/* What was seen before a column became private may be what is no longer shown. */
static void hide_worst(const struct vg_settle_in *in, struct vg_settle_out *out)
{
    for (size_t i = 0; i < in->nalerts; i++) {
        struct vg_alert *alert = &out->alerts[i];
        bool now = is_private(in, alert->column);
        if (now && !alert->is_private)
            alert->worst.at_us = 0;
        alert->is_private = now;
    }
}

static void close_incidents(const struct vg_settle_in *in, struct vg_settle_out *out)
{
    for (size_t i = 0; i < out->nincidents; i++) {
        struct vg_incident *incident = &out->incidents[i];
        bool active = false;
        for (size_t a = 0; a < out->nalerts; a++)
            active |= vg_alert_active(out->alerts[a].state) &&
                      !strcmp(out->alerts[a].incident, incident->key);
        if (!active && incident->closed_us == VG_NEVER)
            incident->closed_us = in->cycle->now_us;
    }
}

int vg_settle(const struct vg_settle_in *in, struct vg_arena *arena, struct vg_settle_out *out,
              struct vg_error *err)
{
    *out = (struct vg_settle_out){0};
    size_t most = in->nalerts + in->cycle->nresults;
    out->alerts = vg_arena_array(arena, most, sizeof *out->alerts);
    out->retired = vg_arena_array(arena, most, sizeof *out->retired);
    out->incidents =
        vg_arena_array(arena, in->nincidents + in->cycle->nresults, sizeof *out->incidents);
    out->episodes = vg_arena_array(arena, in->nepisodes + most, sizeof *out->episodes);
    if (!out->alerts || !out->retired || !out->incidents || !out->episodes)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (in->nalerts)
        memcpy(out->alerts, in->alerts, in->nalerts * sizeof *out->alerts);
    if (in->nincidents)
        memcpy(out->incidents, in->incidents, in->nincidents * sizeof *out->incidents);
    if (in->nepisodes)
        memcpy(out->episodes, in->episodes, in->nepisodes * sizeof *out->episodes);
    out->nalerts = in->nalerts;
    out->nincidents = in->nincidents;
    out->nepisodes = in->nepisodes;
    hide_worst(in, out);
    retire_alerts(in, out);
    if (step_alerts(in, arena, out) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    close_incidents(in, out);
    return vg_settle_messages(in, arena, out, find_result, err);
}
