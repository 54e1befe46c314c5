/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of pushes (agent/deliver/push.c) and of the delivery thread
 * (agent/deliver/deliver.c), with a scripted HTTP client and an outbox in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "agent/deliver/deliver.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define NOW     (KIT_JUNE_12 + VG_DAY_US)
#define GATEWAY "http://127.0.0.1:9091/metrics/job/pgvigil"

static struct vg_receiver receivers[] = {
    {.name = "audit", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://audit.test/hook"}},
    {.name = "ops", .kind = VG_RECEIVER_SLACK, .endpoint = {.url = "https://slack.test/T"}},
};
static const struct vg_pair gateway_headers[] = {{"X-Scope", "ml"}};
static struct vg_config config = {
    .receivers = receivers,
    .nreceivers = 2,
    .push_url = "http://127.0.0.1:9091",
    .push = {.headers = gateway_headers, .nheaders = 1},
};

static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;
static struct {
    int n, status[20];
    char url[20][100], method[20][10];
    const char *then; /* a URL to be pushed to from within, once */
} pushed;

static double half(void *arg)
{
    (void)arg;
    return 0.5;
}

static void on_pushed(void *arg, const char *url, const char *method,
                      const struct vg_response *response, int64_t now_us)
{
    struct vg_deliver **deliver = arg;
    const char *then = pushed.then;
    (void)now_us;
    if (pushed.n < 20) {
        pushed.status[pushed.n] = response->status;
        snprintf(pushed.url[pushed.n], sizeof pushed.url[0], "%s", url);
        snprintf(pushed.method[pushed.n++], sizeof pushed.method[0], "%s", method);
    }
    pushed.then = NULL;
    if (then && vg_deliver_push(*deliver, then, "POST", strdup("part 1\n"), 7) < 0)
        pushed.n = 1000;
}

static int set_up(void **state)
{
    struct vg_error err = {0};
    const struct vg_deliver_hooks hooks = {.arg = &engine, .pushed = on_pushed};
    (void)state;
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(&store, 0, sizeof store);
    memset(&pushed, 0, sizeof pushed);
    fake_http_init(&http);
    fake_clock_init(&fake_clock, NOW);
    arena = vg_arena_new();
    int rc = vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err);
    if (!rc) {
        vg_deliver_hooks(engine, &hooks);
        vg_deliver_random(engine, half, NULL);
    }
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open || store.unordered;
}

static void push(const char *url, const char *method, const char *body)
{
    char *own = body ? strdup(body) : NULL;
    assert_int_equal(vg_deliver_push(engine, url, method, own, body ? strlen(body) : 0), 0);
}

static void drain(int64_t now_us)
{
    struct vg_error err = {0};
    if (vg_deliver_drain(engine, now_us, &err) < 0)
        fail_msg("%s", err.msg);
}

static void expect_counts(uint64_t ok, uint64_t failed)
{
    struct vg_deliver_push_count count = vg_deliver_push_counts(engine);
    assert_int_equal(count.ok, ok);
    assert_int_equal(count.failed, failed);
}

/* --- Pushes ----------------------------------------------------------------------------------- */

