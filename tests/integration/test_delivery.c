/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery whole: the engine with the real HTTP client and the real outbox, against the strict
 * receiver of tests/receiver.py on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

#define NOW (KIT_JUNE_12 + VG_DAY_US)
enum { INCIDENTS = 40 };

struct world {
    struct kit_receiver receiver;
    struct vg_http *http, *asking; /* the engine's client and the test's */
    struct vg_clock *clock;
    char url[5][64], key_path[200];
    struct vg_receiver receivers[4];
    struct vg_retraining retraining;
    struct vg_config config;
    struct vg_deliver *engine;
};
static struct world world;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void fill_config(const char *folder)
{
    static const char *const paths[] = {"slack", "v2/enqueue", "hook", "train", "discord/x"};
    for (size_t i = 0; i < 5; i++)
        snprintf(world.url[i], sizeof world.url[i], "http://127.0.0.1:%d/%s", world.receiver.port,
                 paths[i]);
    snprintf(world.key_path, sizeof world.key_path, "%s/routing-key", folder);
    write_file(world.key_path, "0123456789abcdef0123456789abcdef\n");
    world.receivers[0] = (struct vg_receiver){
        .name = "ops", .kind = VG_RECEIVER_SLACK, .endpoint = {.url = world.url[0]}};
    world.receivers[1] = (struct vg_receiver){.name = "oncall",
                                              .kind = VG_RECEIVER_PAGERDUTY,
                                              .endpoint = {.url = world.url[1]},
                                              .routing_key_file = world.key_path};
    world.receivers[2] = (struct vg_receiver){
        .name = "audit", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = world.url[2]}};
    world.receivers[3] = (struct vg_receiver){
        .name = "chat", .kind = VG_RECEIVER_DISCORD, .endpoint = {.url = world.url[4]}};
    world.retraining =
        (struct vg_retraining){.model = "delay-model", .http = {.url = world.url[3]}};
    world.config = (struct vg_config){.name = "prod",
                                      .receivers = world.receivers,
                                      .nreceivers = 4,
                                      .retraining = &world.retraining,
                                      .nretraining = 1};
}

static int set_up(void **state)
{
    if (fixture_setup(state))
        return -1;
    struct fixture *f = *state;
    vg_log_setup(VG_LOG_LEVELS, false);
    kit_start(&world.receiver, NULL);
    fill_config(f->dir);
    MUST(f, vg_http_new(&world.http, &f->err));
    MUST(f, vg_http_new(&world.asking, &f->err));
    MUST(f, vg_clock_real(&world.clock, &f->err));
    MUST(f,
         vg_deliver_new(f->store, world.http, world.clock, &world.config, &world.engine, &f->err));
    return 0;
}

static int tear_down(void **state)
{
    vg_deliver_free(world.engine);
    world.http->ops->free(world.http);
    world.asking->ops->free(world.asking);
    vg_clock_free(world.clock);
    kit_stop(&world.receiver);
    remove(world.key_path);
    return fixture_teardown(state);
}

