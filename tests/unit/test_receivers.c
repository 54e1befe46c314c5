/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every receiver against 10 000 hostile messages of a fixed seed, single ones and many told in one:
 * no mention, no markup, no broken JSON or UTF-8, nothing longer than its service takes. Each goes
 * to one receiver, with HOSTILE_EVERYWHERE in the environment to all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/phrase.h"
#include "tests/unit/receiver_checks.h"

enum { MESSAGES = 10000, MOST_ITEMS = 60, LONG_ITEMS = 11, LONG = 3200, MOST_LINES = 20 };

static const char *const to[] = {"a@example.test", "b@example.test"};
static const char *const run[] = {"/usr/local/bin/tell", "--now"};
#define TITLE "{{severity | upper}} {{dataset}}: {{what | cut:90}}"
#define TEXT  "{{impact}}\n{{why | default:\"nothing said\"}} {{column}} {{by}}"

static const struct vg_receiver receivers[] = {
    {.name = "slack", .kind = VG_RECEIVER_SLACK, .endpoint = {.url = "https://s.test/x"}},
    {.name = "bot", .kind = VG_RECEIVER_SLACK, .channel = "C1", .title = TITLE, .text = TEXT},
    {.name = "pagerduty", .kind = VG_RECEIVER_PAGERDUTY, .changes = true, .title = TITLE},
    {.name = "webhook", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://h.test/"}},
    {.name = "event",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url = "https://h.test/"},
     .format = VG_FORMAT_CLOUDEVENTS},
    {.name = "binary",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url = "https://h.test/"},
     .format = VG_FORMAT_CLOUDEVENTS_BINARY},
    {.name = "standard",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url = "https://h.test/"},
     .format = VG_FORMAT_STANDARD},
    {.name = "alertmanager",
     .kind = VG_RECEIVER_ALERTMANAGER,
     .endpoint = {.url = "https://a.test"}},
    {.name = "opsgenie", .kind = VG_RECEIVER_OPSGENIE, .team = "data", .text = TEXT},
    {.name = "teams",
     .kind = VG_RECEIVER_TEAMS,
     .endpoint = {.url = "https://t.test/x"},
     .text = TEXT},
    {.name = "discord",
     .kind = VG_RECEIVER_DISCORD,
     .endpoint = {.url = "https://d.test/x?thread_id=1"},
     .title = TITLE,
     .text = TEXT},
    {.name = "email",
     .kind = VG_RECEIVER_EMAIL,
     .endpoint = {.url = "smtp://127.0.0.1"},
     .from = "vigil@example.test",
     .to = {to, 2},
     .title = TITLE,
     .text = TEXT},
    {.name = "command", .kind = VG_RECEIVER_COMMAND, .run = {run, 2}, .title = TITLE},
};
enum { RECEIVERS = sizeof receivers / sizeof receivers[0] };

/* --- The run ---------------------------------------------------------------------------------- */

static void render(const struct vg_receiver *receiver, const struct vg_message *message, int step,
                   struct vg_arena *arena)
{
    static const char *const kept[VG_RECEIVER_KINDS] = {
        [VG_RECEIVER_SLACK] = "C0123 1503435956.000247", [VG_RECEIVER_DISCORD] = "1234567890"};
    const struct vg_sink_in in = {
        .receiver = receiver,
        .message = message,
        .secret =
            receiver->kind == VG_RECEIVER_PAGERDUTY ? "0123456789abcdef0123456789abcdef" : NULL,
        .signing = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL},
        .kept = step ? kept[receiver->kind] : NULL,
        .step = step / 2,
        .now_us = message->at_us + VG_US,
    };
    struct vg_request request;
    if (receiver->kind == VG_RECEIVER_EMAIL) {
        assert_int_equal(vg_sink_of(receiver->kind)->render(&in, arena, &request, NULL), 0);
        check_mail(&request);
        return;
    }
    json_t *body = kit_render_in(&in, arena, &request);
    if (body)
        check(receiver, body, &request);
    json_decref(body);
}

