/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retraining: the life of an onset, and each guard by itself. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/retrain.h"
#include "pgvigil/check.h"

static const struct vg_check_type ks = {.name = "ks", .class = VG_CLASS_DRIFT};
static const struct vg_check_type nulls = {.name = "nulls", .class = VG_CLASS_QUALITY};

/* Two daily datasets of a model, both judged up to the same day, drift firing on the predictions.
 */
struct world {
    struct vg_arena *arena;
    struct vg_retraining config;
    struct vg_rule rules[2];
    struct vg_dataset predictions, features;
    struct vg_latest nulls_latest, ks_latest;
    struct vg_alert drift;
    struct vg_group_member members[2];
    struct vg_cycle cycle;
    struct vg_retrain_in in;
    struct vg_retrain_out out;
};

enum { DAY = 1000 };

static struct vg_window day(int64_t n)
{
    return (struct vg_window){n * VG_DAY_US, (n + 1) * VG_DAY_US, false};
}

static void fill_member(struct vg_group_member *member, const struct vg_dataset *dataset, int64_t n)
{
    *member = (struct vg_group_member){
        .dataset = dataset,
        .has_newest = true,
        .newest = {.window = day(n),
                   .due_us = day(n).end_us + 10 * VG_MINUTE_US,
                   .committed_us = day(n).end_us + 10 * VG_MINUTE_US,
                   .rows = 3000},
    };
}

static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new()};
    assert_non_null(world->arena);
    world->config = (struct vg_retraining){.model = "m",
                                           .when = 1U << VG_CLASS_DRIFT,
                                           .after = 1,
                                           .cooldown_us = VG_DAY_US,
                                           .max_per_week = 2};
    world->rules[0] = (struct vg_rule){.id = "p.drift.ks", .column = "p", .type = &ks};
    world->rules[1] = (struct vg_rule){.id = "x.nulls", .column = "x", .type = &nulls};
    struct vg_schedule schedule = {.window_us = VG_DAY_US, .delay_us = 10 * VG_MINUTE_US};
    world->predictions = (struct vg_dataset){.id = "predictions",
                                             .model = "m",
                                             .role = VG_ROLE_PREDICTIONS,
                                             .zone = &vg_utc,
                                             .schedule = schedule,
                                             .rules = &world->rules[0],
                                             .nrules = 1};
    world->features = world->predictions;
    world->features.id = "features";
    world->features.role = VG_ROLE_FEATURES;
    world->features.rules = &world->rules[1];
    fill_member(&world->members[0], &world->predictions, DAY);
    fill_member(&world->members[1], &world->features, DAY);
    world->nulls_latest = (struct vg_latest){.dataset = "features",
                                             .rule = "x.nulls",
                                             .class = VG_CLASS_QUALITY,
                                             .cadence = VG_ON_WINDOW,
                                             .verdict = VG_PASS,
                                             .decided = VG_PASS,
                                             .why = "0 % null",
                                             .window_end_us = day(DAY).end_us,
                                             .decided_us = day(DAY).end_us};
    world->members[1].latest = &world->nulls_latest;
    world->members[1].nlatest = 1;
    world->drift = (struct vg_alert){.rule = "p.drift.ks",
                                     .check = "ks",
                                     .class = VG_CLASS_DRIFT,
                                     .state = VG_ALERT_FIRING,
                                     .verdict = VG_FAIL,
                                     .bad = 1,
                                     .why = "D 0.48 above 0.35"};
    world->members[0].alerts = &world->drift;
    world->members[0].nalerts = 1;
    world->cycle = (struct vg_cycle){.dataset = "predictions",
                                     .has_window = true,
                                     .window = day(DAY),
                                     .due_us = day(DAY).end_us + 10 * VG_MINUTE_US,
                                     .now_us = day(DAY).end_us + 10 * VG_MINUTE_US,
                                     .rows = 3000};
    world->in = (struct vg_retrain_in){.config = &world->config,
                                       .agent = "prod",
                                       .cycle = &world->cycle,
                                       .members = world->members,
                                       .nmembers = 2};
}

static void stop(struct world *world)
{
    vg_arena_free(world->arena);
}

static void step(struct world *world)
{
    struct vg_error err;
    assert_int_equal(vg_retrain(&world->in, world->arena, &world->out, &err), 0);
}

static const char *last_decision(const struct world *world)
{
    size_t n = world->out.ndecisions;
    return n ? vg_decision_name(world->out.decisions[n - 1].kind) : "none";
}

static const char *last_reason(const struct world *world)
{
    size_t n = world->out.ndecisions;
    return n ? world->out.decisions[n - 1].reason : "";
}

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

