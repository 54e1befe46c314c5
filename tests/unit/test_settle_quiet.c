/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settling under silences, inhibition, acknowledgements and routes (agent/settle_quiet.c). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settle_quiet.h"
#include "tests/unit/settle_world.h"

/* What is silenced is not told; what still stands at the end of the silence is told then. */
static void test_silence(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.remind_us = VG_HOUR_US;
    world.made = (struct vg_quiet){.match = {.rule = "a"}, .from_us = INT64_MIN};
    world.nmade = 1;
    world.made.until_us = world.clock_us + 4 * VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    assert_int_equal(world.nincidents, 1); /* it opens all the same */
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(c)");
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(c)");
    run(&world, "a:b c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(ac)"); /* the silence is over */
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    stop(&world);
}

static void test_silence_over_all_of_an_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.quiet = (struct vg_quiet){
        .match = {.dataset = "d*", .severities = 1 << VG_SEVERITY_CRITICAL}, .until_us = VG_NEVER};
    world.nquiet = 1;
    run(&world, "a:b c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(c)"); /* of severity warning */
    run(&world, "a:g c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, ""); /* began and ended in silence */
    world.nquiet = 0;
    run(&world, "a:g c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:b c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    assert_int_equal(world.out.messages[0].items[0].emits, VG_EMIT_FIRE);
    world.nquiet = 1; /* what was told is resolved, silence or not */
    run(&world, "a:g c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    stop(&world);
}

static void test_silence_of_a_tag(void **state)
{
    (void)state;
    struct world world;
    const char *const tags[] = {"finance", "gdpr"};
    struct vg_rule rules[] = {{.id = "a", .tags = {tags, 2}}, {.id = "c"}};
    struct vg_quiet quiet = {.match = {.tag = "gd?r"}, .until_us = VG_NEVER};
    start(&world);
    world.dataset.rules = rules;
    world.dataset.nrules = 2;
    world.dataset.quiet = &quiet;
    world.dataset.nquiet = 1;
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(c)");
    stop(&world);
}

static void test_acknowledged(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.remind_us = VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    world.incidents[0].acked_us = world.clock_us;
    run(&world, "a:b", 2 * VG_HOUR_US, false, NULL);
    assert_said(&world, ""); /* somebody is on it */
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(ac)"); /* news is told */
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(ac)");
    stop(&world);
}

/* An unreachable dataset speaks for its columns: no reminders of them. */
static void test_inhibition(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.remind_us = VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    world.alerts[world.nalerts++] = (struct vg_alert){.dataset = "d",
                                                      .rule = "reach",
                                                      .segment = "",
                                                      .check = "reach",
                                                      .state = VG_ALERT_FIRING,
                                                      .why = "down"};
    run(&world, "a:b", 2 * VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    world.alerts[world.nalerts - 1].state = VG_ALERT_OK;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(a)");
    stop(&world);
}

/* A dataset whose connection is lost, and another one of which that was told. */
static void lose(struct world *world)
{
    world->incidents[world->nincidents++] = (struct vg_incident){
        .key = "k1",
        .dataset = "d",
        .severity = VG_SEVERITY_CRITICAL,
        .opened_due_us = world->clock_us,
        .closed_us = VG_NEVER,
        .told_us = VG_NEVER,
        .acked_us = VG_NEVER,
        .to = {to_ops, 1},
    };
    world->alerts[world->nalerts++] = (struct vg_alert){
        .dataset = "d",
        .rule = "reach",
        .segment = "",
        .check = "reach",
        .state = VG_ALERT_BLIND,
        .severity = VG_SEVERITY_CRITICAL,
        .verdict = VG_UNKNOWN,
        .why = "could not be read (connect): refused",
        .incident = "k1",
        .untold = VG_EMIT_BLIND,
    };
    world->lost[0] = world->incidents[0];
    world->lost[0].dataset = "c";
    world->lost[0].told_us = world->clock_us;
    world->nlost = 1;
}

/* The first dataset of a connection speaks for the others, as long as its loss stands. */
static void test_one_connection(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.connection = "warehouse";
    lose(&world);
    run(&world, "", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    assert_int_equal(world.nincidents, 1); /* it stands all the same */
    world.nlost = 0;                       /* the other one can be read, this one cannot */
    run(&world, "", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(reach)");
    assert_string_equal(world.out.messages[0].items[0].why, world.alerts[0].why);
    stop(&world);
}

static void test_who_speaks_for_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct world world;
        start(&world);
        world.dataset.connection = "warehouse";
        lose(&world);
        if (i == 0)
            world.lost[0].to = (struct vg_strings){to_oncall, 1};
        else if (i == 1)
            world.lost[0].severity = VG_SEVERITY_WARNING;
        else if (i == 2)
            world.lost[0].dataset = "e"; /* the younger of the two */
        else
            world.alerts[0].why = "could not be read (permission): denied";
        run(&world, "", VG_HOUR_US, false, NULL);
        if (i ==
            2) { /* told first, it speaks for what is not told yet, though that was due first */
            assert_said(&world, "");
            stop(&world);
            continue;
        }
        assert_said(&world, "open(reach)");
        const char *why = world.out.messages[0].items[0].why;
        assert_int_equal(strstr(why, "1 more dataset is read over the connection warehouse") != 0,
                         i != 3);
        stop(&world);
    }
}

static const char *routed_to(struct world *world)
{
    static char text[100];
    *text = '\0';
    for (size_t i = 0; i < world->out.receivers[0].n; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", world->out.receivers[0].items[i]);
    }
    return text;
}

static void test_routes(void **state)
{
    (void)state;
    static const char *const night[] = {"night"}, *const finance[] = {"fin"};
    static const struct {
        int64_t hour; /* of Thursday, 1 January 1970 and on */
        bool routed;
        const char *to;
    } cases[] = {
        {12, true, "ops"},      {12, false, "ops"},          {23, true, "fin night"},
        {23, false, "ops"},     {24 + 5, true, "fin night"}, /* Friday, but begun on Thursday */
        {24 + 23, true, "fin"}, {48 + 5, true, "fin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct vg_rule rule = {.id = "a", .routed = cases[i].routed};
        start(&world);
        world.dataset.rules = &rule;
        world.dataset.nrules = 1;
        world.clock_us = (cases[i].hour - 1) * VG_HOUR_US;
        const struct vg_hours late = {true, 1 << 3, 22 * VG_HOUR_US, 6 * VG_HOUR_US, &vg_utc};
        world.routes[0] = (struct vg_route){.match = {.dataset = "other"}, .to = {to_oncall, 1}};
        world.routes[1] = (struct vg_route){
            .match = {.dataset = "?"}, .hours = late, .to = {finance, 1}, .more = true};
        world.routes[2] = (struct vg_route){.hours = late, .to = {night, 1}};
        world.nroutes = 3;
        if (cases[i].hour >= 24 + 23) {
            world.routes[1].hours.given = false;
            world.routes[2].match.severities = 1 << VG_SEVERITY_INFO;
        }
        run(&world, "a:b", VG_HOUR_US, false, NULL);
        assert_string_equal(routed_to(&world), cases[i].to);
        stop(&world);
    }
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {{NULL, "x", true},         {"", "", true},
                 {"", "x", false},          {"*", "", true},
                 {"a*c", "abbc", true},     {"a*c", "abcd", false},
                 {"*a*b*", "xxaxxb", true}, {"a?c", "ac", false},
                 {"**x", "yx", true},       {"a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaac", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(vg_quiet_fits(cases[i].pattern, cases[i].text), cases[i].fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_over_all_of_an_incident),
        cmocka_unit_test(test_silence_of_a_tag),
        cmocka_unit_test(test_acknowledged),
        cmocka_unit_test(test_inhibition),
        cmocka_unit_test(test_one_connection),
        cmocka_unit_test(test_who_speaks_for_nobody),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests_name("settle_quiet", tests, NULL, NULL);
}
