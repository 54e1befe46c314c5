/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people are told of retraining: that one was asked for, to receivers that show changes beside
 * incidents; that one waits for approval, or that its run failed, to everybody whom the dataset
 * tells, and when that is over. Also where a dataset is to be seen, and what is said of it. */
#include "agent/loop/cycle_change.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "agent/message.h"
#include "agent/settle.h"
#include "agent/settle_message.h"
#include "agent/settle_quiet.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/store.h"
#include "pgvigil/text.h"

enum { ADDRESS_BYTES = 4000 };

static void put_encoded(struct vg_buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || strchr("-._~", c))
            vg_buf_putc(out, *p);
        else
            vg_buf_printf(out, "%%%02X", c);
    }
}

const char *vg_cycle_page(const char *address, const char *dataset, struct vg_arena *arena)
{
    struct vg_buf out;
    if (!address || strchr(address, '#'))
        return address;
    vg_buf_init(&out, ADDRESS_BYTES);
    vg_buf_printf(&out, "%s#dataset-", address);
    put_encoded(&out, dataset);
    const char *made = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return made;
}

const char *vg_cycle_dashboard(const char *address, const char *dataset, struct vg_arena *arena)
{
    static const char place[] = "{{dataset}}";
    const char *at = address ? strstr(address, place) : NULL;
    struct vg_buf out;
    if (!at)
        return address;
    vg_buf_init(&out, ADDRESS_BYTES);
    vg_buf_add(&out, address, (size_t)(at - address));
    put_encoded(&out, dataset);
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

/* The drift that a request was made for. */
static void fill_drift(const struct vg_onset *onset, const struct vg_result *result,
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
        .description = result ? result->description : NULL,
        .unit = result ? result->unit : VG_UNIT_RATIO,
        .value = onset->value,
        .limit = onset->limit,
        .p_value = result ? result->p_value : (double)NAN,
        .onset_us = onset->evidence.start_us,
        .n = result ? result->n : (double)NAN,
        .n_ref = result ? result->n_ref : (double)NAN,
        .why = result && result->why ? result->why : "",
    };
}

void vg_cycle_place(const struct vg_cycle_env *env, struct vg_arena *arena,
                    struct vg_message *message)
{
    const char *id = message->dataset;
    const struct vg_dataset *dataset = env->rules ? vg_ruleset_find(env->rules, id) : NULL;
    if (env->config) {
        message->url = vg_cycle_page(env->config->external_url, id, arena);
        message->dashboard = vg_cycle_dashboard(env->config->dashboard_url, id, arena);
    }
    if (!dataset)
        return;
    message->connection = dataset->connection;
    message->table = dataset->query ? NULL : dataset->table;
    message->owner = dataset->owner;
    message->runbook = dataset->runbook;
    message->role = vg_role_name(dataset->role);
    message->impact = dataset->impact;
    message->model = message->model ? message->model : dataset->model;
}

static void fill_message(const struct vg_saying *saying, const struct vg_onset *onset,
                         struct vg_message_item *item, struct vg_message *message)
{
    *message = (struct vg_message){
        .agent = saying->env->agent,
        .dataset = onset->dataset,
        .model = onset->model,
        .severity = VG_SEVERITY_INFO,
        .at_us = saying->cycle->now_us,
        .onset_us = onset->evidence.start_us,
        .opened_us = onset->due_us,
        .has_window = true,
        .window = onset->evidence,
        .rows = onset->rows,
        .items = item,
        .nitems = 1,
    };
    vg_cycle_place(saying->env, saying->arena, message);
    if (saying->cycle->reference_version && vg_streq(saying->cycle->dataset, onset->dataset)) {
        message->reference_from_us = saying->cycle->reference_from_us;
        message->reference_to_us = saying->cycle->reference_to_us;
        if (message->reference_from_us >= message->reference_to_us)
            message->reference = saying->cycle->reference;
    }
    memcpy(message->key, onset->key, VG_KEY_SIZE);
}

static int post(const struct vg_saying *saying, const struct vg_message *message,
                const char *receiver, struct vg_error *err)
{
    const struct vg_strings *only = saying->env->only_receivers;
    bool chosen = !only;
    struct vg_outgoing row = {
        .sink_kind = VG_SINK_RECEIVER,
        .sink = receiver,
        .kind = message->kind,
        .severity = message->severity,
        .created_us = message->at_us,
        .next_us = message->at_us,
    };
    for (size_t i = 0; only && i < only->n; i++)
        chosen = chosen || !strcmp(only->items[i], receiver);
    if (!chosen)
        return 0;
    memcpy(row.key, message->key, VG_KEY_SIZE);
    if (vg_message_write(message, saying->arena, &row.body, err) < 0)
        return -1;
    return vg_store_outbox_put(saying->env->store, &row, err);
}

int vg_cycle_silences(const struct vg_cycle_env *env, int64_t now_us, struct vg_arena *arena,
                      struct vg_settle_in *in, struct vg_error *err)
{
    struct vg_silence *rows;
    size_t n;
    vg_failpoint("silences");
    if (vg_store_silences(env->store, now_us, arena, &rows, &n, err) < 0)
        return -1;
    struct vg_quiet *out = vg_arena_array(arena, n + 1, sizeof *out);
    if (!out)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        out[i] = (struct vg_quiet){
            .match = rows[i].match, .from_us = rows[i].from_us, .until_us = rows[i].until_us};
    in->silences = out;
    in->nsilences = n;
    return 0;
}

