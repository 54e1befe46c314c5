/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery over lines that fail: the engine with the real HTTP client and the real outbox, against
 * the strict receiver through the TCP proxy of tests/receivers/proxy.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "agent/deliver/deliver.h"
#include "agent/http/http.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/receiver_kit.h"
#include "tests/unit/store_fixture.h"

#define TIMEOUT_US (VG_US / 2)
enum { MOST = 24, INCIDENTS = 3, STEPS = 3, GOOD = 20 };

/* A line. "times" of its fault is 2: the first two requests of its receiver suffer. */
static const struct line {
    const char *name, *fault;
    enum { PASSES, LOST, TAKEN } what; /* of the request: no harm, not arrived, answer lost */
} lines[] = {
    {"delay-up", "{\"fault\": \"delay\", \"way\": \"up\", \"seconds\": 0.1, \"times\": 2}", PASSES},
    {"delay-down", "{\"fault\": \"delay\", \"seconds\": 0.1, \"times\": 2}", PASSES},
    {"late-answer", "{\"fault\": \"delay\", \"seconds\": 1.5, \"times\": 2}", TAKEN},
    {"reset-at-once", "{\"fault\": \"reset\", \"way\": \"up\", \"after\": 0, \"times\": 2}", LOST},
    {"reset-in-head", "{\"fault\": \"reset\", \"way\": \"up\", \"after\": 40, \"times\": 2}", LOST},
    {"reset-in-body", "{\"fault\": \"reset\", \"way\": \"up\", \"after\": 500, \"times\": 2}",
     LOST},
    {"reset-answer", "{\"fault\": \"reset\", \"after\": 0, \"times\": 2}", TAKEN},
    {"reset-status", "{\"fault\": \"reset\", \"after\": 11, \"times\": 2}", TAKEN},
    {"cut-in-body", "{\"fault\": \"cut\", \"way\": \"up\", \"after\": 500, \"times\": 2}", LOST},
    {"cut-answer", "{\"fault\": \"cut\", \"after\": 0, \"times\": 2}", TAKEN},
    {"cut-status", "{\"fault\": \"cut\", \"after\": 11, \"times\": 2}", TAKEN},
    {"cut-after-head", "{\"fault\": \"cut\", \"after\": 60, \"times\": 2}", PASSES},
    {"half-open", "{\"fault\": \"half-open\", \"times\": 2}", LOST},
    {"stall-up", "{\"fault\": \"stall\", \"way\": \"up\", \"after\": 300, \"times\": 2}", LOST},
    {"stall-down", "{\"fault\": \"stall\", \"after\": 5, \"times\": 2}", TAKEN},
    {"slow-up", "{\"fault\": \"slow\", \"way\": \"up\", \"seconds\": 1, \"times\": 2}", LOST},
    {"slow-down", "{\"fault\": \"slow\", \"seconds\": 1, \"times\": 2}", TAKEN},
    {"garbage", "{\"fault\": \"garbage\", \"times\": 2}", TAKEN},
};
enum { LINES = sizeof lines / sizeof lines[0], SUFFER = 2 };

struct outcomes {
    int delivered, failed;
    double first_s; /* when the first request had its outcome */
};

static struct world {
    struct kit_receiver receiver, proxy;
    struct vg_http *http, *asking;
    struct vg_clock *clock;
    struct vg_deliver *engine;
    int ports[MOST];
    char urls[MOST][64], key_path[200];
    struct vg_receiver receivers[MOST];
    struct vg_config config;
    double begun_s;
} world;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct outcomes outcomes[MOST];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void on_notified(void *arg, enum vg_sink_kind kind, const char *sink,
                        enum vg_outcome outcome)
{
    (void)arg;
    (void)kind;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < world.config.nreceivers; i++) {
        if (strcmp(world.receivers[i].name, sink) != 0)
            continue;
        if (!outcomes[i].delivered && !outcomes[i].failed)
            outcomes[i].first_s = now_s() - world.begun_s;
        outcomes[i].delivered += outcome == VG_DELIVERED;
        outcomes[i].failed += outcome != VG_DELIVERED;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int count_of(size_t i, bool failed)
{
    return failed ? outcomes[i].failed : outcomes[i].delivered;
}

/* Waits, at most 30 s, until each of receivers from .. to - 1 has had so many. */
static void await(size_t from, size_t to, bool failed, int n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&lock);
    for (size_t i = from; i < to; i++) {
        int late = 0;
        while (count_of(i, failed) < n && !late)
            late = pthread_cond_timedwait(&changed, &lock, &until);
        int had = count_of(i, failed);
        if (had < n) {
            pthread_mutex_unlock(&lock);
            fail_msg("%s: %d of %d %s", world.receivers[i].name, had, n,
                     failed ? "failed" : "delivered");
        }
    }
    pthread_mutex_unlock(&lock);
}

