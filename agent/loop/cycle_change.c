/* SPDX-License-Identifier: GPL-3.0-or-later */
/* That a retraining was asked for, told to receivers that show changes beside incidents, and the
 * address of a dataset's dashboard. */
#include "agent/loop/cycle_change.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "agent/message.h"
#include "pgvigil/store.h"
#include "pgvigil/text.h"

enum { ADDRESS_BYTES = 4000 };

const char *vg_cycle_dashboard(const char *address, const char *dataset, struct vg_arena *arena)
{
    static const char place[] = "{{dataset}}";
    const char *at = address ? strstr(address, place) : NULL;
    struct vg_buf out;
    if (!at)
        return address;
    vg_buf_init(&out, ADDRESS_BYTES);
    vg_buf_add(&out, address, (size_t)(at - address));
    for (const char *p = dataset; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || strchr("-._~", c))
            vg_buf_putc(&out, *p);
        else
            vg_buf_printf(&out, "%%%02X", c);
    }
    vg_buf_puts(&out, at + sizeof place - 1);
    const char *made = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return made;
}

static const struct vg_result *find_result(const struct vg_cycle *cycle,
                                           const struct vg_onset *onset)
{
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *result = &cycle->results[i];
        if (!strcmp(result->rule, onset->rule) && vg_streq(result->segment, onset->segment))
            return result;
    }
    return NULL;
}

static void fill_item(const struct vg_onset *onset, const struct vg_result *result,
                      struct vg_message_item *item)
{
    *item = (struct vg_message_item){
        .rule = onset->rule,
        .check = onset->check ? onset->check : "drift",
        .column = onset->column,
        .segment = onset->segment,
        .class = vg_class_name(VG_CLASS_DRIFT),
        .emits = VG_EMIT_FIRE,
        .state = VG_ALERT_FIRING,
        .verdict = VG_FAIL,
        .unit = result ? result->unit : VG_UNIT_RATIO,
        .value = onset->value,
        .limit = onset->limit,
        .p_value = (double)NAN,
        .onset_us = onset->evidence.start_us,
        .n = (double)NAN,
        .n_ref = (double)NAN,
        .why = "",
    };
}

static void fill_message(const struct vg_work *work, const struct vg_onset *onset,
                         struct vg_message_item *item, struct vg_message *message)
{
    const struct vg_dataset *dataset = work->job.dataset;
    *message = (struct vg_message){
        .kind = VG_MSG_CHANGE,
        .agent = work->env->agent,
        .dataset = onset->dataset,
        .model = onset->model,
        .connection = dataset->connection,
        .table = dataset->query ? NULL : dataset->table,
        .owner = dataset->owner,
        .runbook = dataset->runbook,
        .severity = VG_SEVERITY_INFO,
        .at_us = work->cycle.now_us,
        .onset_us = onset->evidence.start_us,
        .opened_us = onset->due_us,
        .has_window = true,
        .window = onset->evidence,
        .rows = onset->rows,
        .items = item,
        .nitems = 1,
        .url = work->env->config->external_url,
        .dashboard =
            vg_cycle_dashboard(work->env->config->dashboard_url, onset->dataset, work->arena),
        .role = vg_role_name(dataset->role),
        .impact = dataset->impact,
    };
    memcpy(message->key, onset->key, VG_KEY_SIZE);
}

static bool is_told(const struct vg_work *work, const char *name)
{
    const struct vg_receiver *receiver = vg_config_receiver(work->env->config, name);
    const struct vg_strings *only = work->env->only_receivers;
    bool chosen = !only;
    for (size_t i = 0; only && i < only->n; i++)
        chosen = chosen || !strcmp(only->items[i], name);
    return chosen && receiver && receiver->kind == VG_RECEIVER_PAGERDUTY && receiver->changes;
}

int vg_cycle_change(const struct vg_work *work, const struct vg_onset *onset, struct vg_error *err)
{
    const struct vg_strings *to = &work->job.dataset->to;
    struct vg_message_item item;
    struct vg_message message;
    fill_item(onset, find_result(&work->cycle, onset), &item);
    fill_message(work, onset, &item, &message);
    for (size_t i = 0; i < to->n; i++) {
        struct vg_outgoing row = {
            .sink_kind = VG_SINK_RECEIVER,
            .sink = to->items[i],
            .kind = VG_MSG_CHANGE,
            .created_us = message.at_us,
            .next_us = message.at_us,
        };
        if (!is_told(work, row.sink))
            continue;
        memcpy(row.key, message.key, VG_KEY_SIZE);
        if (vg_message_write(&message, work->arena, &row.body, err) < 0 ||
            vg_store_outbox_put(work->env->store, &row, err) < 0)
            return -1;
    }
    return 0;
}
