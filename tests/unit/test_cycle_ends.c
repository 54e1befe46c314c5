/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_ends.c: what the end of an incident says of the worst and of the
 * retraining, as it was decided by the same cycle. */
#include "tests/unit/retrain_cycles.h"

#include "agent/message.h"

/* The end that waits for a receiver; what was told before it is taken as delivered. */
static const char *take_end(struct cycle_kit *kit, struct vg_message *out)
{
    struct vg_outgoing *rows;
    size_t n;
    for (int tries = 0; tries < 20; tries++) {
        MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows,
                                      &n, &kit->err));
        for (size_t i = 0; i < n; i++) {
            if (rows[i].sink_kind != VG_SINK_RECEIVER)
                continue;
            if (rows[i].kind == VG_MSG_RESOLVE) {
                MUST(kit, vg_message_read(rows[i].body, kit->store->arena, out, &kit->err));
                return out->retraining;
            }
            MUST(kit, vg_store_outbox_sent(kit->env.store, rows[i].id, 1, &kit->err));
        }
    }
    fail_msg("no end waits");
    return NULL;
}

static void expect_words(const char *words, const char *start, const char *also)
{
    if (!words || strncmp(words, start, strlen(start)) != 0 || !strstr(words, also))
        fail_msg("it says: %s", words ? words : "nothing");
}

/* Drift of more rows than another time, in the middle of it. */
static void test_the_worst(void **state)
{
    struct cycle_kit kit;
    struct vg_message end;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    struct vg_window span = made_hour(1);
    source_kit_add(&kit.source, &span, 300, 95, 1 / 3.0);
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(1)));
    run_hour(&kit, 2, true, false);
    run_hour(&kit, 3, false, false);
    take_end(&kit, &end);
    assert_int_equal(end.nitems, 1);
    assert_string_equal(end.items[0].rule, "value.drift.ks");
    assert_true(end.items[0].worst.at_us == span.start_us);
    assert_true(end.items[0].worst.value > 0.9 && end.items[0].worst.limit == 0.35);
    assert_true(end.items[0].value < 0.35);
    assert_string_equal(end.reference, "the reference table ml.train (version 1)");
    cycle_kit_stop(&kit);
}

static void test_a_run_that_is_under_way(void **state)
{
    static const struct {
        enum vg_retrain_state state;
        const char *says;
    } cases[] = {
        {VG_RETRAIN_ACCEPTED, "; the request was taken at 2001-05-16T"},
        {VG_RETRAIN_RUNNING, "; the run is under way since 2001-05-16T"},
        {VG_RETRAIN_SUCCEEDED, "; it succeeded at 2001-05-16T"},
        {VG_RETRAIN_FAILED, "; it failed at 2001-05-16T"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cycle_kit kit;
        struct vg_onset onset;
        struct vg_outgoing request;
        struct vg_message end;
        start(&kit, state, "cooldown: 4h");
        run_hour(&kit, 0, true, false);
        assert_true(find_onset(&kit, &onset));
        assert_int_equal(list_requests(&kit, &request), 1);
        MUST(&kit, vg_store_outbox_sent(kit.env.store, request.id, 1, &kit.err));
        const struct vg_retrain_run run = {.model = "delays",
                                           .system = "airflow",
                                           .id = "manual__1",
                                           .state = cases[i].state,
                                           .asked_us = cycle_kit_due(0),
                                           .accepted_us = cycle_kit_due(0),
                                           .changed_us = cycle_kit_due(0) + VG_MINUTE_US,
                                           .ended_us = VG_NEVER,
                                           .next_us = VG_NEVER,
                                           .until_us = VG_NEVER};
        struct vg_retrain_run known = run;
        memcpy(known.key, onset.key, VG_KEY_SIZE);
        MUST(&kit, vg_store_retrain_run_put(kit.env.store, &known, &kit.err));
        run_hour(&kit, 1, false, false);
        const char *words = take_end(&kit, &end);
        expect_words(words, "retraining of delays: asked for at 2001-05-16T", cases[i].says);
        expect_words(words, "", " (airflow, run manual__1)");
        cycle_kit_stop(&kit);
        if (i + 1 < sizeof cases / sizeof cases[0]) { /* the fixture is one for each test */
            fixture_teardown(state);
            fixture_setup(state);
        }
    }
}

/* What was withheld, and what this very cycle takes back. */
static void test_what_was_not_asked_for(void **state)
{
    struct cycle_kit kit;
    struct vg_message end;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, true);
    for (int i = 0; i < 60; i++) { /* about others of the group, since then */
        const struct vg_decision other = {.model = "delays",
                                          .key = "other",
                                          .at_us = cycle_kit_due(0) + i,
                                          .kind = i % 2 ? VG_DECIDED_OPENED : VG_DECIDED_WITHHELD,
                                          .reason = "another"};
        MUST(&kit, vg_store_decision_put(kit.env.store, &other, NULL, &kit.err));
    }
    run_hour(&kit, 1, false, false);
    expect_words(take_end(&kit, &end),
                 "retraining of delays: was not asked for: ", "value.nulls of predictions: fail");
    cycle_kit_stop(&kit);
    fixture_teardown(state);
    fixture_setup(state);
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    run_hour(&kit, 1, false, false);
    struct vg_outgoing request;
    assert_int_equal(list_requests(&kit, &request), 0);
    expect_words(take_end(&kit, &end), "retraining of delays: was not asked for", "");
    cycle_kit_stop(&kit);
}

