/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of many incidents told at once (agent/deliver/gather.c): when rows wait and how
 * long, what one message says of them, and that order, pairs and failures are as of single ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/gather_world.h"

/* As many as `digest` says go each for itself, and none of them waits. */
static void test_a_few_are_not_gathered(void **state)
{
    (void)state;
    put_news("ops", 0, 5, NOW);
    turn_for(NOW, 5 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 5);
    ASSERT_SAYS(body_of("teams", 4), "table04");
    assert_int_equal(count_left(), 0);
}

/* Of many at once the gravest go singly, and the rest is one message, without waiting. */
static void test_many_at_once(void **state)
{
    (void)state;
    put_news("ops", 0, 30, NOW);
    turn_for(NOW, 3 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 6);
    for (size_t i = 0; i < 5; i++)
        ASSERT_SAYS(body_of("teams", i), "\"Attention\"");
    ASSERT_SAYS(body_of("teams", 4), "table12"); /* 0, 3, 6, 9, 12 */
    const char *body = body_of("teams", 5);
    ASSERT_SAYS(body, "CRITICAL 25 incidents opened: 5 critical, 20 warning, all on warehouse");
    ASSERT_SAYS(body, "and 5 more");
    ASSERT_SAYS(body, "25 datasets, all on connection warehouse");
    ASSERT_SAYS(body, "may break: the models");
    ASSERT_SAYS(body, "[27abcdef]"); /* the gravest first: 15, 18 ... 27 */
    assert_true(strstr(body, "table27") < strstr(body, "table01"));
    assert_null(strstr(body, "table29"));
    assert_int_equal(count_left(), 0);
    struct vg_deliver_count counts[4];
    vg_deliver_counts(engine, counts, 4);
    assert_int_equal(counts[0].sent, 30);
}

/* One incident of its own severity. */
static void put_one(const char *sink, int i, enum vg_severity severity, int64_t at_us)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    const char *body;
    message.severity = severity;
    message.dataset = vg_arena_printf(arena, "table%02d", i);
    snprintf(message.key, VG_KEY_SIZE, "%02dabcdefgh", i);
    assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
    struct vg_outgoing *row =
        &store.rows[put_row(VG_SINK_RECEIVER, sink, message.key, VG_MSG_OPEN, body) - 1].row;
    row->severity = severity;
    row->created_us = row->next_us = at_us;
}

/* Each line says what it may break; what leads further is told once of each dataset, by the number
 * of the line. */
static void test_where_to_read_on(void **state)
{
    static const char *const sinks[] = {"ops", "bot"};
    (void)state;
    for (size_t s = 0; s < 2; s++) {
        put_backlog(sinks[s], VG_MSG_OPEN, 0, 0, NOW);
        for (int i = 0; i < 4; i++) {
            struct vg_message_item item;
            struct vg_message message = kit_message(&item);
            const char *body;
            message.impact = vg_arena_printf(arena, "what team %d sees", i);
            message.dataset = vg_arena_printf(arena, "table%d", i / 2);
            message.runbook = vg_arena_printf(arena, "https://wiki.test/t%d", i / 2);
            message.dashboard = vg_arena_printf(arena, "https://graphs.test/t%d", i / 2);
            snprintf(message.key, VG_KEY_SIZE, "%02dabcdefgh", i);
            assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
            put_row(VG_SINK_RECEIVER, sinks[s], message.key, VG_MSG_OPEN, body);
        }
        turn(NOW);
        assert_int_equal(http.n, s + 1);
        const char *body = http.requests[s].body;
        ASSERT_SAYS(body, "3. CRITICAL table1: drift (ks) of probability 0.384, above 0.35, since");
        ASSERT_SAYS(body, "[02abcdef]; may break: what team 2 sees");
        ASSERT_SAYS(body, s ? "<https://wiki.test/t1|Runbook 3>" : "\"text\":\"Runbook 3\"");
        ASSERT_SAYS(body, s ? "<https://graphs.test/t1|Dashboard 3>" : "https://graphs.test/t1");
        assert_null(strstr(body, "Runbook 2"));
        assert_null(strstr(body, "Dashboard 4"));
    }
}

