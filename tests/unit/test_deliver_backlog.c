/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An hour's outage of a receiver in virtual time, and the backlog of a thousand messages after it:
 * the engine on the real outbox, with a clock that jumps from event to event and a receiver that
 * counts requests as strictly as the service it plays. Nothing here is left to chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/store_fixture.h"

#define BEGIN (KIT_JUNE_12 + VG_DAY_US)
enum { KEYS = 500, SOME = 2000, TOGETHER = 20 };
static const int64_t outage_us = VG_HOUR_US, latency_us = VG_US / 20, hang_us = 10 * VG_US;

/* How a service behaves. Its rate is a bucket that holds `burst` and gains `per_minute`, or, with
 * burst 0, so many in every minute of the clock. */
struct service {
    const char *name;
    enum vg_receiver_kind kind;
    int messages; /* of the backlog: two of every incident */
    int per_minute, burst;
    int outage_status;                    /* 0: no connection, -1: nothing is answered */
    int64_t outage_asks_us, busy_asks_us; /* Retry-After; 0: none, -1: the rest of the minute */
    int64_t most_us;                      /* the last is delivered so long after the outage */
    int most_busy;                        /* answers 429 */
};

struct sim {
    struct vg_http port;
    struct vg_clock clock;
    const struct service *service;
    int64_t now_us, due_us; /* due: of the answer under way */
    void *tag;
    struct vg_response response;
    int64_t silent_us; /* it has asked for silence until then */
    double tokens;
    int64_t filled_us, minute;
    int in_minute, inside, busy, requests, in_outage;
    int64_t asked_at_us[SOME]; /* requests in the outage */
    struct {
        char key[VG_KEY_SIZE];
        int opened, updated;
    } taken[KEYS];
    int ntaken, unordered;
    uint64_t seed;
};
static struct sim sim;

/* --- The receiver ----------------------------------------------------------------------------- */

static bool has_room(void)
{
    const struct service *service = sim.service;
    double rate = service->per_minute / 60e6;
    if (!service->burst) {
        bool same = sim.minute == sim.now_us / VG_MINUTE_US;
        sim.in_minute = same ? sim.in_minute + 1 : 1;
        sim.minute = sim.now_us / VG_MINUTE_US;
        return sim.in_minute <= service->per_minute;
    }
    sim.tokens += rate * (double)(sim.now_us - sim.filled_us);
    sim.tokens = sim.tokens < service->burst ? sim.tokens : service->burst;
    sim.filled_us = sim.now_us;
    sim.tokens -= sim.tokens >= 1 - 1e-9;
    return sim.tokens > -1e-9;
}

static void take(const struct vg_lane *lane)
{
    int i = 0;
    while (i < sim.ntaken && strcmp(sim.taken[i].key, lane->key) != 0)
        i++;
    assert_true(i < KEYS);
    sim.ntaken += i == sim.ntaken;
    memcpy(sim.taken[i].key, lane->key, VG_KEY_SIZE);
    bool open = lane->message == VG_MSG_OPEN;
    sim.unordered += open ? sim.taken[i].updated > 0 : !sim.taken[i].opened;
    sim.taken[i].opened += open;
    sim.taken[i].updated += !open;
}

static void answer(int status, int64_t after_us, int64_t asks_us)
{
    sim.response.status = status;
    sim.due_us = sim.now_us + after_us;
    int64_t rest_us = VG_MINUTE_US - sim.now_us % VG_MINUTE_US;
    sim.response.retry_after_us = asks_us < 0 ? (rest_us + VG_US - 1) / VG_US * VG_US : asks_us;
    sim.silent_us = asks_us ? sim.due_us + sim.response.retry_after_us : 0;
}

static int start(struct vg_http *self, const struct vg_request *request, void *tag,
                 struct vg_error *err)
{
    const struct service *service = sim.service;
    (void)self;
    (void)request;
    (void)err;
    assert_null(sim.tag);
    sim.tag = tag;
    sim.requests++;
    sim.inside += sim.now_us < sim.silent_us;
    sim.response = (struct vg_response){.body = "ok", .body_size = 2};
    if (sim.now_us < BEGIN + outage_us) {
        assert_true(sim.in_outage < SOME);
        sim.asked_at_us[sim.in_outage++] = sim.now_us;
        int status = service->outage_status;
        answer(status > 0 ? status : 0, status < 0 ? hang_us : latency_us, service->outage_asks_us);
        if (status <= 0)
            vg_fail(&sim.response.error, status ? VG_E_TIMEOUT : VG_E_CONNECT, "no answer");
    } else if (!has_room()) {
        sim.busy++;
        answer(429, latency_us, service->busy_asks_us);
    } else {
        take(tag);
        answer(service->kind == VG_RECEIVER_PAGERDUTY ? 202 : 200, latency_us, 0);
    }
    return 0;
}

static void wake(struct vg_http *self)
{
    (void)self;
}

static int64_t now_of(struct vg_clock *self)
{
    (void)self;
    return sim.now_us;
}

static double next_share(void *arg)
{
    (void)arg;
    sim.seed = sim.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(sim.seed >> 11) * 0x1p-53;
}

/* --- A run ------------------------------------------------------------------------------------ */

