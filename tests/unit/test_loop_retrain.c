/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/loop_retrain.c: how often the loop looks at the ends of training runs.
 * At once while there is nothing to do, not again for a while after there was, and for longer where
 * it could not look. */
#include "tests/unit/loop_kit.h"

#include <stdio.h>
#include <string.h>

static const int64_t now = INT64_C(1000000000000000);

/* An onset whose run has ended, about which nothing is done yet. */
static void put_ended(struct loop_kit *kit, const char *key)
{
    struct vg_onset onset = {
        .model = "delays",
        .dataset = "a",
        .rule = "r",
        .state = VG_ONSET_FIRED,
        .fired = true,
        .fired_us = now,
        .ended_us = VG_NEVER,
        .approval_us = VG_NEVER,
    };
    struct vg_retrain_run run = {
        .model = "delays",
        .system = "airflow",
        .state = VG_RETRAIN_SUCCEEDED,
        .asked_us = now,
        .accepted_us = now,
        .changed_us = now,
        .ended_us = now,
        .next_us = VG_NEVER,
        .until_us = now,
    };
    snprintf(onset.key, sizeof onset.key, "%s", key);
    memcpy(run.key, onset.key, sizeof run.key);
    MUST(kit, vg_store_onset_put(kit->env.store, &onset, &kit->err));
    MUST(kit, vg_store_retrain_run_put(kit->env.store, &run, &kit->err));
}

static enum vg_onset_outcome outcome_of(struct loop_kit *kit, const char *key)
{
    struct vg_onset onset;
    bool found;
    MUST(kit, vg_store_onset_of(kit->env.store, key, kit->store->arena, &onset, &found, &kit->err));
    assert_true(found);
    return onset.outcome;
}

static void look_at(struct loop_kit *kit, int64_t at_us)
{
    kit->env.clock->ops->sleep_until(kit->env.clock, at_us);
    vg_loop_follow(&kit->loop);
}

static void test_nothing_to_do(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "a", now);
    look_at(&kit, now);
    assert_true(kit.loop.follow_us == 0);
    put_ended(&kit, "k1");
    look_at(&kit, now); /* no pause */
    assert_int_equal(outcome_of(&kit, "k1"), VG_OUTCOME_DONE);
    loop_kit_stop(&kit);
}

static void test_after_there_was(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "a", now);
    put_ended(&kit, "k1");
    int committed = kit.committed;
    look_at(&kit, now);
    assert_int_equal(kit.committed, committed + 1); /* whoever delivers is woken */
    assert_true(kit.loop.follow_us == now + 5 * VG_US);
    put_ended(&kit, "k2");
    look_at(&kit, now + 5 * VG_US - 1);
    assert_int_equal(outcome_of(&kit, "k2"), VG_OUTCOME_OPEN);
    look_at(&kit, now + 5 * VG_US);
    assert_int_equal(outcome_of(&kit, "k2"), VG_OUTCOME_DONE);
    assert_true(kit.loop.follow_us == now + 10 * VG_US);
    look_at(&kit, now + 10 * VG_US);
    assert_true(kit.loop.follow_us == 0);
    loop_kit_stop(&kit);
}

static void test_where_it_cannot_look(void **state)
{
    static const struct vg_claim claim = {"test", 1};
    struct loop_kit kit;
    loop_kit_start(&kit, state, "a", now);
    put_ended(&kit, "k1");
    MUST(&kit, vg_store_begin(kit.env.store, &claim, &kit.err)); /* none can be begun now */
    look_at(&kit, now);
    vg_store_rollback(kit.env.store);
    assert_true(kit.loop.follow_us == now + VG_MINUTE_US);
    look_at(&kit, now + VG_MINUTE_US - 1);
    assert_int_equal(outcome_of(&kit, "k1"), VG_OUTCOME_OPEN);
    look_at(&kit, now + VG_MINUTE_US);
    assert_int_equal(outcome_of(&kit, "k1"), VG_OUTCOME_DONE);
    loop_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_to_do),
        TEST(test_after_there_was),
        TEST(test_where_it_cannot_look),
    };
    return cmocka_run_group_tests_name("loop_retrain", tests, NULL, NULL);
}
