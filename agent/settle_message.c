/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message per incident and cycle: opened, changed, still so, resolved. At the end of a catch-up
 * also one summary of all that began and ended meanwhile, which pages nobody; an incident that
 * opened and closed meanwhile has no message of its own. Pure. */
#include "agent/settle_message.h"

#include <math.h>
#include <string.h>

#include "agent/alert.h"
#include "agent/rank.h"
#include "agent/settle_proposal.h"
#include "agent/settle_quiet.h"
#include "pgvigil/text.h"

static bool is_member(const struct vg_alert *alert, const struct vg_incident *incident)
{
    return !strcmp(alert->incident, incident->key);
}

/* Whether nobody is to hear of the alert now. */
static bool is_kept_back(const struct vg_settle_in *in, const struct vg_incident *incident,
                         const struct vg_alert *alert)
{
    return vg_quiet_muted(in, alert) || vg_quiet_spoken_for(in, incident, alert);
}

/* What is to be told of an incident now: silences keep the rest back. */
struct tidings {
    unsigned untold; /* of what may be told */
    bool stands;     /* something that may be told is active */
    bool reminds;    /* of that, something for which no other alert speaks */
};

static struct tidings collect_tidings(const struct vg_settle_in *in,
                                      const struct vg_settle_out *out,
                                      const struct vg_incident *incident)
{
    struct tidings tidings = {0};
    for (size_t i = 0; i < out->nalerts; i++) {
        const struct vg_alert *alert = &out->alerts[i];
        if (!is_member(alert, incident) || is_kept_back(in, incident, alert))
            continue;
        tidings.untold |= alert->untold;
        tidings.stands |= vg_alert_active(alert->state);
        tidings.reminds |= vg_alert_active(alert->state) && !vg_quiet_inhibited(out, alert);
    }
    return tidings;
}

/* Whether an alert of the incident ended while windows were caught up. */
static bool lost_member(const struct vg_settle_out *out, const struct vg_incident *incident)
{
    for (size_t i = 0; i < out->nepisodes; i++) {
        const struct vg_episode *episode = &out->episodes[i];
        if (episode->over && episode->known && !strcmp(episode->incident, incident->key))
            return true;
    }
    return false;
}

/* Whether there is a proposal that was not made yet. */
static bool proposes(const struct vg_settle_in *in, const struct vg_alert *alert)
{
    return !alert->proposed && vg_proposal_due(alert, in->dataset, in->cycle->now_us);
}

static bool has_proposal(const struct vg_settle_in *in, const struct vg_settle_out *out,
                         const struct vg_incident *incident)
{
    bool found = false;
    for (size_t i = 0; i < out->nalerts && !found; i++)
        found = is_member(&out->alerts[i], incident) && proposes(in, &out->alerts[i]);
    return found;
}

/* What there is to say of an incident; -1: nothing. */
static int choose_kind(const struct vg_settle_in *in, const struct vg_settle_out *out,
                       const struct vg_incident *incident)
{
    bool told = incident->told_us != VG_NEVER, closed = incident->closed_us != VG_NEVER;
    if (closed)
        return told ? VG_MSG_RESOLVE : -1;
    struct tidings tidings = collect_tidings(in, out, incident);
    if (!told)
        return tidings.stands ? VG_MSG_OPEN : -1;
    if (tidings.untold || lost_member(out, incident))
        return VG_MSG_UPDATE;
    bool due = tidings.reminds && incident->acked_us == VG_NEVER && in->dataset &&
               in->dataset->remind_us > 0 &&
               in->cycle->now_us - incident->told_us >= in->dataset->remind_us;
    return due || has_proposal(in, out, incident) ? VG_MSG_REMIND : -1;
}

static void fill_item(struct vg_message_item *item, const struct vg_alert *alert,
                      const struct vg_result *result)
{
    *item = (struct vg_message_item){
        .rule = alert->rule,
        .check = alert->check,
        .column = alert->column,
        .segment = *alert->segment ? alert->segment : NULL,
        .class = vg_class_name(alert->class),
        .emits = alert->untold,
        .state = alert->state,
        .verdict = alert->verdict,
        .unit = alert->unit,
        .value = alert->value,
        .limit = alert->limit,
        .p_value = result ? result->p_value : (double)NAN,
        .n = result ? result->n : (double)NAN,
        .n_ref = result ? result->n_ref : (double)NAN,
        .worst = alert->worst,
        .onset_us = alert->onset_us,
        .why = alert->why,
        .description = result ? result->description : NULL,
        .runbook = alert->runbook,
        .keys = result ? result->keys : NULL,
        .nkeys = result ? result->nkeys : 0,
        .prediction = result && result->prediction,
        .rank = result ? result->rank : 0,
    };
}