static void test_the_last_of_a_group_is_sent(void **state)
{
    (void)state;
    push(GATEWAY "/a", "PUT", "m 1\n");
    push(GATEWAY "/b", "PUT", "m 2\n");
    push(GATEWAY "/a", "PUT", "m 3\n");
    push(GATEWAY "/c", "DELETE", NULL);
    drain(NOW);
    assert_int_equal(http.n, 3);
    const struct fake_request *a = fake_http_nth(&http, "/a", 0),
                              *c = fake_http_nth(&http, "/c", 0);
    assert_string_equal(a->method, "PUT");
    assert_string_equal(a->body, "m 3\n");
    assert_string_equal(a->type, "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(c->method, "DELETE");
    assert_null(c->body);
    assert_string_equal(c->type, "");
    expect_counts(3, 0);
    assert_int_equal(pushed.n, 3);
    drain(NOW + VG_HOUR_US);
    assert_int_equal(http.n, 3);
}

static void test_a_refused_body_is_not_sent_again(void **state)
{
    (void)state;
    fake_http_rule(&http, "/a", 1, 400, 0);
    push(GATEWAY "/a", "PUT", "bad");
    pushed.then = GATEWAY "/a"; /* the answer is answered with a part of it */
    drain(NOW);
    assert_int_equal(http.n, 2);
    assert_string_equal(fake_http_nth(&http, "/a", 1)->body, "part 1\n");
    assert_string_equal(fake_http_nth(&http, "/a", 1)->method, "POST");
    assert_int_equal(pushed.status[0], 400);
    assert_string_equal(pushed.method[0], "PUT");
    assert_string_equal(pushed.url[1], GATEWAY "/a");
    assert_string_equal(pushed.method[1], "POST");
    drain(NOW + VG_HOUR_US);
    assert_int_equal(http.n, 2);
    expect_counts(1, 1);
}

static void test_a_silent_gateway_is_probed_and_served_when_back(void **state)
{
    (void)state;
    fake_http_rule(&http, GATEWAY, -1, 0, 0);
    for (int i = 0; i < 10; i++)
        push(vg_arena_printf(arena, GATEWAY "/g%d", i), "PUT", "old\n");
    int64_t now_us = NOW;
    drain(now_us);
    size_t first = http.n;
    assert_true(first <= 4); /* those that were under way together */
    drain(now_us);
    assert_int_equal(http.n, first);
    for (int i = 0; i < 10; i++) {
        now_us += VG_MINUTE_US;
        drain(now_us);
        assert_int_equal(http.n, first + (size_t)i + 1); /* one probe at a time */
    }
    push(GATEWAY "/g9", "PUT", "new\n");
    http.rules[0].times = 0;
    drain(now_us + VG_MINUTE_US);
    expect_counts(10, first + 10);
    assert_string_equal(fake_http_nth(&http, "/g9", 0)->body, "new\n");
    size_t sent = http.n;
    drain(now_us + VG_HOUR_US);
    assert_int_equal(http.n, sent);
}

/* Not by the good answers to requests that were under way beside the one that was refused, nor by
 * a refusal that asks for nothing. */
static void test_a_gateway_that_asks_for_silence(void **state)
{
    (void)state;
    fake_http_rule(&http, "/a", 1, 429, VG_MINUTE_US);
    fake_http_rule(&http, "/b", 1, 503, 0);
    for (char name = 'a'; name < 'e'; name++)
        push(vg_arena_printf(arena, GATEWAY "/%c", name), "PUT", "m 1\n");
    drain(NOW);
    assert_int_equal(http.n, 4);
    expect_counts(2, 2);
    push(GATEWAY "/c", "PUT", "m 2\n");
    for (int s = 0; s < 60; s++)
        drain(NOW + s * VG_US);
    assert_int_equal(http.n, 4);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(http.n, 7);
    expect_counts(5, 2);
}

static void test_another_gateway_forgets_what_waits(void **state)
{
    (void)state;
    struct vg_config other = config;
    other.push_url = "http://127.0.0.1:9999";
    push(GATEWAY "/a", "PUT", "m 1\n");
    assert_int_equal(vg_deliver_reload(engine, &other, NULL), 0);
    push("http://127.0.0.1:9999/metrics/job/x", "PUT", "m 1\n");
    drain(NOW);
    assert_int_equal(http.n, 1);
    assert_int_equal(fake_http_count(&http, "9999"), 1);
    push("http://127.0.0.1:9999/metrics/job/x", "PUT", "m 1\n");
    assert_int_equal(vg_deliver_reload(engine, &other, NULL), 0); /* the same one keeps it */
    drain(NOW);
    assert_int_equal(http.n, 2);
    assert_int_equal(vg_deliver_reload(engine, &config, NULL), 0);
}

/* Headers and token are those of the gateway that a request goes to, whenever it was asked for. */
static void test_rights_stay_with_their_gateway(void **state)
{
    (void)state;
    static const struct vg_pair new_headers[] = {{"X-Scope", "new"}};
    struct vg_config other = config, none = config;
    other.push_url = "http://127.0.0.1:9999/base/";
    other.push = (struct vg_endpoint){.headers = new_headers, .nheaders = 1};
    none.push_url = NULL;
    none.push = (struct vg_endpoint){0};
    assert_int_equal(vg_deliver_reload(engine, &other, NULL), 0);
    push(GATEWAY "/former", "DELETE", NULL);
    push("http://127.0.0.1:9999/base/metrics/job/j/own", "PUT", "m 1\n");
    push("http://127.0.0.1:9999/basement/metrics/job/j/stranger", "DELETE", NULL);
    drain(NOW);
    drain(NOW);
    assert_int_equal(http.n, 3);
    assert_string_equal(fake_http_nth(&http, "/former", 0)->scope, "ml");
    assert_string_equal(fake_http_nth(&http, "/own", 0)->scope, "new");
    assert_string_equal(fake_http_nth(&http, "/stranger", 0)->scope, "");
    assert_int_equal(vg_deliver_reload(engine, &none, NULL), 0);
    push(GATEWAY "/former", "DELETE", NULL);
    push("http://127.0.0.1:9999/base/metrics/job/j/own", "DELETE", NULL);
    drain(NOW);
    drain(NOW);
    assert_string_equal(fake_http_nth(&http, "/former", 1)->scope, "ml");
    assert_string_equal(fake_http_nth(&http, "/own", 1)->scope, "new");
    assert_int_equal(vg_deliver_reload(engine, &config, NULL), 0);
}

/* A gateway that was given up may be dead; the one in force is not held up by it. */
static void test_a_dead_former_gateway(void **state)
{
    (void)state;
    struct vg_config other = config;
    other.push_url = "http://127.0.0.1:9999";
    assert_int_equal(vg_deliver_reload(engine, &other, NULL), 0);
    fake_http_rule(&http, GATEWAY, -1, 0, 0);
    push(GATEWAY "/a", "DELETE", NULL);
    push(GATEWAY "/b", "DELETE", NULL);
    push("http://127.0.0.1:9999/metrics/job/x", "PUT", "m 1\n");
    for (int i = 0; i < 10; i++)
        drain(NOW);
    assert_int_equal(fake_http_count(&http, "9999"), 1);
    assert_int_equal(fake_http_count(&http, GATEWAY), 2); /* once each */
    push("http://127.0.0.1:9999/metrics/job/x", "PUT", "m 2\n");
    drain(NOW);
    assert_int_equal(fake_http_count(&http, "9999"), 2); /* at once */
    assert_int_equal(vg_deliver_reload(engine, &config, NULL), 0);
}

/* --- The thread ------------------------------------------------------------------------------- */

static int64_t put_message(const char *sink, const char *key)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    const char *body;
    assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
    return put_row(VG_SINK_RECEIVER, sink, key, VG_MSG_OPEN, body);
}

