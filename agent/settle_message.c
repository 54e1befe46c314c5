/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message per incident and cycle: opened, changed, still so, resolved; or, for a fire that
 * began and ended while windows were caught up, a summary that pages nobody. Pure. */
#include "agent/settle_message.h"

#include <math.h>
#include <string.h>

#include "agent/alert.h"

static bool is_member(const struct vg_alert *alert, const struct vg_incident *incident)
{
    return !strcmp(alert->incident, incident->key);
}

static unsigned collect_untold(const struct vg_settle_out *out, const struct vg_incident *incident)
{
    unsigned emits = 0;
    for (size_t i = 0; i < out->nalerts; i++) {
        if (is_member(&out->alerts[i], incident))
            emits |= out->alerts[i].untold;
    }
    return emits;
}

/* What there is to say of an incident; -1: nothing. */
static int choose_kind(const struct vg_settle_in *in, const struct vg_settle_out *out,
                       const struct vg_incident *incident)
{
    bool told = incident->told_us != VG_NEVER, closed = incident->closed_us != VG_NEVER;
    if (closed)
        return told ? VG_MSG_RESOLVE : VG_MSG_SUMMARY;
    if (!told)
        return VG_MSG_OPEN;
    if (collect_untold(out, incident))
        return VG_MSG_UPDATE;
    bool due = in->dataset && in->dataset->remind_us > 0 &&
               in->cycle->now_us - incident->told_us >= in->dataset->remind_us;
    return due ? VG_MSG_REMIND : -1;
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
        .onset_us = alert->onset_us,
        .why = alert->why,
        .description = result ? result->description : NULL,
        .runbook = alert->runbook,
        .keys = result ? result->keys : NULL,
        .nkeys = result ? result->nkeys : 0,
    };
}

static int fill_items(const struct vg_settle_in *in, struct vg_arena *arena,
                      const struct vg_settle_out *out, struct vg_message *message,
                      vg_result_of *result_of)
{
    message->items = vg_arena_array(arena, out->nalerts, sizeof *message->items);
    if (!message->items)
        return -1;
    for (size_t i = 0; i < out->nalerts; i++) {
        const struct vg_alert *alert = &out->alerts[i];
        bool mine = !strcmp(alert->incident, message->key);
        if (!mine || (!alert->untold && !vg_alert_active(alert->state)))
            continue;
        fill_item(&message->items[message->nitems++], alert, result_of(in->cycle, alert));
    }
    return 0;
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
        .table = in->dataset ? in->dataset->table : NULL,
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
        if (strcmp(alert->incident, key))
            continue;
        alert->untold = 0;
        alert->reminded_us = in->cycle->now_us;
        if (!vg_alert_active(alert->state))
            alert->incident[0] = '\0';
    }
}

int vg_settle_messages(const struct vg_settle_in *in, struct vg_arena *arena,
                       struct vg_settle_out *out, vg_result_of *result_of, struct vg_error *err)
{
    if (in->catching_up)
        return 0;
    out->messages = vg_arena_array(arena, out->nincidents, sizeof *out->messages);
    out->receivers = vg_arena_array(arena, out->nincidents, sizeof *out->receivers);
    if (!out->messages || !out->receivers)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < out->nincidents; i++) {
        struct vg_incident *incident = &out->incidents[i];
        int kind = choose_kind(in, out, incident);
        if (kind < 0)
            continue;
        struct vg_message *message = &out->messages[out->nmessages];
        fill_message(in, incident, (enum vg_message_kind)kind, message);
        if (fill_items(in, arena, out, message, result_of) < 0)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        out->receivers[out->nmessages++] = incident->to;
        mark_told(in, out, incident);
    }
    return 0;
}
