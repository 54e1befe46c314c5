/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retraining: the life of an onset, and each guard by itself. */
#include "tests/unit/retrain_world.h"

static void test_fires_once_and_ends(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    step(&world);
    assert_true(world.out.fire);
    assert_int_equal(world.out.ndecisions, 2); /* opened, fired */
    assert_string_equal(last_decision(&world), "fired");
    assert_int_equal(world.out.onset.evidence.end_us, day(DAY).end_us);
    struct vg_onset onset = world.out.onset;
    world.in.onset = &onset;
    step(&world);
    assert_false(world.out.fire);
    assert_string_equal(last_decision(&world), "none");
    world.drift.state = VG_ALERT_OK;
    step(&world);
    assert_string_equal(last_decision(&world), "ended");
    assert_int_equal(world.out.onset.state, VG_ONSET_ENDED);
    stop(&world);
}

static void test_nothing_without_drift(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.drift.state = VG_ALERT_OK;
    step(&world);
    assert_false(world.out.has_onset);
    world.drift.state = VG_ALERT_FIRING;
    world.drift.class = VG_CLASS_QUALITY;
    step(&world);
    assert_false(world.out.has_onset);
    world.drift.class = VG_CLASS_DRIFT;
    struct vg_rule beside = {.id = world.drift.rule, .compare = {.segment = "country"}};
    struct vg_rule *rules = world.predictions.rules;
    size_t nrules = world.predictions.nrules;
    world.predictions.rules = &beside; /* one segment beside another */
    world.predictions.nrules = 1;
    world.drift.segment = "country=FR";
    step(&world);
    assert_false(world.out.has_onset);
    world.predictions.rules = rules;
    world.predictions.nrules = nrules;
    world.config.after = 2;
    step(&world);
    assert_false(world.out.has_onset);
    world.config.after = 1;
    step(&world);
    assert_true(world.out.has_onset);
    assert_string_equal(world.out.onset.segment, "country=FR");
    assert_non_null(strstr(world.out.decisions[0].reason, ", country=FR: "));
    stop(&world);
}

static void test_withheld_then_ended_unfired(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.nulls_latest.verdict = VG_FAIL;
    world.nulls_latest.why = "20 % null, 5 % allowed";
    step(&world);
    assert_false(world.out.fire);
    assert_string_equal(last_decision(&world), "withheld");
    assert_non_null(strstr(last_reason(&world), "x.nulls of features: fail, 20 % null"));
    struct vg_onset onset = world.out.onset;
    world.in.onset = &onset;
    world.drift.state = VG_ALERT_OK;
    step(&world);
    assert_string_equal(last_decision(&world), "ended_unfired");
    stop(&world);
}

static void test_withheld_then_fired(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    fill_member(&world.members[1], &world.features, DAY - 1); /* not yet as far as the evidence */
    world.members[1].latest = &world.nulls_latest;
    world.members[1].nlatest = 1;
    step(&world);
    assert_string_equal(last_decision(&world), "withheld");
    assert_non_null(strstr(last_reason(&world), "features has been judged up to"));
    struct vg_onset onset = world.out.onset;
    world.in.onset = &onset;
    fill_member(&world.members[1], &world.features, DAY);
    world.members[1].latest = &world.nulls_latest;
    world.members[1].nlatest = 1;
    world.cycle.dataset = "features";
    step(&world);
    assert_true(world.out.fire);
    assert_string_equal(world.out.onset.key, onset.key);
    stop(&world);
}

/* A guard that holds until the drift has passed its first windows: nothing is asked for then. */
static void test_drift_that_clears(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.nulls_latest.verdict = VG_FAIL;
    step(&world);
    assert_string_equal(last_decision(&world), "withheld");
    struct vg_onset onset = world.out.onset;
    world.in.onset = &onset;
    static const enum vg_alert_state states[] = {VG_ALERT_CLEARING, VG_ALERT_FIRING_BLIND};
    for (size_t i = 0; i < 2; i++) {
        world.drift.state = states[i];
        world.drift.good = 1;
        world.nulls_latest.verdict = VG_FAIL; /* what people are told then is what withholds most */
        step(&world);
        assert_non_null(strstr(last_reason(&world), "x.nulls of features: fail"));
        world.nulls_latest.verdict = VG_PASS;
        step(&world);
        assert_false(world.out.fire);
        assert_string_equal(last_reason(&world),
                            "the drift does not persist: what still fires is clearing");
    }
    world.drift.good = 0; /* blind since it failed */
    step(&world);
    assert_true(world.out.fire);
    stop(&world);
}