static void make_message(int i, uint64_t *seed, struct vg_message *message,
                         struct vg_message_item *items, struct vg_arena *arena)
{
    *message = kit_message(&items[0]);
    for (size_t k = 1; k < MOST_ITEMS; k++)
        items[k] = items[0];
    message->nitems = i % 400 == 0 ? MOST_ITEMS : (size_t)(i % 4);
    message->kind = (enum vg_message_kind)(i % VG_MSG_KINDS);
    kit_poison(message, seed, arena);
    if (i % 2) { /* also as what follows a URL that is one */
        message->url = vg_arena_printf(arena, "https://x.test/%s", message->url);
        message->dashboard = vg_arena_printf(arena, "https://y.test/%s", message->dashboard);
    }
    for (size_t k = 0; k < message->nitems && i % 3 == 0; k++) {
        items[k].n = 3458;
        items[k].n_ref = 105943;
    }
}

/* Many in one message, of which each is hostile, as the delivery engine makes it. */
static void gather(int i, uint64_t *seed, struct vg_message *message, struct vg_arena *arena)
{
    static const enum vg_message_kind kinds[] = {VG_MSG_OPEN, VG_MSG_REMIND, VG_MSG_RESOLVE};
    struct vg_gathered *many = vg_arena_alloc(arena, sizeof *many);
    const char **lines = vg_arena_array(arena, MOST_LINES, sizeof *lines);
    const char **links = vg_arena_array(arena, 2 * MOST_LINES, sizeof *links);
    *many = (struct vg_gathered){.lines = lines,
                                 .runbooks = links,
                                 .dashboards = links + MOST_LINES,
                                 .nlines = 2 + (size_t)i % (MOST_LINES - 1),
                                 .incidents = MOST_LINES + (size_t)i % 400,
                                 .by_severity = {3, 4, 5},
                                 .datasets = 1 + (size_t)i % 3,
                                 .nmodels = (size_t)i % 8};
    for (size_t k = 0; k < many->nlines; k++) {
        struct vg_buf text;
        struct vg_message_item item;
        struct vg_message one = kit_message(&item);
        kit_poison(&one, seed, arena);
        vg_buf_init(&text, 1 << 20);
        vg_phrase_one(&text, &one);
        lines[k] = vg_arena_strdup(arena, text.data);
        vg_buf_free(&text);
        links[k] = vg_arena_printf(arena, "https://z.test/%s", kit_hostile_name(seed, arena));
        links[MOST_LINES + k] = kit_hostile_name(seed, arena);
    }
    many->check = i % 2 ? kit_hostile_name(seed, arena) : NULL;
    for (size_t k = 0; k < sizeof many->models / sizeof many->models[0]; k++)
        many->models[k] = kit_hostile_name(seed, arena);
    message->gathered = many;
    message->kind = kinds[i % 3];
    message->dataset = "many";
    message->nitems = 0;
}

static void render_everywhere(const struct vg_message *message, int i, struct vg_arena *arena)
{
    bool all = i % 400 == 0 || getenv("HOSTILE_EVERYWHERE");
    for (size_t r = 0; r < RECEIVERS; r++) {
        const struct vg_receiver *receiver = &receivers[r];
        bool fits = !message->gathered || vg_sink_of(receiver->kind)->gathers;
        /* each receiver meets each kind of message, each step of it, and the largest of them */
        if (fits && (all || (size_t)i % RECEIVERS == r))
            render(receiver, message, (i / RECEIVERS + (int)r) % 4, arena);
    }
}

static void test_ten_thousand_hostile_messages(void **state)
{
    (void)state;
    uint64_t seed = 20010612;
    for (int i = 0; i < MESSAGES; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item items[MOST_ITEMS];
        struct vg_message message;
        make_message(i, &seed, &message, items, arena);
        render_everywhere(&message, i, arena);
        vg_arena_free(arena);
    }
}

