/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made-up messages of each kind, rendered as the receiver's own: a model's predictions drift and
 * are partly missing, that goes on, ends, is one of many, and a retraining is asked for. */
#include "agent/commands/notify_example.h"

#include <math.h>
#include <string.h>

#include "agent/loop/cycle_change.h"
#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"
#include "pgvigil/text.h"

enum { MANY = 7, ITEMS = 10, TEXT_BYTES = 1 << 20 };

struct example {
    struct vg_message message;
    struct vg_message_item items[2];
    struct vg_gathered many;
    const char *lines[MANY], *runbooks[MANY];
};

static void fill_items(struct example *example, int64_t onset_us)
{
    example->items[0] = (struct vg_message_item){
        .rule = "score-drift",
        .check = "ks",
        .column = "probability",
        .class = vg_class_name(VG_CLASS_DRIFT),
        .emits = VG_EMIT_FIRE,
        .state = VG_ALERT_FIRING,
        .verdict = VG_FAIL,
        .unit = VG_UNIT_RATIO,
        .value = 0.384,
        .limit = 0.35,
        .p_value = 1e-9,
        .onset_us = onset_us,
        .n = 3458,
        .n_ref = 105943,
        .why =
            "the largest distance is at 0.41: 62% of the rows are below it, 24% in the reference",
        .description = "Scores are compared with January",
    };
    example->items[1] = (struct vg_message_item){
        .rule = "probability.nulls",
        .check = "nulls",
        .column = "probability",
        .class = vg_class_name(VG_CLASS_QUALITY),
        .emits = VG_EMIT_FIRE,
        .state = VG_ALERT_FIRING,
        .verdict = VG_FAIL,
        .unit = VG_UNIT_RATIO,
        .value = 0.121,
        .limit = 0.01,
        .p_value = (double)NAN,
        .onset_us = onset_us,
        .n = 3458,
        .n_ref = (double)NAN,
        .why = "418 of 3458 rows are NULL",
    };
}

static void fill_message(const struct vg_config *config, int64_t now_us, struct example *example)
{
    int64_t end_us = now_us - now_us % VG_HOUR_US;
    fill_items(example, end_us - VG_HOUR_US);
    example->message = (struct vg_message){
        .kind = VG_MSG_OPEN,
        .key = "1a2b3c4d5e6f708192a3b4c5d6e7f809",
        .agent = config->name ? config->name : "pgvigil",
        .dataset = "delay_predictions",
        .model = "delay-model",
        .connection = config->nconnections ? config->connections[0].name : "warehouse",
        .table = "ml.delay_predictions",
        .owner = "ml-team",
        .runbook = "https://wiki.example.com/delay-model",
        .severity = VG_SEVERITY_CRITICAL,
        .at_us = now_us,
        .onset_us = end_us - VG_HOUR_US,
        .opened_us = now_us,
        .has_window = true,
        .window = {end_us - VG_HOUR_US, end_us, false},
        .rows = 3458,
        .items = example->items,
        .nitems = 2,
        .url = config->external_url,
        .role = vg_role_name(VG_ROLE_PREDICTIONS),
        .impact = "the arrival times that customers are shown",
        .reference_from_us = end_us - 90 * VG_DAY_US,
        .reference_to_us = end_us - 60 * VG_DAY_US,
    };
}

static void remind(struct example *example)
{
    example->message.kind = VG_MSG_REMIND;
    example->message.at_us += 4 * VG_HOUR_US;
    example->items[0].emits = example->items[1].emits = 0;
}

static void resolve(struct example *example)
{
    example->message.kind = VG_MSG_RESOLVE;
    for (size_t i = 0; i < 2; i++) {
        struct vg_message_item *item = &example->items[i];
        item->emits = VG_EMIT_CLEAR;
        item->state = VG_ALERT_OK;
        item->verdict = VG_PASS;
    }
    example->items[0].worst =
        (struct vg_worst){.at_us = example->message.onset_us, .value = 0.384, .limit = 0.35};
    example->items[1].worst =
        (struct vg_worst){.at_us = example->message.onset_us, .value = 0.121, .limit = 0.01};
    example->message.retraining = "retraining of delay-model: none was asked for";
    example->items[0].value = 0.082;
    example->items[0].why = "the largest distance is at 0.37";
    example->items[1].value = 0;
    example->items[1].why = "no row is NULL";
}

