/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of what the delivery engine does in trouble (agent/deliver/alarm.c, beat.c, and the
 * breaker of deliver.c): probes, backlogs, others who are told, pairs, the heartbeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/deliver/parts.h"
#include "tests/unit/deliver_world.h"

static struct vg_receiver receivers[] = {
    {.name = "audit", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://audit.test/"}},
    {.name = "second", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://second.test/"}},
    {.name = "third", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://third.test/"}},
};
static struct vg_config config;

static int set_up(void **state)
{
    (void)state;
    config = (struct vg_config){.receivers = receivers, .nreceivers = 3};
    return begin(&config, 0);
}

/* Drains every quarter of a second; returns how many requests the receiver got meanwhile. */
static size_t drain_for(const char *url, int64_t from_us, int64_t us)
{
    size_t before = fake_http_count(&http, url);
    for (int64_t at_us = from_us; at_us < from_us + us; at_us += VG_US / 4)
        drain(at_us);
    return fake_http_count(&http, url) - before;
}

/* Jitter that is always nothing must not make a storm, however much waits. */
static void test_a_dead_receiver_is_probed(void **state)
{
    char key[20];
    (void)state;
    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put_message("audit", key, VG_MSG_OPEN);
    }
    fake_http_rule(&http, "audit.test", -1, 500, 0);
    size_t first = drain_for("audit", NOW, VG_MINUTE_US);
    assert_in_range(first, 5, 20);
    assert_in_range(drain_for("audit", NOW + VG_MINUTE_US, VG_MINUTE_US), 14, 15);
    assert_int_equal(http.most_at_once, 1);
    http.rules[0].times = 0; /* it is back: one probe, then all that waits */
    drain_for("audit", NOW + 2 * VG_MINUTE_US, 10 * VG_US);
    for (int64_t id = 1; id <= 30; id++)
        assert_int_equal(state_of(id), FAKE_SENT);
}

/* Who repaired it and asks for a retry does not wait for the next probe; a pause that the receiver
 * asked for is kept all the same. */
static void test_people_end_the_waiting(void **state)
{
    (void)state;
    share = 0.99;
    int64_t id = put_message("audit", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", -1, 500, 0);
    drain_for("audit", NOW, 10 * VG_MINUTE_US);
    int64_t now_us = NOW + 10 * VG_MINUTE_US;
    store.rows[0].row.next_us = now_us; /* as a retry leaves it */
    assert_int_equal(drain_for("audit", now_us, VG_US), 0);
    vg_deliver_urge(engine, "second");
    assert_int_equal(drain_for("audit", now_us + VG_US, VG_US), 0);
    vg_deliver_urge(engine, "audit");
    assert_int_equal(drain_for("audit", now_us + 2 * VG_US, VG_US), 1); /* one attempt, in vain */
    http.rules[0].times = 0;
    store.rows[0].row.next_us = now_us;
    vg_deliver_urge(engine, NULL);
    drain(now_us + 4 * VG_US);
    assert_int_equal(state_of(id), FAKE_SENT);
    now_us += VG_HOUR_US;
    id = put_message("audit", "k2", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", 1, 429, 90 * VG_US);
    drain(now_us);
    store.rows[id - 1].row.next_us = now_us;
    vg_deliver_urge(engine, "audit");
    assert_int_equal(drain_for("audit", now_us + VG_US, 89 * VG_US), 0);
    assert_int_equal(drain_for("audit", now_us + 90 * VG_US, VG_US), 1);
    assert_int_equal(state_of(id), FAKE_SENT);
}

static const struct vg_outgoing *told(size_t i)
{
    assert_true(i < store.n);
    return &store.rows[i].row;
}

static void test_another_receiver_hears_of_a_silent_one(void **state)
{
    (void)state;
    put_message("audit", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", -1, 0, 0);
    drain_for("audit", NOW, 4 * VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "second"), 0);
    drain_for("audit", NOW + 4 * VG_MINUTE_US, 10 * VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "second"), 1); /* once */
    assert_int_equal(store.n, 2);
    assert_string_equal(told(1)->sink, "second");
    assert_int_equal(told(1)->kind, VG_MSG_OPEN);
    assert_non_null(strstr(told(1)->body, "receiver audit has taken nothing for 5 minutes"));
    http.rules[0].times = 0;
    drain_for("audit", NOW + 14 * VG_MINUTE_US, VG_MINUTE_US);
    assert_int_equal(store.n, 3);
    assert_int_equal(told(2)->kind, VG_MSG_RESOLVE);
    assert_string_equal(told(2)->key, told(1)->key);
    assert_int_equal(state_of(3), FAKE_SENT);
    assert_int_equal(store.ntroubles, 0);
}

/* 410 and its like are for good: set aside at once, and another one is told. */
static void test_another_receiver_hears_of_a_refusal(void **state)
{
    static const int statuses[] = {400, 401, 403, 404, 410, 422, 302};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        int64_t now_us = NOW + (int64_t)i * VG_HOUR_US;
        size_t n = store.n;
        int64_t refused = put_message("second", "k1", VG_MSG_OPEN);
        fake_http_rule(&http, "second.test", 1, statuses[i], 0);
        drain(now_us);
        assert_int_equal(state_of(refused), FAKE_DEAD);
        assert_int_equal(store.n, n + 2);
        assert_string_equal(told(n + 1)->sink, "audit");
        assert_non_null(strstr(told(n + 1)->body, "refused a message for good"));
        put_message("second", "k2", VG_MSG_OPEN);
        drain(now_us + VG_US);
        assert_int_equal(store.n, n + 3); /* as long as something is set aside it stands */
        store.rows[refused - 1].state = FAKE_WAITING; /* it is retried */
        drain(now_us + 2 * VG_US);
        assert_int_equal(state_of(refused), FAKE_SENT);
        assert_int_equal(told(store.n - 1)->kind, VG_MSG_RESOLVE);
        drain(now_us + 2 * VG_US);
    }
}

static void test_who_is_told(void **state)
{
    static const char *const names[] = {"third", "audit"};
    (void)state;
    config.alarm_to = (struct vg_strings){names, 2};
    put_message("audit", "k1", VG_MSG_OPEN);
    put_message("second", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", 1, 404, 0);
    fake_http_rule(&http, "second.test", 1, 404, 0);
    drain(NOW);
    size_t third = 0, audit = 0; /* of audit third, of second both */
    for (size_t i = 2; i < store.n; i++) {
        bool open = told(i)->kind == VG_MSG_OPEN;
        third += open && !strcmp(told(i)->sink, "third");
        audit += open && !strcmp(told(i)->sink, "audit");
        assert_string_not_equal(told(i)->sink, "second");
    }
    assert_int_equal(third, 2);
    assert_int_equal(audit, 1);
}

/* What others were told before a restart is known after it. */
static void test_trouble_is_kept_by_the_store(void **state)
{
    struct vg_error err = {0};
    (void)state;
    put_message("audit", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", 1, 404, 0);
    drain(NOW);
    assert_int_equal(store.ntroubles, 1);
    vg_deliver_free(engine);
    assert_int_equal(vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err),
                     0);
    put_message("audit", "k2", VG_MSG_OPEN);
    drain(NOW + VG_US);
    assert_int_equal(store.ntroubles, 1);
    store.rows[0].state = FAKE_GONE; /* people have dropped it, and nothing else is sent */
    drain(NOW + 30 * VG_US);
    assert_int_equal(store.ntroubles, 0);
    assert_int_equal(told(store.n - 1)->kind, VG_MSG_RESOLVE);
    assert_non_null(strstr(told(store.n - 1)->body, "nothing is set aside any more"));
}

static void test_a_full_outbox_is_told(void **state)
{
    (void)state;
    store.room = (struct vg_outbox_room){.rows = VG_OUTBOX_ROWS * 79 / 100};
    drain(NOW);
    assert_int_equal(store.n, 0);
    store.room.rows = VG_OUTBOX_ROWS * 80 / 100;
    drain(NOW + 9 * VG_US); /* not looked at yet */
    assert_int_equal(store.n, 0);
    drain(NOW + 10 * VG_US);
    drain(NOW + 20 * VG_US);
    assert_int_equal(store.n, 1);
    assert_non_null(strstr(told(0)->body, "80 % of what the outbox holds"));
    store.room = (struct vg_outbox_room){.bytes = VG_OUTBOX_BYTES * INT64_C(70) / 100};
    drain(NOW + 30 * VG_US);
    assert_int_equal(store.n, 1);
    store.room.bytes = 0;
    drain(NOW + 40 * VG_US);
    assert_int_equal(store.n, 2);
    assert_int_equal(told(1)->kind, VG_MSG_RESOLVE);
}

static void test_pairs(void **state)
{
    (void)state;
    share = 0.5;
    static const struct {
        int status;
        enum fake_state left;
    } cases[] = {{429, FAKE_GONE}, {503, FAKE_GONE}, {500, FAKE_SENT}, {0, FAKE_SENT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t now_us = NOW + (int64_t)i * VG_HOUR_US;
        char key[20];
        snprintf(key, sizeof key, "k%zu", i);
        int64_t open = put_message("audit", key, VG_MSG_OPEN);
        fake_http_rule(&http, "audit.test", 1, cases[i].status, 0);
        drain(now_us);
        int64_t end = put_message("audit", key, VG_MSG_RESOLVE);
        int64_t next = put_message("audit", "next", VG_MSG_UPDATE);
        size_t before = fake_http_count(&http, "audit");
        drain(now_us + VG_MINUTE_US);
        assert_int_equal(state_of(open), cases[i].left);
        assert_int_equal(state_of(end), cases[i].left);
        assert_int_equal(state_of(next), FAKE_SENT);
        assert_int_equal(fake_http_count(&http, "audit") - before,
                         cases[i].left == FAKE_SENT ? 3 : 1);
    }
}

/* Not after a restart either, and not for another message. */
static void test_a_restart_keeps_retry_after(void **state)
{
    struct vg_error err = {0};
    (void)state;
    put_message("audit", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit.test", 1, 429, 90 * VG_US);
    drain(NOW);
    vg_deliver_free(engine);
    assert_int_equal(vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err),
                     0);
    put_message("audit", "k2", VG_MSG_OPEN);
    assert_int_equal(drain_for("audit", NOW + VG_US, 89 * VG_US), 0);
    assert_int_equal(drain_for("audit", NOW + 90 * VG_US, VG_US), 2);
}

/* What cannot be recorded, as on a full disk, keeps its own receiver waiting and no other. */
static void test_a_full_disk_holds_up_no_other_receiver(void **state)
{
    static const char *const names[] = {"audit", "second", "third"};
    struct vg_error err = {0};
    (void)state;
    put_message("audit", "k1", VG_MSG_OPEN);
    store.fail_records = 1000;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(vg_deliver_drain(engine, NOW + i * VG_US, &err), -1);
        assert_int_equal(err.code, VG_E_IO);
        if (i == 1) {
            put_message("second", "k1", VG_MSG_OPEN);
            put_message("third", "k1", VG_MSG_OPEN);
            put_message("audit", "k2", VG_MSG_OPEN);
        }
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(fake_http_count(&http, names[i]), 1);
    store.fail_records = 0;
    drain(NOW + 5 * VG_US);
    for (int64_t id = 1; id <= 4; id++)
        assert_int_equal(state_of(id), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, "audit"), 2);
    assert_int_equal(fake_http_count(&http, "second"), 1);
}

static void test_heartbeat(void **state)
{
    (void)state;
    vg_deliver_beat(engine);
    drain(NOW);
    assert_int_equal(http.n, 0); /* none is configured */
    config.heartbeat = (struct vg_endpoint){.url = "https://beat.test/ping", .method = "GET"};
    config.heartbeat_every_us = 5 * VG_MINUTE_US;
    for (int i = 0; i < 20; i++) { /* somebody says every minute that all is well */
        vg_deliver_beat(engine);
        drain(NOW + i * VG_MINUTE_US);
    }
    assert_int_equal(fake_http_count(&http, "beat"), 4);
    assert_string_equal(fake_http_nth(&http, "beat", 0)->method, "GET");
    drain(NOW + VG_HOUR_US); /* nobody says so any more: the switch must notice */
    assert_int_equal(fake_http_count(&http, "beat"), 4);
    fake_http_rule(&http, "beat", 1, 500, 0);
    vg_deliver_beat(engine);
    drain(NOW + VG_HOUR_US + VG_US);
    drain(NOW + VG_HOUR_US + 2 * VG_US);
    assert_int_equal(fake_http_count(&http, "beat"), 5);
    fake_http_rule(&http, "beat", 1, 429, 7 * VG_MINUTE_US); /* longer than between two of them */
    for (int i = 0; i < 13; i++) {
        vg_deliver_beat(engine);
        drain(NOW + 2 * VG_HOUR_US + i * VG_MINUTE_US);
        assert_int_equal(fake_http_count(&http, "beat"), i < 7 ? 6 : i < 12 ? 7 : 8);
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_dead_receiver_is_probed),
        WITH(test_people_end_the_waiting),
        WITH(test_another_receiver_hears_of_a_silent_one),
        WITH(test_another_receiver_hears_of_a_refusal),
        WITH(test_who_is_told),
        WITH(test_trouble_is_kept_by_the_store),
        WITH(test_a_full_outbox_is_told),
        WITH(test_pairs),
        WITH(test_a_restart_keeps_retry_after),
        WITH(test_a_full_disk_holds_up_no_other_receiver),
        WITH(test_heartbeat),
    };
    return cmocka_run_group_tests_name("deliver_trouble", tests, NULL, NULL);
}