/* A window that was filled and judged more than a day after its time opens nothing. */
static void test_late_evidence(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.cycle.now_us += VG_DAY_US + 1;
    step(&world);
    assert_false(world.out.has_onset);
    world.cycle.now_us -= 2;
    step(&world);
    assert_true(world.out.has_onset);
    stop(&world);
}

static void test_guards(void **state)
{
    (void)state;
    static const struct {
        void (*set)(struct world *);
        const char *says;
    } cases[] = {
        {withhold_failures, "features could not be read"},
        {withhold_unknown, "x.nulls of features: unknown"},
        {withhold_stale_rule, "x.nulls of features has no verdict on the newest window"},
        {withhold_missing, "x.nulls of features has not been checked"},
        {withhold_nodata_after_fail, "no data now, before that fail"},
        {withhold_unjudged, "no window of features with rows has been judged"},
        {withhold_late, "judged more than 24h after it was due"},
        {withhold_catching_up, "caught up"},
        {withhold_in_flight, "still being delivered"},
        {withhold_cooldown, "cooldown until"},
        {withhold_budget, "2 requests in the last week, 2 allowed"},
        {withhold_day, "1 request in the last day, 1 allowed"},
        {withhold_rows, "features has 999 new rows, 1000 are needed"},
        {withhold_labels, "no dataset of m holds labels"},
        {withhold_few_labels, "features has 9 new labels, 10 are needed"},
        {withhold_quiet, "a quiet time: the freeze of the year's end"},
        {withhold_running, "has not ended, and counts as under way until"},
        {withhold_unfollowed, "has ended is not known, and counts as under way until"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        cases[i].set(&world);
        step(&world);
        assert_false(world.out.fire);
        assert_string_equal(last_decision(&world), "withheld");
        if (!strstr(last_reason(&world), cases[i].says))
            fail_msg("'%s' does not say '%s'", last_reason(&world), cases[i].says);
        stop(&world);
    }
}

static void test_what_does_not_withhold(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.nulls_latest.verdict = VG_WARN;
    step(&world);
    assert_true(world.out.fire);
    world.nulls_latest.verdict = VG_NODATA;
    world.nulls_latest.decided = VG_NODATA; /* never another verdict */
    step(&world);
    assert_true(world.out.fire);
    world.nulls_latest.decided = VG_FAIL; /* too long ago to count */
    world.nulls_latest.decided_us -= 3 * VG_DAY_US;
    step(&world);
    assert_true(world.out.fire);
    stop(&world);
}

/* A run that is over, or so old that it counts as over. */
static void test_what_is_no_longer_under_way(void **state)
{
    (void)state;
    static const struct {
        enum vg_retrain_flight run;
        int64_t ago_us, for_us;
    } cases[] = {{VG_FLIGHT_OVER, VG_MINUTE_US, VG_DEFAULT},
                 {VG_FLIGHT_OVER, VG_MINUTE_US, VG_HOUR_US},
                 {VG_FLIGHT_UNKNOWN, VG_MINUTE_US, VG_DEFAULT}, /* the cooldown is for that */
                 {VG_FLIGHT_UNKNOWN, VG_HOUR_US, VG_HOUR_US},
                 {VG_FLIGHT_GOING, VG_WEEK_US, VG_DEFAULT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        set_last_request(&world, cases[i].run, cases[i].ago_us);
        world.config.in_flight_us = cases[i].for_us;
        step(&world);
        assert_true(world.out.fire);
        stop(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_longer_under_way),
        cmocka_unit_test(test_fires_once_and_ends),
        cmocka_unit_test(test_nothing_without_drift),
        cmocka_unit_test(test_withheld_then_ended_unfired),
        cmocka_unit_test(test_withheld_then_fired),
        cmocka_unit_test(test_drift_that_clears),
        cmocka_unit_test(test_late_evidence),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_what_does_not_withhold),
    };
    return cmocka_run_group_tests_name("retrain", tests, NULL, NULL);
}