/* What it was compared with, where that is not what the message says; of an earlier look the name
 * alone. */
static int add_reference(const struct vg_settle_in *in, struct vg_arena *arena,
                         const struct vg_alert *alert, const struct vg_result *result,
                         struct vg_message_item *item)
{
    const struct vg_rule *rule = vg_quiet_rule(in, alert);
    const char *name = result                  ? result->against
                       : rule && rule->against ? in->dataset->others[rule->against - 1].name
                                               : NULL;
    for (size_t i = 0; name && i < in->cycle->nreferences; i++) {
        if (!strcmp(in->cycle->references[i].name, name))
            item->reference = in->cycle->references[i].words;
    }
    if (name && !item->reference)
        item->reference = vg_arena_printf(arena, "the reference %s", name);
    if (!item->description && rule)
        item->description = rule->description;
    return !name || item->reference ? 0 : -1;
}

static int add_proposal(const struct vg_settle_in *in, struct vg_arena *arena,
                        const struct vg_alert *alert, struct vg_message_item *item)
{
    const char *text = vg_proposal_text(alert, in->cycle->now_us, arena);
    item->why = text ? vg_arena_printf(arena, "%s; %s", alert->why, text) : NULL;
    return item->why ? 0 : -1;
}

/* For whom this one speaks. */
static int add_neighbours(const struct vg_settle_in *in, struct vg_arena *arena,
                          const struct vg_alert *alert, struct vg_message_item *item)
{
    const char *connection = in->dataset && in->dataset->connection ? in->dataset->connection : "";
    item->why = vg_arena_printf(arena,
                                "%s; %zu more dataset%s read over the connection %s: while this"
                                " stands, the same of them is not told",
                                alert->why, in->neighbours, in->neighbours == 1 ? " is" : "s are",
                                connection);
    return item->why ? 0 : -1;
}

static void fill_ended(struct vg_message_item *item, const struct vg_episode *episode)
{
    *item = (struct vg_message_item){
        .rule = episode->rule,
        .check = episode->check,
        .column = episode->column,
        .segment = *episode->segment ? episode->segment : NULL,
        .class = vg_class_name(episode->class),
        .emits = episode->emits,
        .state = VG_ALERT_OK,
        .verdict = episode->verdict,
        .unit = episode->unit,
        .value = episode->value,
        .limit = episode->limit,
        .p_value = episode->p_value,
        .n = (double)NAN,
        .n_ref = (double)NAN,
        .worst = episode->worst,
        .onset_us = episode->onset_us,
        .ended_us = episode->ended_us,
        .why = episode->why,
        .runbook = episode->runbook,
    };
}

static bool is_listed(const struct vg_message *message, const struct vg_episode *episode)
{
    const char *segment = *episode->segment ? episode->segment : NULL;
    for (size_t i = 0; i < message->nitems; i++) {
        if (!strcmp(message->items[i].rule, episode->rule) &&
            vg_streq(message->items[i].segment, segment))
            return true;
    }
    return false;
}

/* Alerts that left the incident while windows were caught up; each is named once. */
static void add_ended(const struct vg_settle_out *out, struct vg_message *message, bool known)
{
    for (size_t i = 0; i < out->nepisodes; i++) {
        const struct vg_episode *episode = &out->episodes[i];
        if (episode->over && episode->known == known && !strcmp(episode->incident, message->key) &&
            !is_listed(message, episode))
            fill_ended(&message->items[message->nitems++], episode);
    }
}

static int fill_items(const struct vg_settle_in *in, struct vg_arena *arena,
                      const struct vg_settle_out *out, const struct vg_incident *incident,
                      struct vg_message *message, vg_result_of *result_of)
{
    message->items = vg_arena_array(arena, out->nalerts + out->nepisodes, sizeof *message->items);
    if (!message->items)
        return -1;
    for (size_t i = 0; i < out->nalerts; i++) {
        const struct vg_alert *alert = &out->alerts[i];
        bool mine = !strcmp(alert->incident, message->key);
        bool ends = message->kind == VG_MSG_RESOLVE;
        if (!mine || (!alert->untold && !vg_alert_active(alert->state)) ||
            (!ends && is_kept_back(in, incident, alert)))
            continue;
        struct vg_message_item *item = &message->items[message->nitems++];
        const struct vg_result *result = result_of(in->cycle, alert);
        fill_item(item, alert, result);
        if (add_reference(in, arena, alert, result, item) < 0)
            return -1;
        if (proposes(in, alert) && add_proposal(in, arena, alert, item) < 0)
            return -1;
        if (in->neighbours && vg_quiet_lost(alert) && add_neighbours(in, arena, alert, item) < 0)
            return -1;
    }
    add_ended(out, message, true);
    if (!message->nitems)
        add_ended(out, message, false);
    return vg_rank_items(message->items, message->nitems, arena);
}

