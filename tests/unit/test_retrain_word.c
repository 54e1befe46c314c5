/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retraining: dry runs, and the word of people: approval, denial, requests by hand. */
#include "tests/unit/retrain_world.h"

/* --- Dry runs --------------------------------------------------------------------------------- */

static void test_a_dry_run_sends_nothing(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.config.dry_run = true;
    step(&world);
    assert_false(world.out.fire || world.out.onset.fired);
    assert_string_equal(last_decision(&world), "dry_run");
    struct vg_onset onset = world.out.onset;
    world.in.onset = &onset;
    step(&world); /* said once */
    assert_string_equal(last_decision(&world), "none");
    world.config.dry_run = false; /* what was rehearsed can be asked for in earnest */
    step(&world);
    assert_true(world.out.fire && world.out.onset.fired);
    onset = world.out.onset;
    world.config.dry_run = true; /* and what was asked for stays asked for */
    step(&world);
    assert_false(world.out.fire);
    assert_true(world.out.onset.fired);
    stop(&world);
}

/* --- Approval --------------------------------------------------------------------------------- */

static const struct vg_retrain_wish ada = {.by = "ada", .why = "looks real", .asked_us = 77};

static void keep(struct world *world, struct vg_onset *onset)
{
    *onset = world->out.onset;
    world->in.onset = onset->state == VG_ONSET_ENDED ? NULL : onset;
}

static void await(struct world *world, struct vg_onset *onset)
{
    start(world);
    world->config.manual = true;
    step(world);
    assert_false(world->out.fire);
    assert_string_equal(last_decision(world), "waiting");
    assert_int_equal(world->out.tell, VG_TELL_WAITS);
    assert_int_equal(world->out.onset.approval, VG_APPROVAL_ASKED);
    keep(world, onset);
}

/* As a command sees it: no cycle of its own, everything that was due looked at. */
static void look_beside(struct world *world)
{
    static struct vg_cycle now;
    now = (struct vg_cycle){.dataset = "", .now_us = world->cycle.now_us + VG_MINUTE_US};
    world->in.cycle = &now;
    world->in.beside = true;
    for (size_t i = 0; i < 2; i++) {
        world->members[i].progress.known = true;
        world->members[i].progress.watermark_us = day(DAY).end_us;
    }
}

static void test_approval_fires(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    struct vg_error err = {0};
    await(&world, &onset);
    step(&world); /* people are told once */
    assert_int_equal(world.out.tell, VG_TELL_NOTHING);
    look_beside(&world);
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_true(world.out.fire);
    assert_int_equal(world.out.tell, VG_TELL_OVER);
    assert_int_equal(world.out.ndecisions, 2);
    assert_int_equal(world.out.decisions[0].kind, VG_DECIDED_APPROVED);
    assert_string_equal(world.out.decisions[0].by, "ada");
    assert_string_equal(world.out.decisions[0].reason, "looks real");
    assert_string_equal(last_decision(&world), "fired");
    assert_non_null(strstr(last_reason(&world), "approved by ada"));
    keep(&world, &onset);
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), -1);
    assert_int_equal(err.code, VG_E_USAGE); /* the request has been made */
    stop(&world);
}

/* The guards are looked at again when the word is given, and it stands until they pass. */
static void test_approval_is_withheld(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    struct vg_error err = {0};
    await(&world, &onset);
    world.nulls_latest.verdict = VG_FAIL;
    look_beside(&world);
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_false(world.out.fire);
    assert_string_equal(last_decision(&world), "withheld");
    keep(&world, &onset);
    world.nulls_latest.verdict = VG_PASS;
    world.in.cycle = &world.cycle;
    world.in.beside = false;
    step(&world);
    assert_true(world.out.fire);
    stop(&world);
}

/* A command knows nothing of what the daemon has not looked at. */
static void test_approval_of_unseen_data(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    struct vg_error err = {0};
    await(&world, &onset);
    look_beside(&world);
    world.members[1].progress.watermark_us = day(DAY - 2).end_us;
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_string_equal(last_decision(&world), "withheld");
    assert_non_null(strstr(last_reason(&world), "features has been looked at up to"));
    world.members[1].progress.known = false;
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_non_null(strstr(last_reason(&world), "features has not been looked at"));
    stop(&world);
}

static void test_approval_comes_too_late(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    struct vg_error err = {0};
    await(&world, &onset);
    look_beside(&world);
    world.drift.state = VG_ALERT_OK;
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_false(world.out.fire);
    assert_string_equal(last_decision(&world), "ended_unfired");
    stop(&world);
}