static void put(struct fixture *f, int i)
{
    int keys = sim.service->messages / 2;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_outgoing row = {.sink_kind = VG_SINK_RECEIVER,
                              .sink = "there",
                              .created_us = sim.now_us,
                              .next_us = sim.now_us};
    message.kind = row.kind = i < keys ? VG_MSG_OPEN : VG_MSG_UPDATE;
    snprintf(message.key, VG_KEY_SIZE, "incident-%d", i % keys);
    memcpy(row.key, message.key, VG_KEY_SIZE);
    MUST(f, vg_message_write(&message, f->arena, &row.body, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

static int64_t count_waiting(struct fixture *f)
{
    return fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 0");
}

/* From event to event: messages that come, an answer, what the engine wants to look at again. */
static void live(struct fixture *f, struct vg_deliver *engine)
{
    int nput = 0, n = sim.service->messages;
    while (sim.now_us < BEGIN + VG_DAY_US && (nput < n || count_waiting(f))) {
        int64_t again_us, put_us = BEGIN + nput * (outage_us / n);
        if (nput < n && put_us <= sim.now_us) {
            for (int i = 0; i < TOGETHER; i++)
                put(f, nput++);
            continue;
        }
        MUST(f, vg_deliver_turn(engine, sim.now_us, &again_us, &f->err));
        int64_t next_us = sim.tag && sim.due_us < again_us ? sim.due_us : again_us;
        next_us = nput < n && put_us < next_us ? put_us : next_us;
        sim.now_us = next_us > sim.now_us ? next_us : sim.now_us;
        if (sim.tag && sim.due_us <= sim.now_us) {
            void *tag = sim.tag;
            sim.tag = NULL;
            vg_deliver_answered(engine, tag, &sim.response, sim.now_us);
        }
    }
}

static int count_most_in_a_minute(void)
{
    int most = 0;
    for (int i = 0, first = 0; i < sim.in_outage; i++) {
        while (sim.asked_at_us[i] - sim.asked_at_us[first] >= VG_MINUTE_US)
            first++;
        most = i - first + 1 > most ? i - first + 1 : most;
    }
    return most;
}

static void check(const struct service *service)
{
    int64_t took_us = sim.now_us - BEGIN - outage_us;
    int probes = count_most_in_a_minute();
    print_message("%s: %d delivered %.0f s after the outage; at most %d probes a minute, %d "
                  "answers 429, %d requests inside Retry-After\n",
                  service->name, service->messages, (double)took_us / 1e6, probes, sim.busy,
                  sim.inside);
    assert_int_equal(sim.inside, 0);
    assert_int_equal(sim.unordered, 0);
    assert_int_equal(sim.ntaken, service->messages / 2);
    for (int i = 0; i < sim.ntaken; i++) {
        assert_int_equal(sim.taken[i].opened, 1);
        assert_int_equal(sim.taken[i].updated, 1);
    }
    assert_int_equal(sim.requests, service->messages + sim.in_outage + sim.busy);
    assert_in_range(probes, 1, 20);
    assert_true(took_us <= service->most_us);
    assert_true(sim.busy <= service->most_busy);
}

static void try_service(struct fixture *f, const struct service *service, uint64_t seed)
{
    static const struct vg_http_ops http_ops = {.start = start, .wake = wake};
    static const struct vg_clock_ops clock_ops = {.now_us = now_of};
    char key_path[200];
    snprintf(key_path, sizeof key_path, "%s/routing-key", f->dir);
    fixture_write(key_path, "0123456789abcdef0123456789abcdef\n", 33);
    struct vg_receiver receiver = {.name = "there",
                                   .kind = service->kind,
                                   .endpoint = {.url = "https://there.test/x"},
                                   .routing_key_file =
                                       service->kind == VG_RECEIVER_PAGERDUTY ? key_path : NULL};
    const struct vg_config config = {.name = "prod", .receivers = &receiver, .nreceivers = 1};
    struct vg_deliver *engine;
    sim = (struct sim){.port = {.ops = &http_ops},
                       .clock = {.ops = &clock_ops},
                       .service = service,
                       .now_us = BEGIN,
                       .tokens = service->burst,
                       .filled_us = BEGIN,
                       .seed = seed};
    MUST(f, vg_deliver_new(f->store, &sim.port, &sim.clock, &config, &engine, &f->err));
    vg_deliver_random(engine, next_share, NULL);
    engine->paced = true; /* as with its thread */
    live(f, engine);
    vg_deliver_free(engine);
    check(service);
    fixture_exec(f->store, "DELETE FROM outbox; DELETE FROM trouble");
}

static void test_a_backlog_after_an_hour(void **state)
{
    struct fixture *f = *state;
    /* the longest pause between two probes, and the messages at the rate of the service */
    const int64_t probe_us = 5 * VG_MINUTE_US, slack_us = 10 * VG_US;
    const struct service services[] = {
        {"slack", VG_RECEIVER_SLACK, 1000, 60, 5, 503, 120 * VG_US, 30 * VG_US,
         probe_us + 1000 * VG_US + slack_us, 0},
        {"pagerduty", VG_RECEIVER_PAGERDUTY, 120, 120, 20, -1, 0, 30 * VG_US,
         probe_us + 120 * VG_US / 2 + slack_us, 0},
        {"webhook", VG_RECEIVER_WEBHOOK, 300, 100, 0, 0, 0, -1,
         probe_us + 300 / 100 * (VG_MINUTE_US + 2 * VG_US) + slack_us, 300 / 100 + 1},
        {"webhook, 429", VG_RECEIVER_WEBHOOK, 200, 300, 10, 429, VG_HOUR_US, 7 * VG_US,
         200 * 7 * VG_US / 10 + slack_us, 200 / 10},
    };
    fixture_exec(f->store, "PRAGMA synchronous=OFF");
    vg_log_setup(VG_LOG_LEVELS, false);
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        try_service(f, &services[i], 20011215 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_backlog_after_an_hour, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests_name("deliver_backlog", tests, NULL, NULL);
}