/* Drift that was not long enough opens no onset; what is no drift says nothing of it. */
static void test_no_onset(void **state)
{
    struct cycle_kit kit;
    struct vg_message end;
    start(&kit, state, "after: 3");
    run_hour(&kit, 0, true, false);
    run_hour(&kit, 1, false, false);
    assert_string_equal(take_end(&kit, &end), "retraining of delays: none was asked for");
    cycle_kit_stop(&kit);
    fixture_teardown(state);
    fixture_setup(state);
    start(&kit, state, "after: 3");
    run_hour(&kit, 0, false, true);
    run_hour(&kit, 1, false, false);
    assert_null(take_end(&kit, &end));
    cycle_kit_stop(&kit);
}

/* Everything that waits is taken as delivered. */
static void send_all(struct cycle_kit *kit)
{
    struct vg_outgoing *rows;
    size_t n;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++)
        MUST(kit, vg_store_outbox_sent(kit->env.store, rows[i].id, 1, &kit->err));
}

/* The next incident, of the very next window, is none that the request was made for. */
static void test_an_onset_of_before(void **state)
{
    struct cycle_kit kit;
    struct vg_message end;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    send_all(&kit);
    run_hour(&kit, 1, false, false);
    expect_words(take_end(&kit, &end), "retraining of delays: asked for at ", "");
    send_all(&kit);
    run_hour(&kit, 2, true, false);
    run_hour(&kit, 3, false, false);
    expect_words(take_end(&kit, &end), "retraining of delays: was not asked for: ", "cooldown");
    cycle_kit_stop(&kit);
}

/* Nor where an hour is caught up, whose cycle runs when the next incident is due already. */
static void test_an_onset_of_before_caught_up(void **state)
{
    struct cycle_kit kit;
    struct vg_message end;
    struct vg_window calm = made_hour(2), drifts = made_hour(3);
    start(&kit, state, "after: 2");
    run_hour(&kit, 0, true, false);
    run_hour(&kit, 1, true, false);
    struct vg_outgoing request;
    assert_int_equal(list_requests(&kit, &request), 1);
    send_all(&kit);
    source_kit_add(&kit.source, &calm, 300, 0, 1 / 3.0);
    source_kit_add(&kit.source, &drifts, 300, 80, 1 / 3.0);
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(3) + VG_MINUTE_US));
    cycle_kit_expect(&kit, "value.drift.ks", VG_PASS);
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(3) + 2 * VG_MINUTE_US));
    cycle_kit_expect(&kit, "value.drift.ks", VG_FAIL);
    send_all(&kit);
    send_all(&kit);
    run_hour(&kit, 4, false, false);
    assert_string_equal(take_end(&kit, &end), "retraining of delays: none was asked for");
    cycle_kit_stop(&kit);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_the_worst),
        WITH(test_a_run_that_is_under_way),
        WITH(test_what_was_not_asked_for),
        WITH(test_no_onset),
        WITH(test_an_onset_of_before),
        WITH(test_an_onset_of_before_caught_up),
    };
    return cmocka_run_group_tests_name("cycle_ends", tests, NULL, NULL);
}