static void await_delivered(size_t from, size_t to, int n)
{
    await(from, to, false, n);
}

static double small_share(void *arg)
{
    (void)arg;
    return 0.05; /* of the back-off, so that a test need not last */
}

static void add_receiver(const char *name, int port, int64_t timeout_us)
{
    size_t i = world.config.nreceivers++;
    assert_true(i < MOST);
    snprintf(world.urls[i], sizeof world.urls[i], "http://127.0.0.1:%d/v2/enqueue", port);
    world.receivers[i] =
        (struct vg_receiver){.name = name,
                             .kind = VG_RECEIVER_PAGERDUTY,
                             .endpoint = {.url = world.urls[i], .timeout_us = timeout_us},
                             .routing_key_file = world.key_path};
}

static int set_up(void **state)
{
    if (fixture_setup(state))
        return -1;
    struct fixture *f = *state;
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(outcomes, 0, sizeof outcomes);
    world = (struct world){.config = {.name = "prod", .receivers = world.receivers}};
    snprintf(world.key_path, sizeof world.key_path, "%s/routing-key", f->dir);
    fixture_write(world.key_path, "0123456789abcdef0123456789abcdef\n", 33);
    kit_start(&world.receiver, NULL);
    MUST(f, vg_http_new(&world.http, &f->err));
    MUST(f, vg_http_new(&world.asking, &f->err));
    MUST(f, vg_clock_real(&world.clock, &f->err));
    return 0;
}

static int tear_down(void **state)
{
    vg_deliver_free(world.engine);
    world.http->ops->free(world.http);
    world.asking->ops->free(world.asking);
    vg_clock_free(world.clock);
    kit_stop(&world.proxy);
    kit_stop(&world.receiver);
    return fixture_teardown(state);
}