/* Waits, at most 20 s, until a row has this state. */
static void await_state(int64_t id, enum fake_state state)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&store_lock);
    int late = 0;
    while (store.rows[id - 1].state != state && !late)
        late = pthread_cond_timedwait(&store_changed, &store_lock, &until);
    pthread_mutex_unlock(&store_lock);
    assert_int_equal(state_of(id), state);
}

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void test_the_thread_delivers_what_it_is_told_of(void **state)
{
    (void)state;
    int64_t before = put_message("audit", "k0");
    assert_int_equal(vg_deliver_start(engine, NULL), 0);
    await_state(before, FAKE_SENT);
    for (int i = 0; i < 20; i++) {
        int64_t id = put_message("audit", vg_arena_printf(arena, "k%d", i));
        vg_deliver_wake(engine);
        await_state(id, FAKE_SENT);
    }
    push(GATEWAY "/a", "PUT", "m 1\n");
    assert_true(fake_http_await(&http, GATEWAY, 1));
    double begun = monotonic_s();
    vg_deliver_stop(engine);
    assert_true(monotonic_s() - begun < 1.5);
    assert_int_equal(http.most_at_once, 1);
}

static void test_a_hanging_receiver_delays_no_other(void **state)
{
    (void)state;
    fake_http_rule(&http, "slack", -1, FAKE_HANGS, 0);
    int64_t hangs = put_message("ops", "k0"), last = 0;
    for (int i = 0; i < 50; i++)
        last = put_message("audit", vg_arena_printf(arena, "k%d", i));
    assert_int_equal(vg_deliver_start(engine, NULL), 0);
    assert_true(fake_http_await(&http, "slack", 1));
    await_state(last, FAKE_SENT);
    assert_int_equal(state_of(hangs), FAKE_WAITING);
    double begun = monotonic_s();
    vg_deliver_stop(engine); /* gives it 2 s */
    assert_true(monotonic_s() - begun < 4);
    assert_int_equal(state_of(hangs), FAKE_WAITING);
}