/* Graver news of its incident have given the second the sooner turn. */
static void test_the_turn_is_the_stores(void **state)
{
    (void)state;
    receivers[0].digest = 0;
    put_news("ops", 1, 2, NOW);
    store.rows[1].row.turn_us = 1;
    turn_for(NOW, 2 * VG_US);
    ASSERT_SAYS(body_of("teams", 0), "table02");
}

/* The first goes when it comes. Of what has come before the next may go the gravest do, until
 * exactly `digest` went singly; the rest waits, and no longer than documented. */
static void test_exactly_so_many(void **state)
{
    (void)state;
    receivers[0].digest = 3;
    put_one("ops", 0, VG_SEVERITY_WARNING, NOW);
    turn(NOW);
    put_one("ops", 1, VG_SEVERITY_INFO, NOW + VG_US);
    put_one("ops", 2, VG_SEVERITY_WARNING, NOW + VG_US);
    for (int i = 3; i < 7; i++)
        put_one("ops", i, VG_SEVERITY_CRITICAL, NOW + VG_US);
    turn_for(NOW + VG_US, WITHIN - VG_US / 4);
    assert_int_equal(fake_http_count(&http, "teams"), 3);
    ASSERT_SAYS(body_of("teams", 0), "table00");
    ASSERT_SAYS(body_of("teams", 1), "table03");
    ASSERT_SAYS(body_of("teams", 2), "table04");
    turn_for(NOW + VG_US + WITHIN, VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 4);
    ASSERT_SAYS(body_of("teams", 3), "4 incidents opened: 2 critical, 1 warning, 1 info");
    assert_int_equal(count_left(), 0);
}

/* A place is free again when its message is as old as `digest_within`, and not before. */
static void test_a_place_that_is_free_again(void **state)
{
    (void)state;
    receivers[0].digest = 3;
    for (int i = 0; i < 3; i++) {
        put_one("ops", i, VG_SEVERITY_CRITICAL, NOW + i * VG_US);
        turn(NOW + i * VG_US);
    }
    assert_int_equal(count_left(), 0);
    put_one("ops", 3, VG_SEVERITY_CRITICAL, NOW + WITHIN - 1);
    turn(NOW + WITHIN - 1);
    assert_int_equal(count_left(), 1);
    turn_for(NOW + WITHIN, WITHIN - 1); /* what waits for others goes on waiting */
    assert_int_equal(count_left(), 1);
    turn(NOW + 2 * WITHIN - 1);
    assert_int_equal(count_left(), 0);
    put_one("ops", 4, VG_SEVERITY_WARNING, NOW + 2 * WITHIN);
    turn(NOW + 2 * WITHIN);
    assert_int_equal(count_left(), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 5);
}

/* One that is tried again takes no second place, and is not gathered. */
static void test_a_single_that_is_tried_again(void **state)
{
    (void)state;
    receivers[0].digest = 3;
    fake_http_rule(&http, "table00", 3, 500, 0);
    put_one("ops", 0, VG_SEVERITY_CRITICAL, NOW);
    turn(NOW);
    turn_for(NOW + VG_US, 15 * VG_US);
    assert_int_equal(count_left(), 0);
    for (int i = 1; i < 4; i++)
        put_one("ops", i, VG_SEVERITY_CRITICAL, NOW + 16 * VG_US);
    turn_for(NOW + 16 * VG_US, 3 * VG_US);
    assert_int_equal(count_left(), 1);
}

/* Systems that hear of each hear of the gravest first, and of ends, in no hurry, later. */
static void test_the_gravest_first(void **state)
{
    (void)state;
    put_one("hook", 1, VG_SEVERITY_INFO, NOW);
    put_one("hook", 2, VG_SEVERITY_WARNING, NOW);
    put_one("hook", 3, VG_SEVERITY_CRITICAL, NOW);
    put_many("hook", VG_MSG_RESOLVE, 3, 1, NOW); /* critical, too */
    store.touches = true;
    for (size_t i = 0; i < store.n; i++)
        store.rows[i].touched = true; /* the pair may have been sent */
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "hook"), 4);
    ASSERT_SAYS(body_of("hook", 0), "table03");
    ASSERT_SAYS(body_of("hook", 0), "firing");
    ASSERT_SAYS(body_of("hook", 1), "table02");
    ASSERT_SAYS(body_of("hook", 2), "table01");
    ASSERT_SAYS(body_of("hook", 3), "table03");
    ASSERT_SAYS(body_of("hook", 3), "resolved");
}

