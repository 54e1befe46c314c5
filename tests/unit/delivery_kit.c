/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of messages, receivers and delivery share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

struct vg_message_item kit_item(void)
{
    return (struct vg_message_item){
        .rule = "score-drift",
        .check = "ks",
        .column = "probability",
        .class = "drift",
        .emits = VG_EMIT_FIRE,
        .state = VG_ALERT_FIRING,
        .verdict = VG_FAIL,
        .unit = VG_UNIT_RATIO,
        .value = 0.384,
        .limit = 0.35,
        .p_value = 1e-9,
        .onset_us = KIT_JUNE_12,
        .why = "the largest distance is at 0.41",
    };
}

struct vg_message kit_message(struct vg_message_item *item)
{
    *item = kit_item();
    return (struct vg_message){
        .kind = VG_MSG_OPEN,
        .key = KIT_KEY,
        .agent = "prod",
        .dataset = "delay_predictions",
        .model = "delay-model",
        .connection = "warehouse",
        .table = "ml.delay_predictions",
        .owner = "ml-team",
        .runbook = "https://wiki.example.test/delay?a=1&b=2",
        .severity = VG_SEVERITY_CRITICAL,
        .at_us = KIT_JUNE_12 + VG_DAY_US + 10 * VG_MINUTE_US,
        .onset_us = KIT_JUNE_12,
        .opened_us = KIT_JUNE_12 + VG_DAY_US + 10 * VG_MINUTE_US,
        .has_window = true,
        .window = {KIT_JUNE_12, KIT_JUNE_12 + VG_DAY_US, false},
        .rows = 3458,
        .items = item,
        .nitems = 1,
    };
}

struct vg_onset kit_onset(void)
{
    return (struct vg_onset){
        .key = KIT_KEY,
        .model = "delay-model",
        .dataset = "delay_predictions",
        .rule = "score-drift",
        .due_us = KIT_JUNE_12 + VG_DAY_US + 10 * VG_MINUTE_US,
        .evidence = {KIT_JUNE_12, KIT_JUNE_12 + VG_DAY_US, false},
        .state = VG_ONSET_FIRED,
        .fired = true,
        .fired_us = KIT_JUNE_12 + VG_DAY_US + 10 * VG_MINUTE_US,
        .ended_us = VG_NEVER,
        .value = 0.384,
        .limit = 0.35,
        .rows = 3458,
        .column = "probability",
        .check = "ks",
    };
}

static uint64_t next_number(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

const char *kit_hostile_name(uint64_t *seed, struct vg_arena *arena)
{
    static const char *const pieces[] = {"<!channel>",
                                         "<!here|x>",
                                         "<@U012345>",
                                         "<http://evil.test|click>",
                                         "&lt;",
                                         "&",
                                         "<",
                                         ">",
                                         "\"",
                                         "\\",
                                         "'",
                                         "`",
                                         "*bold*",
                                         "_",
                                         "~",
                                         "\n",
                                         "\r\n",
                                         "\t",
                                         "\x01",
                                         "\x1b[31m",
                                         "\x7f",
                                         "\xff",
                                         "\xc3",
                                         "\xe2\x80",
                                         "\xf0\x9f\x92",
                                         "\xc0\xaf",
                                         "\xed\xa0\x80",
                                         "\xe2\x80\xae",
                                         "\xf0\x9f\x92\xa9",
                                         "\xc3\xa9",
                                         "{{model}}",
                                         "%s%n",
                                         "|",
                                         "@everyone",
                                         "</script>",
                                         "]]>",
                                         "probability",
                                         "x",
                                         " ",
                                         "\xe2\x80\xa8"};
    struct vg_buf name;
    vg_buf_init(&name, 1 << 20);
    uint64_t n = 1 + next_number(seed) % 12;
    if (next_number(seed) % 64 == 0)
        n *= 300;
    for (uint64_t i = 0; i < n; i++)
        vg_buf_puts(&name, pieces[next_number(seed) % (sizeof pieces / sizeof pieces[0])]);
    const char *kept = vg_arena_strdup(arena, name.data);
    assert_non_null(kept);
    vg_buf_free(&name);
    return kept;
}

void kit_poison(struct vg_message *message, uint64_t *seed, struct vg_arena *arena)
{
    const char **texts[] = {&message->agent,      &message->dataset,  &message->model,
                            &message->connection, &message->table,    &message->owner,
                            &message->runbook,    &message->url,      &message->dashboard,
                            &message->role,       &message->impact,   &message->by,
                            &message->retraining, &message->reference};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = kit_hostile_name(seed, arena);
    for (size_t i = 0; i < message->nitems; i++) {
        struct vg_message_item *item = &message->items[i];
        const char **keys = vg_arena_array(arena, 3, sizeof *keys);
        for (size_t k = 0; k < 3; k++)
            keys[k] = kit_hostile_name(seed, arena);
        item->keys = keys;
        item->nkeys = 3;
        const char **own[] = {&item->rule,        &item->check,   &item->column,
                              &item->segment,     &item->class,   &item->why,
                              &item->description, &item->runbook, &item->reference};
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++)
            *own[k] = kit_hostile_name(seed, arena);
        item->worst = (struct vg_worst){.at_us = KIT_JUNE_12, .value = -1e300, .limit = NAN};
    }
}