static void fill_message(const struct vg_settle_in *in, const struct vg_incident *incident,
                         enum vg_message_kind kind, struct vg_message *message)
{
    const struct vg_cycle *cycle = in->cycle;
    *message = (struct vg_message){
        .kind = kind,
        .agent = in->agent,
        .dataset = cycle->dataset,
        .model = cycle->model,
        .connection = cycle->connection,
        .table = in->dataset && !in->dataset->query ? in->dataset->table : NULL,
        .owner = cycle->owner,
        .runbook = cycle->runbook,
        .severity = incident->severity,
        .at_us = cycle->now_us,
        .onset_us = incident->onset_us,
        .opened_us = incident->opened_due_us,
        .has_window = cycle->has_window,
        .window = cycle->window,
        .rows = cycle->rows,
        .url = in->url,
        .dashboard = in->dashboard,
        .role = vg_role_name(cycle->role),
        .impact = in->dataset ? in->dataset->impact : NULL,
        .reference = cycle->reference_from_us < cycle->reference_to_us ? NULL : cycle->reference,
        .reference_from_us = cycle->reference_version ? cycle->reference_from_us : 0,
        .reference_to_us = cycle->reference_version ? cycle->reference_to_us : 0,
    };
    memcpy(message->key, incident->key, VG_KEY_SIZE);
}

/* Told alerts forget what they emitted; those of a closed incident leave it. */
static void mark_told(const struct vg_settle_in *in, struct vg_settle_out *out,
                      struct vg_incident *incident)
{
    char key[VG_KEY_SIZE];
    memcpy(key, incident->key, VG_KEY_SIZE);
    incident->told_us = in->cycle->now_us;
    for (size_t i = 0; i < out->nalerts; i++) {
        struct vg_alert *alert = &out->alerts[i];
        bool muted = incident->closed_us == VG_NEVER && is_kept_back(in, incident, alert);
        if (strcmp(alert->incident, key) || muted)
            continue;
        alert->untold = 0;
        alert->proposed |= proposes(in, alert);
        alert->reminded_us = in->cycle->now_us;
        if (!vg_alert_active(alert->state))
            alert->incident[0] = '\0';
    }
}

/* The onset of what stands: what ended before it could be told has its place in the summary. */
static void find_onset(struct vg_incident *incident, struct vg_message *message)
{
    int64_t onset_us = VG_NEVER;
    for (size_t i = 0; i < message->nitems; i++) {
        if (message->items[i].onset_us < onset_us)
            onset_us = message->items[i].onset_us;
    }
    if (onset_us != VG_NEVER)
        incident->onset_us = message->onset_us = onset_us;
}

static int tell_incidents(const struct vg_settle_in *in, struct vg_arena *arena,
                          struct vg_settle_out *out, vg_result_of *result_of)
{
    for (size_t i = 0; i < out->nincidents; i++) {
        struct vg_incident *incident = &out->incidents[i];
        int kind = choose_kind(in, out, incident);
        /* ended under a silence: nobody hears of it, and its alerts leave it */
        if (kind < 0 && incident->closed_us != VG_NEVER && incident->told_us == VG_NEVER)
            mark_told(in, out, incident);
        if (kind < 0)
            continue;
        struct vg_message *message = &out->messages[out->nmessages];
        fill_message(in, incident, (enum vg_message_kind)kind, message);
        if (fill_items(in, arena, out, incident, message, result_of) < 0)
            return -1;
        if (kind == VG_MSG_OPEN)
            find_onset(incident, message);
        out->receivers[out->nmessages++] = incident->to;
        mark_told(in, out, incident);
    }
    return 0;
}

/* Opened and closed before a word of it was said: nothing more is to be said of it alone. */
static void hush_incidents(struct vg_settle_out *out)
{
    for (size_t i = 0; i < out->nincidents; i++) {
        struct vg_incident *incident = &out->incidents[i];
        if (incident->closed_us != VG_NEVER && incident->told_us == VG_NEVER)
            incident->told_us = incident->closed_us;
    }
}