/* A message that goes singly goes before a graver one of many only where it is not less grave. */
static void test_a_graver_one_goes_before_many(void **state)
{
    for (int severity = VG_SEVERITY_WARNING; severity < VG_SEVERITIES; severity++) {
        put_backlog("ops", VG_MSG_RESOLVE, 0, 0, NOW);
        for (int i = 1; i < 9; i += 3) { /* warnings */
            put_many("ops", VG_MSG_RESOLVE, i, 1, NOW - WITHIN);
            put_many("ops", VG_MSG_RESOLVE, i + 1, 1, NOW - WITHIN);
        }
        put_one("ops", 50, (enum vg_severity)severity, NOW);
        turn_for(NOW, 3 * VG_US);
        assert_int_equal(fake_http_count(&http, "teams"), 2);
        size_t single = severity == VG_SEVERITY_CRITICAL ? 0 : 1;
        ASSERT_SAYS(body_of("teams", single), "table50");
        ASSERT_SAYS(body_of("teams", 1 - single), "RESOLVED 6 incidents have ended");
        tear_down(state);
        set_up(state);
    }
}

/* Systems that tell incidents apart hear of each. */
static void test_machines_hear_of_each(void **state)
{
    (void)state;
    put_news("hook", 0, 30, NOW);
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "hook"), 30);
}

/* A storm that comes one by one: five at once, and the rest when the oldest has waited 30 s. */
static void test_a_storm(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        int64_t at_us = NOW + i * VG_US / 4; /* 15 s */
        put_news("ops", i, 1, at_us);
        turn(at_us);
    }
    size_t single = fake_http_count(&http, "teams");
    assert_int_equal(single, 5);
    turn_for(NOW + 15 * VG_US, 30 * VG_US);
    size_t after = fake_http_count(&http, "teams");
    assert_int_equal(after, single + 1);
    assert_int_equal(count_left(), 0);
    ASSERT_SAYS(body_of("teams", single), "incidents opened");
    turn_for(NOW + 5 * VG_MINUTE_US, VG_US); /* it is calm again */
    put_news("ops", 70, 1, NOW + 6 * VG_MINUTE_US);
    turn(NOW + 6 * VG_MINUTE_US);
    assert_int_equal(count_left(), 0);
    assert_null(strstr(body_of("teams", after), "incidents opened"));
}

/* No row waits longer than digest_within, however many come after it, and the engine wakes then. */
static void test_how_long_they_wait(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 6, NOW);
    turn(NOW); /* one message of six */
    put_news("ops", 10, 2, NOW + VG_US);
    int64_t again_us = NOW + VG_US + WITHIN;
    assert_true(turn(NOW + VG_US) <= again_us);
    put_news("ops", 12, 2, NOW + 20 * VG_US);
    turn(again_us - 1);
    assert_int_equal(fake_http_count(&http, "teams"), 1);
    turn(again_us);
    assert_int_equal(fake_http_count(&http, "teams"), 2);
    ASSERT_SAYS(body_of("teams", 1), "4 incidents opened");
}

/* Who is left alone goes as itself. */
static void test_one_that_waited(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 6, NOW);
    turn(NOW);
    put_news("ops", 10, 1, NOW + VG_US);
    turn(NOW + 2 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 1);
    turn(NOW + VG_US + WITHIN);
    assert_int_equal(fake_http_count(&http, "teams"), 2);
    assert_null(strstr(body_of("teams", 1), "incidents"));
    ASSERT_SAYS(body_of("teams", 1), "table10");
}

/* A clock that is set back holds nothing up. */
static void test_a_clock_set_back(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 6, NOW);
    turn(NOW);
    put_news("ops", 10, 2, NOW);
    store.rows[6].row.next_us = store.rows[7].row.next_us = 0;
    turn_for(NOW - VG_DAY_US, 3 * VG_US);
    assert_int_equal(count_left(), 0);
}