static void test_hostile_digests(void **state)
{
    (void)state;
    uint64_t seed = 20010613;
    int digests = MESSAGES / (getenv("HOSTILE_EVERYWHERE") ? MOST_LINES / 2 : 2 * MOST_LINES);
    for (int i = 0; i < digests; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item items[MOST_ITEMS];
        struct vg_message message;
        make_message(i, &seed, &message, items, arena);
        gather(i, &seed, &message, arena);
        render_everywhere(&message, i, arena);
        vg_arena_free(arena);
    }
}

/* A character of four bytes at every place where a text could be cut. */
static void test_the_cutting_edge(void **state)
{
    (void)state;
    static const char *const fillers[] = {"\xf0\x9f\x92\xa9", "\xe2\x82\xac", "<", "@", "\\", "\""};
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; f++) {
        size_t n = strlen(fillers[f]);
        for (size_t shift = 0; shift < 4; shift++) {
            struct vg_arena *arena = vg_arena_new();
            struct vg_message_item items[MOST_ITEMS];
            struct vg_message message = kit_message(&items[0]);
            char *lots = vg_arena_alloc(arena, LONG + 1 + shift);
            memset(lots, 'x', shift);
            for (size_t i = 0; i < LONG / n * n; i++)
                lots[shift + i] = fillers[f][i % n];
            size_t nitems = shift ? 2 : LONG_ITEMS; /* for speed */
            for (size_t i = 0; i < nitems; i++) {
                items[i] = kit_item();
                items[i].rule = items[i].check = items[i].column = items[i].why = lots;
                items[i].description = lots;
            }
            message.nitems = nitems;
            message.dataset = message.table = message.owner = message.impact = lots;
            message.retraining = lots;
            message.kind = shift % 2 ? VG_MSG_RESOLVE : VG_MSG_OPEN;
            message.url = vg_arena_printf(arena, "https://x.test/%.400s", lots);
            for (size_t r = 0; r < RECEIVERS; r++)
                render(&receivers[r], &message, 0, arena);
            vg_arena_free(arena);
        }
    }
}

/* Why no retraining was asked for is told to its end, of a model with a long name, too. */
static void test_the_longest_reason(void **state)
{
    enum { REASON = 250 }; /* as agent/loop/cycle_ends.c cuts it */
    (void)state;
    char text[400];
    int n = snprintf(text, sizeof text, "retraining of %060d: was not asked for: ", 0);
    memset(text + n, 'x', REASON);
    snprintf(text + n + REASON - 3, sizeof "END", "END");
    size_t found = 0;
    for (size_t r = 0; r < RECEIVERS; r++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        const struct vg_sink_in in = {
            .receiver = &receivers[r], .message = &message, .now_us = message.at_us};
        message.kind = VG_MSG_RESOLVE;
        message.retraining = text;
        enum vg_receiver_kind kind = receivers[r].kind;
        if (kind == VG_RECEIVER_SLACK || kind == VG_RECEIVER_TEAMS || kind == VG_RECEIVER_DISCORD) {
            json_t *body = kit_render_in(&in, arena, &request);
            char *dump = json_dumps(body, 0);
            assert_non_null(strstr(dump, "xEND"));
            free(dump);
            json_decref(body);
            found++;
        }
        vg_arena_free(arena);
    }
    assert_true(found >= 3);
}

static void test_none_is_left_out(void **state)
{
    (void)state;
    for (int kind = 0; kind < VG_RECEIVER_KINDS; kind++) {
        size_t found = 0;
        for (size_t r = 0; r < RECEIVERS; r++)
            found += receivers[r].kind == (enum vg_receiver_kind)kind;
        if (!found)
            fail_msg("%s is not tried", vg_sink_of((enum vg_receiver_kind)kind)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_is_left_out),
        cmocka_unit_test(test_ten_thousand_hostile_messages),
        cmocka_unit_test(test_hostile_digests),
        cmocka_unit_test(test_the_cutting_edge),
        cmocka_unit_test(test_the_longest_reason),
    };
    return cmocka_run_group_tests_name("receivers", tests, NULL, NULL);
}