static void ask(struct example *example)
{
    example->message.kind = VG_MSG_CHANGE;
    example->message.severity = VG_SEVERITY_INFO;
    example->message.nitems = 1;
    example->items[0].why = "";
}

static int gather(struct example *example, struct vg_arena *arena)
{
    struct vg_message *message = &example->message;
    struct vg_message one = *message;
    struct vg_buf text;
    int rc = 0;
    vg_buf_init(&text, TEXT_BYTES);
    for (int i = 0; i < MANY && !rc; i++) {
        one.dataset = i ? vg_arena_printf(arena, "trips_%d", i) : message->dataset;
        one.severity = i < 2 ? VG_SEVERITY_CRITICAL : VG_SEVERITY_WARNING;
        one.nitems = i ? 1 : 2;
        one.items = &example->items[i > 1];
        snprintf(one.key, sizeof one.key, "%d%s", i + 1, message->key + 1);
        if (one.dataset)
            vg_phrase_one(&text, &one);
        example->lines[i] = text.failed ? NULL : vg_arena_strdup(arena, text.data);
        rc = one.dataset && example->lines[i] ? 0 : -1;
        vg_buf_clear(&text);
    }
    vg_buf_free(&text);
    example->many = (struct vg_gathered){
        .lines = example->lines,
        .runbooks = example->runbooks,
        .nlines = MANY,
        .incidents = MANY,
        .by_severity = {[VG_SEVERITY_WARNING] = MANY - 2, [VG_SEVERITY_CRITICAL] = 2},
        .datasets = MANY,
        .models = {message->model, "fare-model"},
        .nmodels = 2,
    };
    example->runbooks[0] = message->runbook;
    example->runbooks[1] = "https://wiki.example.com/trips";
    message->runbook = NULL;
    message->nitems = 0;
    message->dashboard = NULL;
    message->gathered = &example->many;
    return rc;
}

static int print_one(const struct vg_receiver *receiver, const struct vg_message *message,
                     struct vg_arena *arena, FILE *out, struct vg_error *err)
{
    const struct vg_sink_ops *sink = vg_sink_of(receiver->kind);
    const struct vg_sink_in in = {
        .receiver = receiver, .message = message, .secret = "SECRET", .now_us = message->at_us};
    struct vg_letter letter;
    struct vg_request request = {0};
    struct vg_buf text;
    if (!sink->gathers) {
        if (sink->render(&in, arena, &request, err) < 0)
            return -1;
        fprintf(out, "%.*s\n", (int)request.body_size, (const char *)request.body);
        return 0;
    }
    if (vg_letter_make(&in, &(const struct vg_letter_room){ITEMS, TEXT_BYTES}, arena, &letter,
                       err) < 0)
        return -1;
    vg_buf_init(&text, TEXT_BYTES);
    vg_letter_write(&text, &letter);
    bool failed = text.failed;
    fputs(failed ? "" : text.data, out);
    vg_buf_free(&text);
    return failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

int vg_notify_examples(const struct vg_config *config, const struct vg_receiver *receiver,
                       int64_t now_us, FILE *out, struct vg_error *err)
{
    static const char *const titles[] = {"it fires", "a reminder", "it ends",
                                         "a retraining is asked for", "many at once"};
    enum { EXAMPLES = sizeof titles / sizeof titles[0] };
    bool people = vg_sink_of(receiver->kind)->gathers;
    bool changes = receiver->kind == VG_RECEIVER_PAGERDUTY && receiver->changes;
    struct vg_arena *arena = vg_arena_new();
    int rc = arena ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
    for (int i = 0; i < EXAMPLES && !rc; i++) {
        struct example example = {0};
        if (i == 3 && !changes)
            continue; /* nobody else hears of it */
        fill_message(config, now_us, &example);
        example.message.url = vg_cycle_page(config->external_url, example.message.dataset, arena);
        example.message.dashboard =
            vg_cycle_dashboard(config->dashboard_url, example.message.dataset, arena);
        if (i == 1)
            remind(&example);
        else if (i == 2)
            resolve(&example);
        else if (i == 3)
            ask(&example);
        else if (i == 4 && people && gather(&example, arena) < 0)
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
        if (rc || (i == 4 && (!people || !receiver->digest)))
            break; /* each is told by itself */
        fprintf(out, "%s--- %s ---\n", i ? "\n" : "", titles[i]);
        rc = print_one(receiver, &example.message, arena, out, err);
    }
    vg_arena_free(arena);
    return rc;
}
