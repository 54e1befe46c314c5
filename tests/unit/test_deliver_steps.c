/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the delivery engine with receivers that need more than one request (agent/deliver):
 * steps, kept answers, what was kept and holds no more, and what is told again while it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/deliver/deliver.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define NOW   (KIT_JUNE_12 + VG_DAY_US)
#define POSTS "chat.postMessage"
#define EDITS "chat.update"
static const char said[] = "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2\"}";
static const char gone[] = "{\"ok\":false,\"error\":\"message_not_found\"}";

static struct vg_receiver receivers[] = {
    {.name = "bot",
     .kind = VG_RECEIVER_SLACK,
     .channel = "C1",
     .endpoint = {.url = "https://slack.test/api"}},
    {.name = "am", .kind = VG_RECEIVER_ALERTMANAGER, .endpoint = {.url = "https://am.test"}},
};
static struct vg_config config = {.receivers = receivers, .nreceivers = 2};

static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;

static int set_up(void **state)
{
    struct vg_error err = {0};
    (void)state;
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(&store, 0, sizeof store);
    fake_http_init(&http);
    fake_clock_init(&fake_clock, NOW);
    arena = vg_arena_new();
    return vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err);
}

static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open;
}

static int64_t put(const char *sink, enum vg_message_kind kind)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    const char *body;
    message.kind = kind;
    assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
    return put_row(VG_SINK_RECEIVER, sink, KIT_KEY, kind, body);
}

static void answer(const char *part, int times, const char *body)
{
    fake_http_rule(&http, part, times, 200, 0);
    http.rules[http.nrules - 1].body = body;
}

static void drain(int64_t now_us)
{
    struct vg_error err = {0};
    fake_clock.now_us = now_us;
    if (vg_deliver_drain(engine, now_us, &err) < 0)
        fail_msg("not drained: %s", err.msg);
}

/* The row of the later message knows what was answered to the first. */
static void follow(int64_t first, int64_t later)
{
    memcpy(store.rows[later - 1].kept, store.rows[first - 1].kept, sizeof store.rows[0].kept);
    store.rows[later - 1].row.kept = store.rows[later - 1].kept;
}

static void test_one_message_of_two_requests(void **state)
{
    (void)state;
    answer("slack.test", -1, said);
    int64_t first = put("bot", VG_MSG_OPEN);
    drain(NOW);
    assert_string_equal(store.rows[0].kept, "C1 1.2");
    int64_t end = put("bot", VG_MSG_RESOLVE);
    follow(first, end);
    drain(NOW + VG_HOUR_US);
    assert_int_equal(state_of(end), FAKE_SENT);
    assert_int_equal(http.n, 3);
    assert_non_null(strstr(http.requests[1].url, EDITS));
    assert_non_null(strstr(http.requests[1].body, "\"ts\":\"1.2\""));
    assert_non_null(strstr(http.requests[2].url, POSTS));
    assert_non_null(strstr(http.requests[2].body, "\"thread_ts\":\"1.2\""));
    struct vg_deliver_count counts[4];
    vg_deliver_counts(engine, counts, 4);
    assert_int_equal(counts[0].sent, 2); /* messages, not requests */
}

/* A step that fails is tried again; what was done before is not. */
static void test_a_step_is_done_once(void **state)
{
    (void)state;
    fake_http_rule(&http, POSTS, 3, 503, 0);
    answer("slack.test", -1, said);
    int64_t end = put("bot", VG_MSG_RESOLVE);
    snprintf(store.rows[0].kept, sizeof store.rows[0].kept, "C1 1.2");
    store.rows[0].row.kept = store.rows[0].kept;
    for (int i = 0; i < 6; i++)
        drain(NOW + i * VG_HOUR_US);
    assert_int_equal(state_of(end), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, EDITS), 1);
    assert_int_equal(fake_http_count(&http, POSTS), 4);
}

static void test_what_was_kept_holds_no_more(void **state)
{
    (void)state;
    answer(EDITS, 1, gone);
    answer("slack.test", -1, said);
    int64_t end = put("bot", VG_MSG_RESOLVE);
    snprintf(store.rows[0].kept, sizeof store.rows[0].kept, "C1 0.9");
    store.rows[0].row.kept = store.rows[0].kept;
    drain(NOW);
    assert_int_equal(state_of(end), FAKE_WAITING);
    assert_null(store.rows[0].row.kept);
    drain(NOW + VG_HOUR_US);
    assert_int_equal(state_of(end), FAKE_SENT);
    assert_int_equal(http.n, 2);
    assert_null(strstr(http.requests[1].body, "thread_ts"));
    assert_string_equal(store.rows[0].kept, "C1 1.2");
}

static void test_what_stands_is_told_again(void **state)
{
    (void)state;
    struct vg_deliver_count counts[4];
    put("am", VG_MSG_OPEN);
    for (int i = 0; i < 5; i++) {
        drain(NOW + i * VG_MINUTE_US);
        assert_int_equal(http.n, i + 1);
        drain(NOW + (i + 1) * VG_MINUTE_US - 1);
        assert_int_equal(http.n, i + 1);
    }
    assert_true(store.rows[0].row.standing);
    assert_non_null(strstr(http.requests[4].body, "\"endsAt\":\"2001-06-13T00:08:00Z\""));
    vg_deliver_counts(engine, counts, 4);
    assert_int_equal(counts[1].sent, 1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_one_message_of_two_requests),
        WITH(test_a_step_is_done_once),
        WITH(test_what_was_kept_holds_no_more),
        WITH(test_what_stands_is_told_again),
    };
    return cmocka_run_group_tests_name("deliver_steps", tests, NULL, NULL);
}
