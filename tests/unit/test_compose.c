/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of messages of many that were sent before (agent/deliver/compose.c): the same rows
 * under the same key until it is known that nobody read them, and what goes beside them; and what
 * they call their incidents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/gather_world.h"

/* The rows that are told together, as ids; and that they are under one key. */
static const char *list_begun(char key[VG_KEY_SIZE])
{
    struct vg_buf out;
    key[0] = '\0';
    vg_buf_init(&out, 4000);
    for (size_t i = 0; i < store.n; i++) {
        const struct fake_row *row = &store.rows[i];
        if (row->state != FAKE_WAITING || !row->digest[0])
            continue;
        if (key[0])
            assert_string_equal(key, row->digest);
        memcpy(key, row->digest, VG_KEY_SIZE);
        vg_buf_printf(&out, "%s%d", out.len ? " " : "", (int)row->row.id);
    }
    const char *ids = vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return ids;
}

static double much_jitter(void *arg)
{
    (void)arg;
    return 0.9;
}

static void restart(void)
{
    struct vg_error err = {0};
    vg_deliver_free(engine);
    for (size_t i = 0; i < http.n; i++)
        http.requests[i].answered = true; /* nobody is there to hear */
    if (vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err) < 0)
        fail_msg("%s", err.msg);
    vg_deliver_random(engine, much_jitter, NULL);
}

/* Nobody knows whether it arrived: what comes meanwhile is told by another one. */
static void test_the_same_again(void **state)
{
    static const int unclear[] = {0, 500, 504};
    char first[VG_KEY_SIZE], second[VG_KEY_SIZE];
    for (size_t i = 0; i < 3; i++) {
        vg_deliver_random(engine, much_jitter, NULL);
        put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
        fake_http_rule(&http, "8 incidents opened", 2, unclear[i], 0);
        turn(NOW);
        assert_string_equal(list_begun(first), "1 2 3 4 5 6 7 8");
        put_news("ops", 10, 7, NOW + VG_US);
        turn_for(NOW + VG_US, VG_US / 4);
        assert_string_equal(list_begun(second), "1 2 3 4 5 6 7 8");
        assert_string_equal(first, second);
        if (i)
            restart();
        turn_for(NOW + VG_MINUTE_US, VG_MINUTE_US);
        assert_int_equal(count_left(), 0);
        for (size_t k = 0; k < store.n; k++)
            assert_int_equal(store.rows[k].state, FAKE_SENT);
        size_t eight = 0, seven = 0, more = 0;
        for (size_t k = 0; k < http.n; k++) {
            eight += strstr(http.requests[k].body, "8 incidents opened") != NULL;
            seven += strstr(http.requests[k].body, "7 incidents opened") != NULL;
            more += strstr(http.requests[k].body, "15 incidents opened") != NULL;
        }
        assert_int_equal(eight, 3);
        assert_int_equal(seven, i ? 0 : 1); /* a restart forgets that they were gathered */
        assert_int_equal(more, 0);
        tear_down(state);
        set_up(state);
    }
}

/* The program dies while it is under way. */
static void test_the_same_after_a_crash(void **state)
{
    struct vg_error err = {0};
    char first[VG_KEY_SIZE], second[VG_KEY_SIZE];
    int64_t again_us;
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    assert_int_equal(vg_deliver_turn(engine, NOW, &again_us, &err), 0);
    assert_true(vg_deliver_under_way(engine));
    assert_string_equal(list_begun(first), "1 2 3 4 5 6 7 8");
    restart();
    put_news("ops", 10, 1, NOW);
    fake_http_rule(&http, "8 incidents opened", 1, 500, 0);
    turn(NOW + VG_US);
    assert_string_equal(list_begun(second), "1 2 3 4 5 6 7 8");
    assert_string_equal(first, second);
    turn_for(NOW + VG_MINUTE_US, VG_MINUTE_US);
    assert_int_equal(count_left(), 0);
}

/* One that always fails keeps nobody else waiting. */
static void test_others_go_beside_it(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    fake_http_rule(&http, "8 incidents opened", -1, 500, 0);
    turn_for(NOW, VG_MINUTE_US);
    put_many("ops", VG_MSG_ACKNOWLEDGE, 20, 1, NOW + VG_MINUTE_US);
    put_news("ops", 30, 1, NOW + VG_MINUTE_US);
    turn_for(NOW + VG_MINUTE_US, 2 * VG_MINUTE_US);
    assert_int_equal(state_of(9), FAKE_SENT);
    assert_int_equal(state_of(10), FAKE_SENT);
    assert_int_equal(count_left(), 8);
}

