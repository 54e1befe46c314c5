/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rehearsals: incidents that given distances would have opened, and the least quiet limit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/rehearse.h"
#include "pgvigil/check.h"

enum { WINDOWS = 24, RULES = 3 };

struct world {
    struct vg_dataset dataset;
    struct vg_window windows[WINDOWS];
    struct vg_rule rules[RULES];
    double d[RULES][WINDOWS];
    struct vg_rehearsed_rule rehearsed[RULES];
    struct vg_rehearsal rehearsal;
};

static void start(struct world *world, int64_t width_us)
{
    *world = (struct world){.dataset = {.id = "flights",
                                        .table = "flights",
                                        .zone = &vg_utc,
                                        .schedule = {.window_us = width_us}}};
    for (int64_t w = 0; w < WINDOWS; w++)
        world->windows[w] = (struct vg_window){w * width_us, (w + 1) * width_us, false};
    world->rehearsal = (struct vg_rehearsal){.dataset = &world->dataset,
                                             .windows = world->windows,
                                             .nwindows = WINDOWS,
                                             .rules = world->rehearsed};
}

/* One digit of tenths per window, "." for too few rows. */
static struct vg_rule *add_rule(struct world *world, double limit, const char *tenths)
{
    static const char *const ids[] = {"a.drift.ks", "b.drift.ks", "c.drift.ks"};
    size_t at = world->rehearsal.nrules++;
    assert_int_equal(strlen(tenths), WINDOWS);
    for (size_t w = 0; w < WINDOWS; w++)
        world->d[at][w] = tenths[w] == '.' ? (double)NAN : (tenths[w] - '0') / 10.0;
    world->rules[at] = (struct vg_rule){
        .id = ids[at],
        .column = "x",
        .type = vg_check_find("ks"),
        .limits = {.has_fail = true, .fail = limit},
        .severity = VG_SEVERITY_CRITICAL,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
    };
    world->rehearsed[at] = (struct vg_rehearsed_rule){.rule = &world->rules[at], .d = world->d[at]};
    return &world->rules[at];
}

static void rehearse(struct world *world)
{
    struct vg_error err;
    assert_int_equal(vg_rehearse(&world->rehearsal, &err), 0);
}

static void test_incidents_of_one_rule(void **state)
{
    (void)state;
    static const struct {
        const char *d;
        double limit;
        int after, resolve_after;
        int64_t width_us;
        size_t incidents;
    } cases[] = {
        {"111111111111111111111111", 0.35, -1, -1, VG_DAY_US, 0},
        {"111111511111111111111111", 0.35, -1, -1, VG_DAY_US, 1},
        {"111111555511111111111111", 0.35, -1, -1, VG_DAY_US, 1}, /* one that lasts */
        {"111111511111151111115111", 0.35, -1, -1, VG_DAY_US, 3},
        {"111111511111151111115111", 0.50, -1, -1, VG_DAY_US, 0}, /* at the limit is no fail */
        {"111111515111111111111111", 0.35, -1, -1, VG_DAY_US, 2}, /* a day's pass ends it */
        {"111111515111111111111111", 0.35, -1, 2, VG_DAY_US, 1},
        {"111111515111111111111111", 0.35, -1, -1, VG_HOUR_US, 1}, /* hours: three passes */
        {"111111511115111111111111", 0.35, -1, -1, VG_HOUR_US, 2},
        {"111111511115511111111111", 0.35, 2, -1, VG_HOUR_US, 1},
        {"........................", 0.35, -1, -1, VG_DAY_US, 0},
        {"111115.511111111111.....", 0.35, -1, -1, VG_DAY_US, 1}, /* too few rows end nothing */
        {"511111111111111111111115", 0.35, -1, -1, VG_DAY_US, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world, cases[i].width_us);
        struct vg_rule *rule = add_rule(&world, cases[i].limit, cases[i].d);
        rule->after = cases[i].after;
        rule->resolve_after = cases[i].resolve_after;
        rehearse(&world);
        if (world.rehearsed[0].incidents != cases[i].incidents)
            fail_msg("case %zu: %zu incidents", i, world.rehearsed[0].incidents);
        assert_int_equal(world.rehearsal.incidents, cases[i].incidents);
    }
}

/* The smallest distance of the highest quarter at which one incident at most would open. */
static void test_least_limit(void **state)
{
    (void)state;
    static const struct {
        const char *d;
        double least; /* NAN: there is none */
    } cases[] = {
        {"111111111111111111111111", 0.1}, {"111111511111111111111111", 0.1},
        {"111111511111151111115111", 0.5}, {"111111511111161111117111", 0.6},
        {"123456789987654321111111", 0.6}, /* one hill, cut where a quarter of it begins */
        {"........................", NAN}, {".......4................", 0.4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world, VG_DAY_US);
        add_rule(&world, 0.35, cases[i].d);
        rehearse(&world);
        double least = world.rehearsed[0].least;
        bool same = isnan(cases[i].least) ? isnan(least) : fabs(least - cases[i].least) < 1e-9;
        if (!same)
            fail_msg("case %zu: %g", i, least);
    }
}

static void test_least_limit_is_rounded_up(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_DAY_US);
    add_rule(&world, 0.35, "111111111111111111111111");
    for (size_t w = 0; w < WINDOWS; w++)
        world.d[0][w] = 0.1234;
    rehearse(&world);
    assert_true(fabs(world.rehearsed[0].least - 0.124) < 1e-12);
    world.rules[0].limits.fail = world.rehearsed[0].least;
    rehearse(&world);
    assert_int_equal(world.rehearsed[0].incidents, 0); /* what is advised holds what it says */
}

/* Rules that fail together share an incident, as they would live. */
static void test_rules_together(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_DAY_US);
    world.dataset.group_for_us = 4 * VG_DAY_US;
    add_rule(&world, 0.35, "111111555111111111111111");
    add_rule(&world, 0.35, "111111155511111111111111");
    add_rule(&world, 0.35, "111111111111111111115111");
    rehearse(&world);
    for (size_t i = 0; i < RULES; i++)
        assert_int_equal(world.rehearsed[i].incidents, 1);
    assert_int_equal(world.rehearsal.incidents, 2);
}

static void test_nothing_to_rehearse(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_DAY_US);
    rehearse(&world); /* no rules */
    assert_int_equal(world.rehearsal.incidents, 0);
    add_rule(&world, 0.35, "999999999999999999999999");
    world.rehearsal.nwindows = 0;
    rehearse(&world);
    assert_int_equal(world.rehearsal.incidents, 0);
    assert_true(isnan(world.rehearsed[0].least));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incidents_of_one_rule),     cmocka_unit_test(test_least_limit),
        cmocka_unit_test(test_least_limit_is_rounded_up), cmocka_unit_test(test_rules_together),
        cmocka_unit_test(test_nothing_to_rehearse),
    };
    return cmocka_run_group_tests_name("rehearse", tests, NULL, NULL);
}