/* Whether a silence keeps the news of a request back, which is about the rule that drifts. */
static int is_silenced(const struct vg_saying *saying, const struct vg_onset *onset,
                       const struct vg_dataset *dataset, bool *silenced, struct vg_error *err)
{
    const struct vg_config *config = saying->env->config;
    struct vg_cycle cycle = *saying->cycle;
    const struct vg_alert alert = {.rule = onset->rule, .severity = VG_SEVERITY_INFO};
    struct vg_settle_in in = {
        .cycle = &cycle, .dataset = dataset, .quiet = config->quiet, .nquiet = config->nquiet};
    cycle.dataset = onset->dataset;
    if (vg_cycle_silences(saying->env, cycle.now_us, saying->arena, &in, err) < 0)
        return -1;
    *silenced = vg_quiet_muted(&in, &alert);
    return 0;
}

int vg_cycle_change(const struct vg_saying *saying, const struct vg_onset *onset,
                    struct vg_error *err)
{
    const struct vg_dataset *dataset = vg_ruleset_find(saying->env->rules, onset->dataset);
    struct vg_message_item item;
    struct vg_message message;
    fill_drift(onset, find_result(saying->cycle, onset), &item);
    fill_message(saying, onset, &item, &message);
    message.kind = VG_MSG_CHANGE;
    bool silenced = false;
    if (dataset && is_silenced(saying, onset, dataset, &silenced, err) < 0)
        return -1;
    if (silenced)
        return 0;
    for (size_t i = 0; dataset && i < dataset->to.n; i++) {
        const struct vg_receiver *receiver =
            vg_config_receiver(saying->env->config, dataset->to.items[i]);
        bool tells = receiver && receiver->kind == VG_RECEIVER_PAGERDUTY && receiver->changes;
        bool told = false;
        if (tells && vg_store_outbox_has_change(saying->env->store, onset->key, receiver->name,
                                                &told, err) < 0)
            return -1;
        /* a request that was taken back and made again is the same change */
        if (tells && !told && post(saying, &message, receiver->name, err) < 0)
            return -1;
    }
    return 0;
}

/* --- What waits for people, and what failed --------------------------------------------------- */

/* Those of the dataset, or of the routes that fit it whatever the rule is. */
static int find_receivers(const struct vg_saying *saying, const struct vg_dataset *dataset,
                          struct vg_strings *out)
{
    const struct vg_config *config = saying->env->config;
    *out = dataset ? dataset->to : (struct vg_strings){0};
    bool more = dataset && !dataset->to.n;
    for (size_t i = 0; i < config->nroutes && more; i++) {
        const struct vg_route *route = &config->routes[i];
        if (route->match.rule || route->match.tag ||
            !vg_quiet_fits(route->match.dataset, dataset->id) ||
            !vg_quiet_hours(&route->hours, saying->cycle->now_us))
            continue;
        more = route->more;
        if (vg_settle_invite(out, &route->to, saying->arena) < 0)
            return -1;
    }
    return 0;
}

static void fill_news(const struct vg_saying *saying, const struct vg_onset *onset,
                      const struct vg_news *news, struct vg_message_item *item)
{
    *item = (struct vg_message_item){
        .rule = news->failed ? "retraining.run" : "retraining.approval",
        .check = news->failed ? "training run" : "retraining",
        .class = "retraining",
        .emits = news->over ? VG_EMIT_CLEAR : VG_EMIT_FIRE,
        .state = news->over ? VG_ALERT_OK : VG_ALERT_FIRING,
        .verdict = news->over ? VG_PASS : VG_FAIL,
        .unit = VG_UNIT_RATIO,
        .value = (double)NAN,
        .limit = (double)NAN,
        .p_value = (double)NAN,
        .onset_us = onset->evidence.start_us,
        .n = (double)NAN,
        .n_ref = (double)NAN,
        .why = news->why,
    };
    if (news->over)
        item->ended_us = saying->cycle->now_us;
}

int vg_cycle_news(const struct vg_saying *saying, const struct vg_onset *onset,
                  const struct vg_news *news, struct vg_error *err)
{
    const struct vg_dataset *dataset = vg_ruleset_find(saying->env->rules, onset->dataset);
    struct vg_strings to;
    struct vg_message_item item;
    struct vg_message message;
    struct vg_store *store = saying->env->store;
    if (news->over && vg_store_outbox_told(store, onset->key, saying->arena, &to, err) < 0)
        return -1;
    if (!news->over && find_receivers(saying, dataset, &to) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    fill_news(saying, onset, news, &item);
    fill_message(saying, onset, &item, &message);
    message.kind = news->over ? VG_MSG_RESOLVE : VG_MSG_OPEN;
    message.severity = news->failed ? VG_SEVERITY_WARNING : VG_SEVERITY_INFO;
    for (size_t i = 0; i < to.n; i++) {
        if (post(saying, &message, to.items[i], err) < 0)
            return -1;
    }
    return 0;
}