static void put(struct fixture *f, const char *sink, const struct vg_message *message,
                int64_t now_us)
{
    struct vg_outgoing row = {.sink_kind = VG_SINK_RECEIVER,
                              .sink = sink,
                              .kind = message->kind,
                              .created_us = now_us,
                              .next_us = now_us};
    memcpy(row.key, message->key, VG_KEY_SIZE);
    MUST(f, vg_message_write(message, f->arena, &row.body, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

static void put_onset(struct fixture *f, const struct vg_onset *onset, int64_t now_us)
{
    struct vg_outgoing row = {.sink_kind = VG_SINK_RETRAIN,
                              .sink = onset->model,
                              .created_us = now_us,
                              .next_us = now_us};
    memcpy(row.key, onset->key, VG_KEY_SIZE);
    MUST(f, vg_onset_write(onset, f->arena, &row.body, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

static int64_t count_waiting(struct fixture *f)
{
    struct vg_outbox_count *counts;
    size_t n;
    int64_t waiting = 0;
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(counts[i].dead, 0);
        waiting += counts[i].waiting;
    }
    return waiting;
}

/* Turns, each at the time when the next row comes due, until the outbox is empty. */
static void drain_all(struct fixture *f)
{
    int64_t now_us = NOW;
    for (int turns = 0; turns < 100 && now_us != VG_NEVER; turns++) {
        MUST(f, vg_deliver_drain(world.engine, now_us, &f->err));
        MUST(f, vg_store_outbox_next(f->store, now_us, &now_us, &f->err));
    }
    assert_int_equal(count_waiting(f), 0);
}

static json_int_t number_at(const json_t *root, const char *path)
{
    return json_integer_value(kit_at(root, path));
}

static void put_incident(struct fixture *f, int i, uint64_t *seed)
{
    static const char *const sinks[] = {"ops", "oncall", "audit"};
    struct vg_message_item items[2];
    struct vg_message message = kit_message(items);
    items[1] = items[0];
    message.nitems = 2;
    if (i % 4)
        kit_poison(&message, seed, f->arena);
    snprintf(message.key, VG_KEY_SIZE, "incident-%d", i);
    for (int step = 0; step < 3; step++) {
        static const enum vg_message_kind kinds[] = {VG_MSG_OPEN, VG_MSG_UPDATE, VG_MSG_RESOLVE};
        message.kind = kinds[step];
        for (size_t k = 0; k < 3; k++)
            put(f, sinks[k], &message, NOW);
    }
}

/* What a service holds, which has refused nothing. */
static json_t *ask_clean(const char *path)
{
    json_t *seen = kit_ask(world.asking, &world.receiver, path);
    const json_t *refused = kit_at(seen, "refused");
    if (json_array_size(refused))
        fail_msg("%s: %s", path, json_string_value(json_array_get(refused, 0)));
    return seen;
}

static void test_strict_services_take_hostile_names(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 41;
    for (int i = 0; i < INCIDENTS; i++)
        put_incident(f, i, &seed);
    /* else triggers whose ends wait too would not be sent */
    MUST(f, vg_store_outbox_recover(f->store, &f->err));
    drain_all(f);
    json_t *slack = ask_clean("/state/slack"), *hook = ask_clean("/state/hook");
    json_t *pager = ask_clean("/state/pagerduty");
    assert_int_equal(number_at(slack, "delivered"), 3 * INCIDENTS);
    assert_int_equal(json_object_size(kit_at(hook, "groups")), INCIDENTS);
    assert_int_equal(json_object_size(kit_at(pager, "incidents")), INCIDENTS);
    assert_int_equal(number_at(pager, "triggers"), 2 * INCIDENTS);
    assert_int_equal(number_at(pager, "resolves"), INCIDENTS);
    assert_int_equal(json_array_size(kit_at(pager, "open")), 0);
    assert_int_equal(json_array_size(kit_at(pager, "reopened")), 0);
    assert_int_equal(number_at(pager, "resolves_without_trigger"), 0);
    json_decref(slack);
    json_decref(hook);
    json_decref(pager);
}

static void test_a_lost_answer_is_one_incident_and_one_training(void **state)
{
    struct fixture *f = *state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_onset onset = kit_onset();
    kit_rules(world.asking, &world.receiver,
              "[{\"path\": \"/train\", \"action\": \"reset\", \"effect\": true, \"times\": 2},"
              " {\"path\": \"/v2\", \"action\": \"reset\", \"effect\": true, \"times\": 2},"
              " {\"path\": \"/v2\", \"status\": 500},"
              " {\"path\": \"/hook\", \"action\": \"reset\", \"times\": 3}]");
    put(f, "oncall", &message, NOW);
    put(f, "audit", &message, NOW);
    put_onset(f, &onset, NOW);
    drain_all(f);
    json_t *seen = kit_ask(world.asking, &world.receiver, "/state");
    assert_int_equal(json_object_size(kit_at(seen, "train/accepted")), 1);
    assert_int_equal(number_at(seen, "train/repeated"), 2);
    assert_int_equal(number_at(seen, "pagerduty/incidents/" KIT_KEY "/opened"), 1);
    assert_int_equal(number_at(seen, "pagerduty/incidents/" KIT_KEY "/triggers"), 3);
    assert_int_equal(number_at(seen, "hook/groups/" KIT_KEY "/firing"), 1);
    const json_t *training = kit_at(seen, "train/accepted/" KIT_KEY);
    assert_string_equal(kit_text(training, "agent"), "prod");
    assert_string_equal(kit_text(training, "model"), "delay-model");
    json_decref(seen);
    struct vg_decision *decisions;
    size_t n;
    MUST(f, vg_store_decisions(f->store, "delay-model", 10, f->arena, &decisions, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(decisions[0].kind, VG_DECIDED_ACCEPTED);
    assert_string_equal(decisions[0].key, KIT_KEY);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int delivered;

static void on_notified(void *arg, enum vg_sink_kind kind, const char *sink,
                        enum vg_outcome outcome)
{
    (void)arg;
    (void)kind;
    (void)sink;
    pthread_mutex_lock(&lock);
    delivered += outcome == VG_DELIVERED;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool await_delivered(int n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    int late = 0;
    pthread_mutex_lock(&lock);
    while (delivered < n && !late)
        late = pthread_cond_timedwait(&changed, &lock, &until);
    bool there = delivered >= n;
    pthread_mutex_unlock(&lock);
    return there;
}

/* The times of the first two requests to a path, the first of which was refused. */
static void find_two(const json_t *requests, const char *path, double *refused_s, double *next_s)
{
    int n = 0;
    size_t i;
    const json_t *request;
    json_array_foreach(requests, i, request)
    {
        if (strncmp(kit_text(request, "path"), path, strlen(path)) != 0 || n == 2)
            continue;
        double at_s = json_real_value(kit_at(request, "time"));
        *(n ? next_s : refused_s) = at_s;
        assert_int_equal(number_at(request, "status") == 429, n == 0);
        n++;
    }
    assert_int_equal(n, 2);
}

/* In real time: not a request inside Retry-After, in seconds, as a date, or in the body's JSON,
 * whatever else waits for the receiver. */
static void test_retry_after_is_kept_in_real_time(void **state)
{
    struct fixture *f = *state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    int64_t now_us = world.clock->ops->now_us(world.clock);
    time_t open = (time_t)(now_us / VG_US) + 4;
    char rules[600], date[64];
    double refused_s, next_s;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&open));
    snprintf(rules, sizeof rules,
             "[{\"path\": \"/slack\", \"status\": 429, \"headers\": {\"Retry-After\": \"2\"}},"
             " {\"path\": \"/hook\", \"status\": 429, \"headers\": {\"Retry-After\": \"%s\"}},"
             " {\"path\": \"/discord\", \"status\": 429, \"body\": \"{\\\"message\\\": \\\"You are"
             " being rate limited.\\\", \\\"retry_after\\\": 2.25, \\\"global\\\": false}\"}]",
             date);
    kit_rules(world.asking, &world.receiver, rules);
    for (int i = 0; i < 3; i++) {
        snprintf(message.key, VG_KEY_SIZE, "incident-%d", i);
        put(f, "ops", &message, now_us);
        put(f, "audit", &message, now_us);
        put(f, "chat", &message, now_us);
    }
    vg_deliver_hooks(world.engine, &(struct vg_deliver_hooks){.notified = on_notified});
    MUST(f, vg_deliver_start(world.engine, &f->err));
    assert_true(await_delivered(9));
    vg_deliver_stop(world.engine);
    json_t *requests = kit_ask(world.asking, &world.receiver, "/requests");
    find_two(requests, "/slack", &refused_s, &next_s);
    assert_true(next_s - refused_s >= 2.0 && next_s - refused_s < 7.0);
    find_two(requests, "/hook", &refused_s, &next_s);
    assert_true(refused_s < (double)open && next_s >= (double)open && next_s < (double)open + 5);
    find_two(requests, "/discord", &refused_s, &next_s);
    assert_true(next_s - refused_s >= 2.25 && next_s - refused_s < 7.25);
    json_decref(requests);
    assert_int_equal(count_waiting(f), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_strict_services_take_hostile_names),
        WITH(test_a_lost_answer_is_one_incident_and_one_training),
        WITH(test_retry_after_is_kept_in_real_time),
    };
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