static bool is_for_summary(const struct vg_episode *episode)
{
    return episode->over && !episode->known;
}

int vg_settle_invite(struct vg_strings *to, const struct vg_strings *more, struct vg_arena *arena)
{
    const char **items = vg_arena_array(arena, to->n + more->n, sizeof *items);
    size_t n = 0;
    if (!items)
        return -1;
    for (; n < to->n; n++)
        items[n] = to->items[n];
    for (size_t i = 0; i < more->n; i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known |= !strcmp(items[k], more->items[i]);
        if (!known)
            items[n++] = more->items[i];
    }
    if (n > to->n)
        *to = (struct vg_strings){items, n};
    return 0;
}

/* Of an incident that never was: it has the gravest severity, the first begin, and a key of its own
 * that no later summary can have. */
static void fill_summary(const struct vg_settle_in *in, const struct vg_settle_out *out,
                         struct vg_message *message)
{
    struct vg_incident all = {.onset_us = VG_NEVER, .opened_due_us = VG_NEVER};
    for (size_t i = 0; i < out->nepisodes; i++) {
        const struct vg_episode *episode = &out->episodes[i];
        if (!is_for_summary(episode))
            continue;
        if (episode->severity > all.severity)
            all.severity = episode->severity;
        if (episode->onset_us < all.onset_us)
            all.onset_us = episode->onset_us;
        if (episode->due_us < all.opened_due_us)
            all.opened_due_us = episode->due_us;
    }
    vg_summary_key(all.key, in->agent, in->cycle->dataset, all.opened_due_us);
    fill_message(in, &all, VG_MSG_SUMMARY, message);
    message->has_window = false; /* it speaks of many */
    message->rows = 0;
}

static int tell_summary(const struct vg_settle_in *in, struct vg_arena *arena,
                        struct vg_settle_out *out)
{
    size_t n = 0;
    for (size_t i = 0; i < out->nepisodes; i++)
        n += is_for_summary(&out->episodes[i]);
    if (!n)
        return 0;
    struct vg_message *message = &out->messages[out->nmessages];
    struct vg_strings *to = &out->receivers[out->nmessages++];
    fill_summary(in, out, message);
    message->items = vg_arena_array(arena, n, sizeof *message->items);
    if (!message->items)
        return -1;
    for (size_t i = 0; i < out->nepisodes; i++) {
        if (!is_for_summary(&out->episodes[i]))
            continue;
        fill_ended(&message->items[message->nitems++], &out->episodes[i]);
        if (vg_settle_invite(to, &out->episodes[i].to, arena) < 0)
            return -1;
    }
    return 0;
}

/* What still stands was held back, and is told now: its receivers are to hear of its incident. */
static int invite_receivers(struct vg_settle_out *out, struct vg_arena *arena)
{
    for (size_t e = 0; e < out->nepisodes; e++) {
        const struct vg_episode *episode = &out->episodes[e];
        for (size_t i = 0; !episode->over && i < out->nincidents; i++) {
            struct vg_incident *incident = &out->incidents[i];
            if (!strcmp(incident->key, episode->incident) &&
                vg_settle_invite(&incident->to, &episode->to, arena) < 0)
                return -1;
        }
    }
    return 0;
}

/* A database that cannot be read is told at once, and with it what is held back. */
static bool is_stuck(const struct vg_settle_in *in, const struct vg_settle_out *out)
{
    for (size_t i = 0; in->cycle->failed && i < out->nalerts; i++) {
        if (vg_streq(out->alerts[i].check, "reach") && vg_alert_active(out->alerts[i].state))
            return true;
    }
    return false;
}

int vg_settle_messages(const struct vg_settle_in *in, struct vg_arena *arena,
                       struct vg_settle_out *out, vg_result_of *result_of, struct vg_error *err)
{
    out->told = !in->catching_up || is_stuck(in, out);
    if (!out->told) {
        hush_incidents(out);
        return 0;
    }
    out->messages = vg_arena_array(arena, out->nincidents + 1, sizeof *out->messages);
    out->receivers = vg_arena_array(arena, out->nincidents + 1, sizeof *out->receivers);
    if (!out->messages || !out->receivers || invite_receivers(out, arena) < 0 ||
        tell_incidents(in, arena, out, result_of) < 0 || tell_summary(in, arena, out) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    hush_incidents(out);
    return 0;
}
