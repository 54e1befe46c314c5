/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for the rules of retraining: two daily datasets of a model, both judged up to the
 * same day, drift firing on the predictions; and what may withhold a request. For test programs. */
#ifndef PGVIGIL_TESTS_RETRAIN_WORLD_H
#define PGVIGIL_TESTS_RETRAIN_WORLD_H

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

#define UNUSED __attribute__((unused))

static const struct vg_check_type ks = {.name = "ks", .class = VG_CLASS_DRIFT};
static const struct vg_check_type nulls = {.name = "nulls", .class = VG_CLASS_QUALITY};

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

UNUSED static struct vg_window day(int64_t n)
{
    return (struct vg_window){n * VG_DAY_US, (n + 1) * VG_DAY_US, false};
}

UNUSED static void fill_member(struct vg_group_member *member, const struct vg_dataset *dataset,
                               int64_t n)
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

UNUSED static void start(struct world *world)
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

UNUSED static void stop(struct world *world)
{
    vg_arena_free(world->arena);
}

UNUSED static void step(struct world *world)
{
    struct vg_error err;
    assert_int_equal(vg_retrain(&world->in, world->arena, &world->out, &err), 0);
}

UNUSED static const char *last_decision(const struct world *world)
{
    size_t n = world->out.ndecisions;
    return n ? vg_decision_name(world->out.decisions[n - 1].kind) : "none";
}

UNUSED static const char *last_reason(const struct world *world)
{
    size_t n = world->out.ndecisions;
    return n ? world->out.decisions[n - 1].reason : "";
}

/* --- What withholds ---- */

UNUSED static void withhold_failures(struct world *world)
{
    world->members[1].progress.failures = 1;
}
UNUSED static void withhold_unknown(struct world *world)
{
    world->nulls_latest.verdict = VG_UNKNOWN;
}
UNUSED static void withhold_stale_rule(struct world *world)
{
    world->nulls_latest.window_end_us -= VG_DAY_US;
}
UNUSED static void withhold_missing(struct world *world)
{
    world->members[1].nlatest = 0;
}
UNUSED static void withhold_nodata_after_fail(struct world *world)
{
    world->nulls_latest.verdict = VG_NODATA;
    world->nulls_latest.decided = VG_FAIL;
}
UNUSED static void withhold_unjudged(struct world *world)
{
    world->members[1].has_newest = false;
}
UNUSED static void withhold_late(struct world *world)
{
    world->members[0].newest.committed_us += VG_DAY_US + 1;
}
UNUSED static void withhold_catching_up(struct world *world)
{
    world->in.catching_up = true;
}
UNUSED static void withhold_in_flight(struct world *world)
{
    world->in.in_flight = true;
}
UNUSED static void withhold_cooldown(struct world *world)
{
    static int64_t fired;
    fired = world->cycle.now_us - VG_HOUR_US;
    world->in.fired = &fired;
    world->in.nfired = 1;
}
UNUSED static void withhold_budget(struct world *world)
{
    static int64_t fired[2];
    fired[0] = world->cycle.now_us - 2 * VG_DAY_US;
    fired[1] = world->cycle.now_us - 3 * VG_DAY_US;
    world->in.fired = fired;
    world->in.nfired = 2;
}

UNUSED static void withhold_day(struct world *world)
{
    withhold_budget(world);
    static int64_t fired[1];
    fired[0] = world->cycle.now_us - 2 * VG_HOUR_US;
    world->in.fired = fired;
    world->in.nfired = 1;
    world->config.cooldown_us = 0;
    world->config.max_per_day = 1;
}
UNUSED static void withhold_rows(struct world *world)
{
    world->config.min_rows = 1000;
    world->members[0].fresh_rows = 1000;
    world->members[1].fresh_rows = 999;
}
UNUSED static void withhold_labels(struct world *world)
{
    world->config.min_labels = 10;
}
UNUSED static void withhold_few_labels(struct world *world)
{
    world->config.min_labels = 10;
    world->features.role = VG_ROLE_LABELS;
    world->members[1].fresh_rows = 9;
}
static const struct vg_quiet quiet_now = {
    .from_us = INT64_MIN, .until_us = VG_NEVER, .why = "the freeze of the year's end"};
UNUSED static void withhold_quiet(struct world *world)
{
    world->config.quiet = (struct vg_quiet *)(uintptr_t)&quiet_now;
    world->config.nquiet = 1;
}
UNUSED static void set_last_request(struct world *world, enum vg_retrain_flight run, int64_t ago_us)
{
    static int64_t fired;
    fired = world->cycle.now_us - ago_us;
    world->in.fired = &fired;
    world->in.nfired = 1;
    world->in.run = run;
    world->config.cooldown_us = 0;
    world->config.in_flight_us = VG_DEFAULT;
}
UNUSED static void withhold_running(struct world *world)
{
    set_last_request(world, VG_FLIGHT_GOING, 6 * VG_DAY_US);
}
UNUSED static void withhold_unfollowed(struct world *world)
{
    set_last_request(world, VG_FLIGHT_UNKNOWN, VG_HOUR_US);
    world->config.in_flight_us = 2 * VG_HOUR_US;
}

#endif