json_t *kit_render(const struct vg_receiver *receiver, const char *secret,
                   const struct vg_message *message, struct vg_arena *arena, struct vg_request *out)
{
    const struct vg_sink_in in = {
        .receiver = receiver, .message = message, .secret = secret, .now_us = message->at_us};
    return kit_render_in(&in, arena, out);
}

json_t *kit_render_in(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out)
{
    struct vg_error err = {0};
    json_error_t where;
    const struct vg_sink_ops *sink = vg_sink_of(in->receiver->kind);
    if (sink->render(in, arena, out, &err) < 0)
        fail_msg("not rendered: %s", err.msg);
    if (!out->url)
        return NULL;
    assert_int_equal(out->body_size, strlen(out->body));
    assert_true(vg_utf8_valid(out->body, out->body_size));
    json_t *root = json_loads(out->body, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        fail_msg("not JSON: %s at %d", where.text, where.position);
    return root;
}

const json_t *kit_at(const json_t *root, const char *path)
{
    const char *rest = path;
    while (*rest) {
        char part[64];
        size_t n = strcspn(rest, "/");
        assert_true(n < sizeof part);
        memcpy(part, rest, n);
        part[n] = '\0';
        root = json_is_array(root) ? json_array_get(root, strtoul(part, NULL, 10))
                                   : json_object_get(root, part);
        if (!root)
            fail_msg("there is no %s (at %s)", path, part);
        rest += n + (rest[n] == '/');
    }
    return root;
}

const char *kit_text(const json_t *root, const char *path)
{
    const json_t *at = kit_at(root, path);
    if (!json_is_string(at))
        fail_msg("%s is not a string", path);
    return json_string_value(at);
}

struct vg_response *kit_response(int status, const char *body)
{
    static struct vg_response response;
    memset(&response, 0, sizeof response);
    response.status = status;
    response.whole = status > 0;
    response.body_size = strlen(body);
    memcpy(response.body, body, response.body_size + 1);
    if (!status)
        vg_fail(&response.error, VG_E_TIMEOUT, "https://example.test: no answer in time");
    return &response;
}

void kit_expect_answer(const struct vg_sink_ops *sink, int status, const char *body,
                       enum vg_outcome outcome)
{
    char why[200] = "";
    int64_t retry_after_us = 0;
    enum vg_outcome got =
        sink->answer(kit_response(status, body), &retry_after_us, why, sizeof why);
    if (got != outcome)
        fail_msg("%s: status %d with '%.40s' is %d, not %d", sink->name, status, body, got,
                 outcome);
    assert_true(strlen(why) > 0);
}