static void test_denial(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    struct vg_error err = {0};
    await(&world, &onset);
    assert_int_equal(vg_retrain_deny(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_int_equal(world.out.tell, VG_TELL_OVER);
    assert_string_equal(last_decision(&world), "denied");
    keep(&world, &onset);
    world.config.manual = false; /* whatever the configuration says now */
    step(&world);
    assert_false(world.out.fire);
    assert_string_equal(last_decision(&world), "none");
    look_beside(&world); /* the mind was changed */
    assert_int_equal(vg_retrain_approve(&world.in, &ada, world.arena, &world.out, &err), 0);
    assert_true(world.out.fire);
    stop(&world);
}

/* --- By hand ---------------------------------------------------------------------------------- */

static void ask_by_hand(struct world *world, bool force)
{
    struct vg_error err = {0};
    struct vg_retrain_wish wish = ada;
    memcpy(wish.key, "by-hand", 8);
    wish.force = force;
    look_beside(world);
    assert_int_equal(vg_retrain_by_hand(&world->in, &wish, world->arena, &world->out, &err), 0);
}

static void test_by_hand_without_drift(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.drift.state = VG_ALERT_OK;
    ask_by_hand(&world, false);
    assert_true(world.out.fire && world.out.has_onset);
    assert_string_equal(world.out.onset.key, "by-hand");
    assert_string_equal(world.out.onset.dataset, "predictions");
    assert_int_equal(world.out.onset.evidence.end_us, day(DAY).end_us);
    assert_true(world.out.onset.by_hand && world.out.onset.state == VG_ONSET_ENDED);
    assert_string_equal(world.out.decisions[0].by, "ada");
    assert_non_null(strstr(last_reason(&world), "looks real; every guard"));
    stop(&world);
}

static void test_by_hand_takes_the_open_onset(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    await(&world, &onset);
    ask_by_hand(&world, false);
    assert_true(world.out.fire);
    assert_string_equal(world.out.onset.key, onset.key);
    assert_int_equal(world.out.onset.state, VG_ONSET_FIRED);
    assert_int_equal(world.out.tell, VG_TELL_OVER);
    stop(&world);
}

/* One request for one onset, unless it is forced, or the run has come to nothing. */
static void test_by_hand_of_what_was_asked(void **state)
{
    (void)state;
    struct world world;
    struct vg_onset onset;
    await(&world, &onset);
    onset.state = VG_ONSET_FIRED;
    onset.fired = true;
    onset.fired_us = day(DAY).end_us;
    world.in.onset = &onset;
    world.in.run = VG_FLIGHT_OVER;
    ask_by_hand(&world, false);
    assert_false(world.out.fire || world.out.has_onset);
    assert_non_null(strstr(last_reason(&world), "this drift was asked for already, at "));
    ask_by_hand(&world, true);
    assert_true(world.out.fire && world.out.onset.by_hand);
    assert_non_null(strstr(last_reason(&world), "overridden: this drift was asked for already"));
    world.in.failed = true;
    ask_by_hand(&world, false);
    assert_true(world.out.fire);
    stop(&world);
}

/* What may be forced, and what may not. */
static void test_force(void **state)
{
    (void)state;
    static const struct {
        void (*set)(struct world *);
        bool forced;
    } cases[] = {
        {withhold_cooldown, true},   {withhold_budget, true},   {withhold_day, true},
        {withhold_rows, true},       {withhold_labels, true},   {withhold_quiet, true},
        {withhold_unknown, false},   {withhold_missing, false}, {withhold_failures, false},
        {withhold_in_flight, false}, {withhold_running, false}, {withhold_unfollowed, false},
        {withhold_unjudged, false},  {withhold_late, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        cases[i].set(&world);
        ask_by_hand(&world, false);
        assert_false(world.out.fire || world.out.has_onset);
        assert_string_equal(last_decision(&world), "withheld");
        ask_by_hand(&world, true);
        assert_int_equal(world.out.fire, cases[i].forced);
        if (cases[i].forced)
            assert_non_null(strstr(last_reason(&world), "overridden: "));
        stop(&world);
    }
}

static void test_by_hand_in_a_dry_run(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.config.dry_run = true;
    ask_by_hand(&world, true);
    assert_false(world.out.fire || world.out.onset.fired);
    assert_string_equal(last_decision(&world), "dry_run");
    stop(&world);
}

static void test_by_hand_of_nothing(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.in.nmembers = 0;
    ask_by_hand(&world, true);
    assert_string_equal(last_decision(&world), "withheld");
    assert_non_null(strstr(last_reason(&world), "no rule file names the model m"));
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dry_run_sends_nothing),
        cmocka_unit_test(test_approval_fires),
        cmocka_unit_test(test_approval_is_withheld),
        cmocka_unit_test(test_approval_of_unseen_data),
        cmocka_unit_test(test_approval_comes_too_late),
        cmocka_unit_test(test_denial),
        cmocka_unit_test(test_by_hand_without_drift),
        cmocka_unit_test(test_by_hand_takes_the_open_onset),
        cmocka_unit_test(test_by_hand_of_what_was_asked),
        cmocka_unit_test(test_force),
        cmocka_unit_test(test_by_hand_in_a_dry_run),
        cmocka_unit_test(test_by_hand_of_nothing),
    };
    return cmocka_run_group_tests_name("retrain_word", tests, NULL, NULL);
}
