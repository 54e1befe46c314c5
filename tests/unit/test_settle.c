/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settling: grouping into incidents, their end, messages, catching up, retirement. A small world
 * holds what a store would, and each step is one cycle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settle_message.h"
#include "tests/unit/settle_world.h"

static void test_one_message_per_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:b e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(ac)");
    assert_int_equal(world.nincidents, 1);
    assert_int_equal(world.out.receivers[0].n, 2); /* ops and oncall: both are told */
    run(&world, "a:b c:b e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:g c:b e:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(ace)"); /* a cleared, e joined */
    run(&world, "a:g c:g e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(ce)");
    assert_int_equal(world.nincidents, 1);
    stop(&world);
}

/* What an incident is about is kept: the rules that have fired in it, each once. */
static void test_rules_of_an_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:b e:g", VG_HOUR_US, false, NULL);
    assert_string_equal(world.incidents[0].rules, "a, c");
    run(&world, "a:g c:b e:b", VG_HOUR_US, false, NULL);
    run(&world, "a:b c:b e:b", VG_HOUR_US, false, NULL);
    assert_int_equal(world.nincidents, 1);
    assert_string_equal(world.incidents[0].rules, "a, c, e");
    stop(&world);
}

static void test_key(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    char key[VG_KEY_SIZE];
    vg_incident_key(key, "prod", "d", VG_SEVERITY_CRITICAL, world.clock_us);
    assert_string_equal(world.incidents[0].key, key);
    vg_incident_key(key, "test", "d", VG_SEVERITY_CRITICAL, world.clock_us);
    assert_string_not_equal(world.incidents[0].key, key);
    stop(&world);
}

static void test_late_joiner_opens_another(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:g", VG_HOUR_US, false, NULL);
    run(&world, "a:b c:b", 5 * VG_HOUR_US, false, NULL);
    assert_said(&world, "open(c)");
    assert_int_equal(world.nincidents, 2);
    run(&world, "a:g c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(c)");
    stop(&world);
}

static void test_severities_are_apart(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a) open(c)");
    assert_int_not_equal(world.incidents[0].severity, world.incidents[1].severity);
    stop(&world);
}

static void test_refire_is_a_new_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    assert_int_equal(world.nincidents, 2);
    assert_string_not_equal(world.incidents[0].key, world.incidents[1].key);
    stop(&world);
}

static void test_reminder(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.remind_us = 2 * VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(a)");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    stop(&world);
}

static void test_catching_up(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    assert_said(&world, "");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    assert_int_equal(world.out.messages[0].onset_us, 1000 * VG_HOUR_US); /* the true onset */
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    /* a fire that began and ended meanwhile pages nobody */
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(a)");
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    stop(&world);
}

/* Fires, clears and fires again: each fire is listed, none twice, and the summary is one. */
static void test_catching_up_with_many_fires(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:g e:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:b e:g", VG_HOUR_US, true, NULL);
    run(&world, "a:b c:g e:b", VG_HOUR_US, true, NULL);
    assert_int_equal(world.nepisodes, 4);
    run(&world, "a:g c:g e:b", VG_HOUR_US, false, NULL); /* a ends in the last window of all */
    assert_said(&world, "open(e) summary(aca)");
    assert_int_equal(world.nepisodes, 0);
    assert_int_equal(world.out.receivers[1].n, 2); /* ops for a, oncall for c, each once */
    assert_int_equal(world.out.messages[0].onset_us, 1002 * VG_HOUR_US);
    const struct vg_message *summary = &world.out.messages[1];
    assert_int_equal(summary->onset_us, 1000 * VG_HOUR_US);
    for (size_t i = 0; i < summary->nitems; i++) {
        int64_t begun_us = (1000 + (int64_t)i) * VG_HOUR_US;
        assert_int_equal(summary->items[i].onset_us, begun_us);
        assert_int_equal(summary->items[i].ended_us, begun_us + VG_HOUR_US);
        assert_true(summary->items[i].value == 1);
    }
    char key[VG_KEY_SIZE];
    vg_summary_key(key, "prod", "d", 1001 * VG_HOUR_US);
    assert_string_equal(summary->key, key);
    run(&world, "a:g c:g e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(e)");
    stop(&world);
}