/* Rows that wait for others do not hide what need not wait, however many they are. */
static void test_held_rows_hide_nothing(void **state)
{
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 6, NOW);
    turn(NOW);
    put_news("ops", 10, 30, NOW + VG_US); /* more than are listed at a time */
    turn(NOW + 2 * VG_US);
    assert_int_equal(fake_http_count(&http, "teams"), 1);
    put_many("ops", VG_MSG_RESOLVE, 80, 1, NOW + 2 * VG_US);
    put_many("ops", VG_MSG_ACKNOWLEDGE, 81, 1, NOW + 2 * VG_US);
    turn_for(NOW + 3 * VG_US, 2 * VG_US);
    assert_int_equal(state_of(37), FAKE_SENT);
    assert_int_equal(state_of(38), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, "teams"), 3);
    assert_int_equal(count_left(), 30);
    turn_for(NOW + VG_US + WITHIN, VG_US);
    assert_int_equal(count_left(), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 4);
}

/* People have dropped all but one of them, or the receiver hears of each now. */
static void test_what_is_left_of_it(void **state)
{
    char key[VG_KEY_SIZE];
    for (int other = 0; other < 2; other++) {
        vg_deliver_random(engine, much_jitter, NULL);
        put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
        fake_http_rule(&http, "8 incidents opened", 1, 500, 0);
        turn(NOW);
        assert_string_equal(list_begun(key), "1 2 3 4 5 6 7 8");
        for (size_t i = 1; i < 8 && !other; i++)
            store.rows[i].state = FAKE_GONE;
        receivers[0].kind = other ? VG_RECEIVER_WEBHOOK : VG_RECEIVER_TEAMS;
        turn_for(NOW + VG_MINUTE_US, VG_MINUTE_US);
        receivers[0].kind = VG_RECEIVER_TEAMS;
        assert_int_equal(count_left(), 0);
        assert_int_equal(fake_http_count(&http, "teams"), other ? 9 : 2);
        tear_down(state);
        set_up(state);
    }
}

/* No digest is wanted any more: what was begun as one ends as one. */
static void test_switched_off_meanwhile(void **state)
{
    (void)state;
    vg_deliver_random(engine, much_jitter, NULL);
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    fake_http_rule(&http, "8 incidents opened", 1, 500, 0);
    turn(NOW);
    receivers[0].digest = 0;
    put_news("ops", 10, 9, NOW + VG_US);
    turn_for(NOW + VG_MINUTE_US, VG_MINUTE_US);
    assert_int_equal(count_left(), 0);
    assert_int_equal(fake_http_count(&http, "teams"), 2 + 9);
}

/* A row that is not there any more costs the others nothing. */
static void test_a_member_that_went_away(void **state)
{
    struct vg_error err = {0};
    int64_t again_us;
    (void)state;
    put_backlog("ops", VG_MSG_OPEN, 0, 8, NOW);
    assert_int_equal(vg_deliver_turn(engine, NOW, &again_us, &err), 0);
    store.rows[3].state = FAKE_GONE;
    turn_for(NOW, VG_MINUTE_US);
    assert_int_equal(fake_http_count(&http, "teams"), 1);
    assert_int_equal(count_left(), 0);
    for (int64_t id = 1; id <= 8; id++)
        assert_int_equal(state_of(id), id == 4 ? FAKE_GONE : FAKE_SENT);
    assert_int_equal(store.ntroubles, 0); /* it was delivered */
}

/* Nobody will try it again: somebody else hears of it. */
static void test_a_message_that_went_away(void **state)
{
    struct vg_error err = {0};
    int64_t again_us;
    (void)state;
    put_news("ops", 0, 1, NOW);
    fake_http_rule(&http, "teams", 1, 503, 0);
    assert_int_equal(vg_deliver_turn(engine, NOW, &again_us, &err), 0);
    store.rows[0].state = FAKE_GONE;
    turn(NOW);
    assert_int_equal(store.ntroubles, 1);
    ASSERT_SAYS(body_of("hook", 0), "receiver ops was to get a message that is not in the outbox");
    assert_int_equal(count_left(), 0);
}

/* News of incidents that were open before are no new ones. */
static void test_updates_are_not_openings(void **state)
{
    (void)state;
    receivers[0].digest = 1;
    put_many("ops", VG_MSG_UPDATE, 0, 4, NOW);
    turn_for(NOW, 3 * VG_US);
    ASSERT_SAYS(body_of("teams", 1), "3 incidents changed");
    put_many("ops", VG_MSG_UPDATE, 4, 2, NOW + VG_MINUTE_US);
    put_news("ops", 6, 3, NOW + VG_MINUTE_US);
    turn_for(NOW + VG_MINUTE_US, 3 * VG_US);
    ASSERT_SAYS(body_of("teams", 3), "4 incidents opened or changed");
    assert_int_equal(count_left(), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_updates_are_not_openings), WITH(test_the_same_again),
        WITH(test_the_same_after_a_crash),   WITH(test_others_go_beside_it),
        WITH(test_held_rows_hide_nothing),   WITH(test_what_is_left_of_it),
        WITH(test_switched_off_meanwhile),   WITH(test_a_member_that_went_away),
        WITH(test_a_message_that_went_away),
    };
    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