static void *stop(void *arg)
{
    vg_deliver_stop(arg);
    return NULL;
}

static void test_stop_waits_for_an_answer_under_way(void **state)
{
    (void)state;
    pthread_t thread;
    fake_http_rule(&http, "audit", -1, FAKE_HANGS, 0);
    int64_t id = put_message("audit", "k0");
    assert_int_equal(vg_deliver_start(engine, NULL), 0);
    assert_true(fake_http_await(&http, "audit", 1));
    assert_int_equal(pthread_create(&thread, NULL, stop, engine), 0);
    pthread_mutex_lock(&http.lock);
    http.rules[0].times = 0; /* now it answers */
    pthread_cond_broadcast(&http.changed);
    pthread_mutex_unlock(&http.lock);
    pthread_join(thread, NULL);
    assert_int_equal(state_of(id), FAKE_SENT);
}

static void test_the_pace_of_a_service_is_kept(void **state)
{
    (void)state;
    int64_t ids[8];
    for (int i = 0; i < 8; i++)
        ids[i] = put_message("ops", vg_arena_printf(arena, "k%d", i));
    int64_t other = put_message("audit", "k0");
    assert_int_equal(vg_deliver_start(engine, NULL), 0);
    await_state(ids[4], FAKE_SENT); /* a burst of five */
    await_state(other, FAKE_SENT);
    int64_t sign = put_message("audit", "k1");
    vg_deliver_wake(engine);
    await_state(sign, FAKE_SENT); /* a turn was taken, and not for the sixth */
    assert_int_equal(fake_http_count(&http, "slack"), 5);
    for (int i = 5; i < 8; i++) {
        fake_clock.now_us += VG_US;
        vg_deliver_wake(engine);
        await_state(ids[i], FAKE_SENT);
        assert_int_equal(fake_http_count(&http, "slack"), i + 1);
    }
    vg_deliver_stop(engine);
}

static void test_a_clock_set_back_holds_nothing_for_long(void **state)
{
    (void)state;
    fake_http_rule(&http, "audit", 1, 429, VG_HOUR_US);
    int64_t first = put_message("audit", "k0"), second = put_message("audit", "k1");
    drain(NOW);
    assert_int_equal(state_of(first), FAKE_WAITING);
    assert_int_equal(state_of(second), FAKE_WAITING);
    drain(NOW - VG_DAY_US); /* the receiver asked for an hour, by whatever clock */
    assert_int_equal(state_of(second), FAKE_WAITING);
    drain(NOW - VG_DAY_US + VG_HOUR_US + VG_US);
    assert_int_equal(state_of(second), FAKE_SENT);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_the_last_of_a_group_is_sent),
        WITH(test_a_refused_body_is_not_sent_again),
        WITH(test_a_silent_gateway_is_probed_and_served_when_back),
        WITH(test_a_gateway_that_asks_for_silence),
        WITH(test_another_gateway_forgets_what_waits),
        WITH(test_rights_stay_with_their_gateway),
        WITH(test_a_dead_former_gateway),
        WITH(test_the_thread_delivers_what_it_is_told_of),
        WITH(test_a_hanging_receiver_delays_no_other),
        WITH(test_stop_waits_for_an_answer_under_way),
        WITH(test_the_pace_of_a_service_is_kept),
        WITH(test_a_clock_set_back_holds_nothing_for_long),
    };
    return cmocka_run_group_tests_name("deliver_push", tests, NULL, NULL);
}