static void put(struct fixture *f, const char *sink, const char *key, enum vg_message_kind kind)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    int64_t now_us = world.clock->ops->now_us(world.clock);
    struct vg_outgoing row = {.sink_kind = VG_SINK_RECEIVER,
                              .sink = sink,
                              .kind = kind,
                              .created_us = now_us,
                              .next_us = now_us};
    message.kind = kind;
    snprintf(message.key, VG_KEY_SIZE, "%s", key);
    memcpy(row.key, message.key, VG_KEY_SIZE);
    MUST(f, vg_message_write(&message, f->arena, &row.body, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

static void start_engine(struct fixture *f)
{
    const struct vg_deliver_hooks hooks = {.notified = on_notified};
    MUST(f,
         vg_deliver_new(f->store, world.http, world.clock, &world.config, &world.engine, &f->err));
    vg_deliver_hooks(world.engine, &hooks);
    vg_deliver_random(world.engine, small_share, NULL);
    world.begun_s = now_s();
    MUST(f, vg_deliver_start(world.engine, &f->err));
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* What the receiver holds of a line's incidents: how many triggers it took. */
static int check_incidents(const json_t *pager, const char *line)
{
    int triggers = 0;
    for (int i = 0; i < INCIDENTS; i++) {
        char path[100];
        snprintf(path, sizeof path, "incidents/%s-%d", line, i);
        const json_t *one = kit_at(pager, path);
        assert_int_equal(json_integer_value(kit_at(one, "opened")), 1);
        assert_true(json_is_false(kit_at(one, "open")));
        assert_int_equal(json_integer_value(kit_at(one, "resolves")), 1);
        triggers += (int)json_integer_value(kit_at(one, "triggers"));
    }
    return triggers;
}

static void check_line(const json_t *pager, size_t i)
{
    const struct line *line = &lines[i];
    int repeated = line->what == TAKEN ? SUFFER : 0, failed = line->what == PASSES ? 0 : SUFFER;
    int triggers = check_incidents(pager, line->name);
    if (triggers != 2 * INCIDENTS + repeated || outcomes[i].failed != failed)
        fail_msg("%s: %d triggers, %d failures", line->name, triggers, outcomes[i].failed);
    double late_s = outcomes[i].first_s - (double)TIMEOUT_US / 1e6;
    if (late_s > 1)
        fail_msg("%s: the first outcome %.2f s after its time", line->name, late_s);
}

static void test_nothing_is_lost_on_faulty_lines(void **state)
{
    struct fixture *f = *state;
    static const enum vg_message_kind steps[STEPS] = {VG_MSG_OPEN, VG_MSG_UPDATE, VG_MSG_RESOLVE};
    const char *faults[LINES];
    for (size_t i = 0; i < LINES; i++)
        faults[i] = lines[i].fault;
    kit_start_proxy(&world.proxy, &world.receiver, faults, LINES, world.ports);
    for (size_t i = 0; i < LINES; i++) {
        add_receiver(lines[i].name, world.ports[i], TIMEOUT_US);
        for (int k = 0; k < INCIDENTS * STEPS; k++) {
            char key[VG_KEY_SIZE];
            snprintf(key, sizeof key, "%s-%d", lines[i].name, k / STEPS);
            put(f, lines[i].name, key, steps[k % STEPS]);
        }
    }
    start_engine(f); /* which takes what waits for sent before, so that no pair is let go of */
    await_delivered(0, LINES, INCIDENTS * STEPS);
    double took_s = now_s() - world.begun_s;
    vg_deliver_stop(world.engine);
    json_t *pager = kit_ask(world.asking, &world.receiver, "/state/pagerduty");
    assert_int_equal(json_array_size(kit_at(pager, "reopened")), 0);
    assert_int_equal(json_array_size(kit_at(pager, "refused")), 0);
    assert_int_equal(json_integer_value(kit_at(pager, "resolves_without_trigger")), 0);
    assert_int_equal(json_object_size(kit_at(pager, "incidents")), LINES * INCIDENTS);
    for (size_t i = 0; i < LINES; i++)
        check_line(pager, i);
    json_decref(pager);
    print_message("%d messages over %d faulty lines: 0 lost, 0 out of order, %.1f s\n",
                  LINES * INCIDENTS * STEPS, LINES, took_s);
}

/* --- Dead receivers --------------------------------------------------------------------------- */

/* For each of them hundreds of messages more. */
static void put_backlog(struct fixture *f)
{
    fixture_exec(f->store,
                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
                 " INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us,"
                 " attempts, last_error, state, bytes) SELECT o.sink_kind, o.sink,"
                 " printf('%s-more-%d', o.key, n.i), o.kind, o.body, o.created_us, o.next_us, 0,"
                 " NULL, 0, o.bytes FROM outbox AS o, n WHERE o.key LIKE 'dead-%-0'");
}

/* In the place of the resolver's: one name server is dead. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && !strcmp(node, "dead-dns.test")) {
        nanosleep(&(struct timespec){.tv_sec = 4}, NULL);
        return EAI_AGAIN;
    }
    memcpy(&real, &found, sizeof real);
    return real(node, service, hints, out);
}

/* Receivers that are dead in different ways; their time is short, so that each of them comes to
 * its end several times while the messages to another one are measured. Thousands of messages wait
 * for them. */
static void test_dead_receivers_delay_no_other(void **state)
{
    struct fixture *f = *state;
    static const char *const faults[] = {
        "{\"fault\": \"half-open\"}",
        "{\"fault\": \"half-open\"}",
        "{\"fault\": \"stall\", \"way\": \"up\", \"after\": 100}",
        "{\"fault\": \"slow\", \"seconds\": 1}",
        "{\"fault\": \"reset\", \"way\": \"up\", \"after\": 0}",
    };
    enum { LINE = sizeof faults / sizeof faults[0], DEAD, FAILURES = 4 };
    double worst_s = 0;
    kit_start_proxy(&world.proxy, &world.receiver, faults, LINE, world.ports);
    for (size_t i = 0; i < DEAD; i++) {
        const char *name = vg_arena_printf(f->arena, "dead-%zu", i);
        add_receiver(name, i < LINE ? world.ports[i] : 1, TIMEOUT_US);
        put(f, name, vg_arena_printf(f->arena, "%s-0", name), VG_MSG_OPEN);
    }
    world.receivers[LINE].endpoint.url = "http://dead-dns.test/v2/enqueue";
    world.receivers[LINE].endpoint.insecure_http = true;
    put_backlog(f);
    fixture_exec(f->store, "PRAGMA synchronous=OFF"); /* not the disk is measured */
    add_receiver("good", world.receiver.port, 0);
    start_engine(f);
    for (int k = 0; k < GOOD; k++) {
        await(0, DEAD, true, k * FAILURES / GOOD);
        double begun_s = now_s();
        put(f, "good", vg_arena_printf(f->arena, "good-%d", k), VG_MSG_OPEN);
        vg_deliver_wake(world.engine);
        await_delivered(DEAD, DEAD + 1, k + 1);
        double took_s = now_s() - begun_s;
        worst_s = took_s > worst_s ? took_s : worst_s;
    }
    assert_int_equal(outcomes[DEAD].failed, 0);
    for (size_t i = 0; i < DEAD; i++)
        assert_int_equal(outcomes[i].delivered, 0);
    print_message("%d messages beside %d dead receivers with %d messages: at most %.0f ms each\n",
                  GOOD, DEAD, (int)fixture_int(f->store, "SELECT count(*) FROM outbox") - GOOD,
                  worst_s * 1e3);
    assert_true(worst_s <= 1.0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_nothing_is_lost_on_faulty_lines),
        WITH(test_dead_receivers_delay_no_other),
    };
    return cmocka_run_group_tests_name("delivery_faults", tests, NULL, NULL);
}