/* On a virtual clock nothing waits: a drain is all there is. */
static void test_a_drain_waits_for_nothing(void **state)
{
    struct vg_error err = {0};
    (void)state;
    put_news("ops", 0, 8, NOW);
    assert_int_equal(vg_deliver_drain(engine, NOW, &err), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 6);
    ASSERT_SAYS(body_of("teams", 5), "3 incidents opened");
    for (int i = 1; i < 4; i++) {
        put_news("ops", 10 * i, 6, NOW);
        assert_int_equal(vg_deliver_drain(engine, NOW, &err), 0);
        assert_int_equal(fake_http_count(&http, "teams"), 6 + (size_t)i);
    }
    put_news("ops", 50, 5, NOW + WITHIN);
    assert_int_equal(vg_deliver_drain(engine, NOW + WITHIN, &err), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 14);
}

static void test_never(void **state)
{
    struct vg_error err = {0};
    (void)state;
    receivers[0].digest = 0;
    put_news("ops", 0, 20, NOW);
    assert_int_equal(vg_deliver_drain(engine, NOW, &err), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 20);
}

/* News, reminders and ends are told apart, an end never before its begin. */
static void test_sorts_and_order(void **state)
{
    (void)state;
    store.touches = true; /* the pairs may have been sent */
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    put_backlog("ops", VG_MSG_RESOLVE, 0, 8, NOW);
    put_backlog("ops", VG_MSG_REMIND, 20, 7, NOW);
    turn_for(NOW, 5 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 3);
    ASSERT_SAYS(body_of("teams", 0), "8 incidents opened");
    size_t end = strstr(body_of("teams", 1), "RESOLVED 8 incidents have ended") ? 1 : 2;
    ASSERT_SAYS(body_of("teams", end), "RESOLVED 8 incidents have ended");
    ASSERT_SAYS(body_of("teams", 3 - end), "STILL CRITICAL 7 incidents still stand");
}

/* What ended before anybody heard of it is told by no message of many either. */
static void test_pairs_drop_together(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 12, NOW);
    put_many("ops", VG_MSG_RESOLVE, 0, 5, NOW);
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "teams"), 1);
    ASSERT_SAYS(body_of("teams", 0), "7 incidents opened");
    for (int64_t id = 1; id <= 5; id++)
        assert_int_equal(state_of(id), FAKE_GONE);
    for (int64_t id = 6; id <= 12; id++)
        assert_int_equal(state_of(id), FAKE_SENT);
}

/* No answer: the same is sent again, and what came meanwhile with it. */
static void test_tried_again(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    fake_http_rule(&http, "teams", 1, 503, 60 * VG_US);
    turn(NOW);
    assert_int_equal(count_left(), 8);
    put_news("ops", 10, 1, NOW + VG_US);
    turn(NOW + 59 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 1); /* asked for silence */
    turn_for(NOW + 60 * VG_US, 2 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 2);
    ASSERT_SAYS(body_of("teams", 1), "9 incidents opened");
    assert_int_equal(count_left(), 0);
}

/* A refusal of many sets nobody aside: each for itself may be fine. */
static void test_refused(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    fake_http_rule(&http, "incidents opened", -1, 400, 0);
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "teams"), 9);
    for (int64_t id = 1; id <= 8; id++)
        assert_int_equal(state_of(id), FAKE_SENT);
}

/* A store that fails in the middle has recorded nothing: all are told again. */
static void test_a_store_that_fails(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    store.fail_records = 1;
    store_fails = true;
    turn_for(NOW, 3 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"),
                     1); /* the outcome waits, it is not repeated */
    assert_int_equal(count_left(), 0);
}

/* A row that cannot be read keeps nobody waiting, and is set aside by itself. */
static void test_a_row_that_cannot_be_read(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    store.rows[3].row.body = "{";
    turn_for(NOW, VG_MINUTE_US);
    ASSERT_SAYS(body_of("teams", 0), "7 incidents opened");
    assert_int_equal(state_of(4), FAKE_DEAD);
    assert_int_equal(count_left(), 0);
}