static void withhold_failures(struct world *world)
{
    world->members[1].progress.failures = 1;
}
static void withhold_unknown(struct world *world)
{
    world->nulls_latest.verdict = VG_UNKNOWN;
}
static void withhold_stale_rule(struct world *world)
{
    world->nulls_latest.window_end_us -= VG_DAY_US;
}
static void withhold_missing(struct world *world)
{
    world->members[1].nlatest = 0;
}
static void withhold_nodata_after_fail(struct world *world)
{
    world->nulls_latest.verdict = VG_NODATA;
    world->nulls_latest.decided = VG_FAIL;
}
static void withhold_unjudged(struct world *world)
{
    world->members[1].has_newest = false;
}
static void withhold_late(struct world *world)
{
    world->members[0].newest.committed_us += VG_DAY_US + 1;
}
static void withhold_catching_up(struct world *world)
{
    world->in.catching_up = true;
}
static void withhold_in_flight(struct world *world)
{
    world->in.in_flight = true;
}
static void withhold_cooldown(struct world *world)
{
    static int64_t fired;
    fired = world->cycle.now_us - VG_HOUR_US;
    world->in.fired = &fired;
    world->in.nfired = 1;
}
static void withhold_budget(struct world *world)
{
    static int64_t fired[2];
    fired[0] = world->cycle.now_us - 2 * VG_DAY_US;
    fired[1] = world->cycle.now_us - 3 * VG_DAY_US;
    world->in.fired = fired;
    world->in.nfired = 2;
}

static void withhold_day(struct world *world)
{
    withhold_budget(world);
    static int64_t fired[1];
    fired[0] = world->cycle.now_us - 2 * VG_HOUR_US;
    world->in.fired = fired;
    world->in.nfired = 1;
    world->config.cooldown_us = 0;
    world->config.max_per_day = 1;
}
static void withhold_rows(struct world *world)
{
    world->config.min_rows = 1000;
    world->members[0].fresh_rows = 1000;
    world->members[1].fresh_rows = 999;
}
static void withhold_labels(struct world *world)
{
    world->config.min_labels = 10;
}
static void withhold_few_labels(struct world *world)
{
    world->config.min_labels = 10;
    world->features.role = VG_ROLE_LABELS;
    world->members[1].fresh_rows = 9;
}
static const struct vg_quiet quiet_now = {
    .from_us = INT64_MIN, .until_us = VG_NEVER, .why = "the freeze of the year's end"};
static void withhold_quiet(struct world *world)
{
    world->config.quiet = (struct vg_quiet *)(uintptr_t)&quiet_now;
    world->config.nquiet = 1;
}
static void set_last_request(struct world *world, enum vg_retrain_flight run, int64_t ago_us)
{
    static int64_t fired;
    fired = world->cycle.now_us - ago_us;
    world->in.fired = &fired;
    world->in.nfired = 1;
    world->in.run = run;
    world->config.cooldown_us = 0;
    world->config.in_flight_us = VG_DEFAULT;
}
static void withhold_running(struct world *world)
{
    set_last_request(world, VG_FLIGHT_GOING, 6 * VG_DAY_US);
}
static void withhold_unfollowed(struct world *world)
{
    set_last_request(world, VG_FLIGHT_UNKNOWN, VG_HOUR_US);
    world->config.in_flight_us = 2 * VG_HOUR_US;
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
        cmocka_unit_test(test_what_is_no_longer_under_way),
        cmocka_unit_test(test_a_dry_run_sends_nothing),
        cmocka_unit_test(test_approval_fires),
        cmocka_unit_test(test_approval_is_withheld),
        cmocka_unit_test(test_approval_of_unseen_data),
        cmocka_unit_test(test_approval_comes_too_late),
        cmocka_unit_test(test_denial),
        cmocka_unit_test(test_by_hand_without_drift),
        cmocka_unit_test(test_by_hand_takes_the_open_onset),
        cmocka_unit_test(test_force),
        cmocka_unit_test(test_by_hand_in_a_dry_run),
        cmocka_unit_test(test_by_hand_of_nothing),
        cmocka_unit_test(test_fires_once_and_ends),
        cmocka_unit_test(test_nothing_without_drift),
        cmocka_unit_test(test_withheld_then_ended_unfired),
        cmocka_unit_test(test_withheld_then_fired),
        cmocka_unit_test(test_late_evidence),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_what_does_not_withhold),
    };
    return cmocka_run_group_tests_name("retrain", tests, NULL, NULL);
}