/* With resolve_after the fire ends where the good looks began, not where that was believed. */
static void test_end_of_a_fire(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.resolve_after = 2;
    static const char *const steps[] = {"a:b", "a:g", "a:b", "a:g", "a:u", "a:g"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        run(&world, steps[i], VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(a)");
    assert_int_equal(world.out.messages[0].items[0].onset_us, 1000 * VG_HOUR_US);
    assert_int_equal(world.out.messages[0].items[0].ended_us, 1003 * VG_HOUR_US);
    stop(&world);
}

/* Blindness that began and ended meanwhile is told as well, and not as a fire. */
static void test_blind_while_catching_up(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    run(&world, "a:u c:u", VG_HOUR_US, true, NULL);
    run(&world, "a:u c:u", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(ac)");
    const struct vg_message *summary = &world.out.messages[0];
    assert_int_equal(summary->items[0].emits, VG_EMIT_BLIND | VG_EMIT_SIGHTED);
    assert_int_equal(summary->items[1].emits,
                     VG_EMIT_BLIND | VG_EMIT_SIGHTED | VG_EMIT_FIRE | VG_EMIT_CLEAR);
    assert_int_equal(summary->items[1].verdict, VG_FAIL);
    assert_int_equal(summary->items[1].onset_us, 1003 * VG_HOUR_US);
    stop(&world);
}

/* A blindness that was told turns into a fire that began and ended meanwhile: both are said. */
static void test_told_blindness_ends_in_a_fire(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a) summary(a)");
    stop(&world);
}

/* Its end says the worst, of what ended while windows were caught up too. */
static void test_the_worst_is_told(void **state)
{
    (void)state;
    struct world world;
    for (int catching_up = 0; catching_up < 2; catching_up++) {
        start(&world);
        run(&world, "a:b", VG_HOUR_US, false, NULL);
        int64_t begun_us = world.clock_us - VG_HOUR_US;
        assert_true(world.out.messages[0].items[0].worst.at_us == begun_us);
        run(&world, "a:g", VG_HOUR_US, catching_up, NULL);
        if (catching_up)
            run(&world, "a:g", VG_HOUR_US, false, NULL);
        assert_said(&world, "resolve(a)");
        const struct vg_message_item *item = &world.out.messages[0].items[0];
        assert_true(item->worst.at_us == begun_us && item->worst.value == 1);
        stop(&world);
    }
}

/* Against which reference, where it is not the first: by the result, and by the rule where it was
 * not looked at now. */
static void test_another_reference(void **state)
{
    (void)state;
    struct world world;
    struct vg_reference_spec other = {.name = "training"};
    struct vg_rule rule = {.id = "a", .against = 1, .description = "as it was trained"};
    start(&world);
    world.dataset.others = &other;
    world.dataset.nothers = 1;
    world.dataset.rules = &rule;
    world.dataset.nrules = 1;
    world.dataset.remind_us = VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_null(world.out.messages[0].items[0].reference);
    world.against = "training";
    run(&world, "a:b c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(a)");
    assert_string_equal(world.out.messages[0].items[0].reference, "the reference training");
    run(&world, "c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(a)");
    assert_string_equal(world.out.messages[0].items[0].reference, "the reference training");
    assert_string_equal(world.out.messages[0].items[0].description, "as it was trained");
    stop(&world);
}

/* Once a column has become private no value of before is told, though no look follows. What was
 * seen since, or while it was private all the time, outlives looks that found nothing. */
static void test_the_worst_of_a_private_column(void **state)
{
    (void)state;
    static const struct {
        bool before, after, known;
        const char *last; /* look */
    } cases[] = {
        {false, false, true, "a:g"}, {false, true, false, "a:g"}, {false, true, false, "c:g"},
        {true, true, true, "a:g"},   {true, false, true, "a:g"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct vg_column_spec column = {.name = "x", .is_private = cases[i].before};
        start(&world);
        world.dataset.columns = &column;
        world.dataset.ncolumns = 1;
        world.dataset.remind_us = VG_HOUR_US;
        world.column = "x";
        run(&world, "a:b", VG_HOUR_US, false, NULL);
        column.is_private = cases[i].after;
        run(&world, "a:u", VG_HOUR_US, false, NULL);
        run(&world, cases[i].last, VG_HOUR_US, false, NULL);
        assert_said(&world, *cases[i].last == 'a' ? "resolve(a)" : "remind(a)");
        assert_int_equal(world.out.messages[0].items[0].worst.at_us != 0, cases[i].known);
        stop(&world);
    }
}

static void test_gone_rule_and_retired_dataset(void **state)
{
    (void)state;
    struct world world;
    static const char *const gone_items[] = {"a"};
    const struct vg_strings gone = {gone_items, 1};
    start(&world);
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    run(&world, "c:b", VG_HOUR_US, false, &gone);
    assert_said(&world, "update(ac)");
    assert_string_equal(world.out.messages[0].items[0].why, "rule removed");
    assert_int_equal(world.nalerts, 1);
    run(&world, "-", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(c)");
    assert_int_equal(world.nalerts, 0);
    stop(&world);
}

static void test_blind_is_an_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(a)"); /* sighted, and firing: the incident stays open */
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    assert_int_equal(world.nincidents, 1);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_message_per_incident),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_rules_of_an_incident),
        cmocka_unit_test(test_late_joiner_opens_another),
        cmocka_unit_test(test_severities_are_apart),
        cmocka_unit_test(test_refire_is_a_new_incident),
        cmocka_unit_test(test_reminder),
        cmocka_unit_test(test_catching_up),
        cmocka_unit_test(test_catching_up_with_many_fires),
        cmocka_unit_test(test_end_of_a_fire),
        cmocka_unit_test(test_blind_while_catching_up),
        cmocka_unit_test(test_told_blindness_ends_in_a_fire),
        cmocka_unit_test(test_the_worst_is_told),
        cmocka_unit_test(test_the_worst_of_a_private_column),
        cmocka_unit_test(test_another_reference),
        cmocka_unit_test(test_gone_rule_and_retired_dataset),
        cmocka_unit_test(test_blind_is_an_incident),
    };
    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
