/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for tests of messages of many incidents: receivers that gather and one that does
 * not, news for them, and the turns of the daemon's thread. To be included by one file of a
 * program, behind cmocka. */
#ifndef TESTS_UNIT_GATHER_WORLD_H
#define TESTS_UNIT_GATHER_WORLD_H

#include "agent/deliver/deliver.h"
#include "agent/deliver/parts.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define UNUSED __attribute__((unused))
#define NOW    (KIT_JUNE_12 + VG_DAY_US)
#define WITHIN (30 * VG_US)
UNUSED static const char said[] = "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2\"}";

#define GATHERS .digest = 5, .digest_within_us = WITHIN
static struct vg_receiver receivers[] = {
    {.name = "ops",
     .kind = VG_RECEIVER_TEAMS,
     .endpoint = {.url = "https://teams.test/"},
     .title = "{{dataset}}",
     GATHERS},
    {.name = "hook",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url = "https://hook.test/"},
     GATHERS},
    {.name = "bot",
     .kind = VG_RECEIVER_SLACK,
     .channel = "C1",
     .endpoint = {.url = "https://slack.test/api"},
     GATHERS},
};
static struct vg_config config = {.receivers = receivers, .nreceivers = 3};
static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;
static bool store_fails; /* turns may fail */

static double no_jitter(void *arg)
{
    (void)arg;
    return 0;
}

UNUSED static int set_up(void **state)
{
    struct vg_error err = {0};
    (void)state;
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(&store, 0, sizeof store);
    receivers[0].digest = receivers[2].digest = 5;
    store_fails = false;
    fake_http_init(&http);
    fake_clock_init(&fake_clock, NOW);
    arena = vg_arena_new();
    int rc = vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err);
    if (!rc)
        vg_deliver_random(engine, no_jitter, NULL);
    return rc;
}

UNUSED static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open || store.unordered;
}

/* Rows of incidents first, first + 1 ..., made at a time. */
UNUSED static void put_many(const char *sink, enum vg_message_kind kind, int first, int n,
                            int64_t at_us)
{
    for (int i = first; i < first + n; i++) {
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        const char *body;
        message.kind = kind;
        message.severity = i % 3 ? VG_SEVERITY_WARNING : VG_SEVERITY_CRITICAL;
        message.dataset = vg_arena_printf(arena, "table%02d", i);
        message.model = i % 2 ? "delay-model" : "fare-model";
        item.state = kind == VG_MSG_RESOLVE ? VG_ALERT_OK : item.state;
        snprintf(message.key, VG_KEY_SIZE, "%02dabcdefgh", i);
        assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
        struct vg_outgoing *row =
            &store.rows[put_row(VG_SINK_RECEIVER, sink, message.key, kind, body) - 1].row;
        row->severity = message.severity;
        row->created_us = row->next_us = at_us;
    }
}

UNUSED static void put_news(const char *sink, int first, int n, int64_t at_us)
{
    put_many(sink, VG_MSG_OPEN, first, n, at_us);
}

/* As many as may were sent singly just before, and these have waited long enough: they are told
 * together. */
UNUSED static void put_backlog(const char *sink, enum vg_message_kind kind, int first, int n,
                               int64_t at_us)
{
    for (struct vg_lane *lane = engine->lanes; lane; lane = lane->next) {
        for (int i = 0; i < VG_GATHER_SINGLES; i++)
            lane->singles[vg_gather_sort(kind)][i] = (struct vg_single){-1, at_us};
    }
    put_many(sink, kind, first, n, at_us - WITHIN);
}

/* What the daemon's thread does at a time, all answers included. Returns when it looks again. */
UNUSED static int64_t turn(int64_t now_us)
{
    struct vg_error err = {0};
    const struct vg_response *response;
    void *tag;
    int64_t again_us;
    engine->paced = true;
    fake_clock.now_us = now_us;
    for (;;) {
        if (vg_deliver_turn(engine, now_us, &again_us, &err) < 0 && !store_fails)
            fail_msg("%s", err.msg);
        if (!vg_deliver_under_way(engine))
            return again_us;
        if (http.port.ops->poll(&http.port, VG_US, &tag, &response))
            vg_deliver_answered(engine, tag, response, now_us);
    }
}

/* Turns every quarter of a second. */
UNUSED static void turn_for(int64_t from_us, int64_t us)
{
    for (int64_t at_us = from_us; at_us < from_us + us; at_us += VG_US / 4)
        turn(at_us);
}

UNUSED static const char *body_of(const char *url, size_t nth)
{
    const struct fake_request *request = fake_http_nth(&http, url, nth);
    assert_non_null(request);
    return request->body;
}

UNUSED static size_t count_left(void)
{
    size_t n = 0;
    for (size_t i = 0; i < store.n; i++)
        n += store.rows[i].state == FAKE_WAITING;
    return n;
}

#define ASSERT_SAYS(body, text)                                                                    \
    do {                                                                                           \
        if (!strstr(body, text))                                                                   \
            fail_msg("'%s' is not in %s", text, body);                                             \
    } while (0)

#endif