/* A bot answers in the thread of a message of many, and never edits it. */
static void test_threads_of_a_bot(void **state)
{
    (void)state;
    fake_http_rule(&http, "slack.test", -1, 200, 0);
    http.rules[0].body = said;
    put_backlog("bot", VG_MSG_OPEN, 0, 8, NOW);
    turn(NOW);
    assert_int_equal(http.n, 1);
    assert_string_equal(store.rows[0].kept, "C1 1.2" VG_KEPT_GATHERED);
    put_many("bot", VG_MSG_RESOLVE, 0, 1, NOW + VG_HOUR_US);
    struct fake_row *end = &store.rows[8];
    end->row.kept = store.rows[0].kept;
    turn(NOW + VG_HOUR_US);
    assert_int_equal(http.n, 2);
    ASSERT_SAYS(http.requests[1].url, "chat.postMessage");
    ASSERT_SAYS(http.requests[1].body, "\"thread_ts\":\"1.2\"");
    put_backlog("bot", VG_MSG_RESOLVE, 1, 7, NOW + 2 * VG_HOUR_US);
    for (int i = 9; i < 16; i++)
        store.rows[i].row.kept = store.rows[0].kept;
    turn(NOW + 2 * VG_HOUR_US);
    assert_int_equal(http.n, 3);
    ASSERT_SAYS(http.requests[2].body, "\"thread_ts\":\"1.2\"");
    ASSERT_SAYS(http.requests[2].body, "\"reply_broadcast\":true");
}

/* Those that have a message of their own get their end there. */
static void test_messages_of_their_own(void **state)
{
    (void)state;
    fake_http_rule(&http, "slack.test", -1, 200, 0);
    http.rules[0].body = said;
    put_many("bot", VG_MSG_RESOLVE, 0, 8, NOW);
    for (int i = 0; i < 8; i++) {
        snprintf(store.rows[i].kept, sizeof store.rows[i].kept, "C1 %d.5", i);
        store.rows[i].row.kept = store.rows[i].kept;
    }
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "chat.update"), 8);
    assert_int_equal(fake_http_count(&http, "chat.postMessage"), 8);
}

/* Names made to break markup, very many, and of no common connection. */
static void test_hostile_names(void **state)
{
    uint64_t seed = 7;
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 0, NOW);
    for (int i = 0; i < 40; i++) {
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        const char *body;
        kit_poison(&message, &seed, arena);
        snprintf(message.key, VG_KEY_SIZE, "%02dabcdefgh", i);
        assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
        put_row(VG_SINK_RECEIVER, i % 2 ? "ops" : "bot", message.key, VG_MSG_OPEN, body);
    }
    turn(NOW);
    assert_int_equal(http.n, 2);
    for (size_t i = 0; i < http.n; i++) {
        json_t *root = json_loads(http.requests[i].body, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        json_decref(root);
        assert_null(strstr(http.requests[i].body, "<!channel>"));
        assert_null(strstr(http.requests[i].body, "<at>"));
        assert_true(strlen(http.requests[i].body) < 27000);
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_a_few_are_not_gathered),
        WITH(test_many_at_once),
        WITH(test_where_to_read_on),
        WITH(test_the_turn_is_the_stores),
        WITH(test_exactly_so_many),
        WITH(test_a_place_that_is_free_again),
        WITH(test_a_single_that_is_tried_again),
        WITH(test_the_gravest_first),
        WITH(test_a_graver_one_goes_before_many),
        WITH(test_machines_hear_of_each),
        WITH(test_a_storm),
        WITH(test_how_long_they_wait),
        WITH(test_one_that_waited),
        WITH(test_a_clock_set_back),
        WITH(test_a_drain_waits_for_nothing),
        WITH(test_never),
        WITH(test_sorts_and_order),
        WITH(test_pairs_drop_together),
        WITH(test_tried_again),
        WITH(test_refused),
        WITH(test_a_store_that_fails),
        WITH(test_a_row_that_cannot_be_read),
        WITH(test_threads_of_a_bot),
        WITH(test_messages_of_their_own),
        WITH(test_hostile_names),
    };
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
