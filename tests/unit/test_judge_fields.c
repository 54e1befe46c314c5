/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/judge.c: what results hold besides numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/judge_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_streak_defaults(void **state)
{
    (void)state;
    static const struct {
        int64_t window_us;
        int after, resolve_after;
        int64_t blind_after_us;
        int want_after, want_resolve;
        int64_t want_blind;
    } rows[] = {
        {VG_HOUR_US, -1, -1, -1, 1, 3, 15 * VG_MINUTE_US},
        {VG_MINUTE_US, -1, -1, -1, 1, 3, 15 * VG_MINUTE_US},
        {2 * VG_HOUR_US, -1, -1, -1, 1, 1, 15 * VG_MINUTE_US},
        {VG_DAY_US, 2, 4, VG_HOUR_US, 2, 4, VG_HOUR_US},
        {VG_HOUR_US, 1, 1, 0, 1, 1, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        world.dataset.schedule.window_us = rows[i].window_us;
        struct vg_rule *rule = set_rule(&world, 0, "nulls");
        rule->after = rows[i].after;
        rule->resolve_after = rows[i].resolve_after;
        rule->blind_after_us = rows[i].blind_after_us;
        add(&world, 0, 0);
        const struct vg_result *result = judge(&world, 1);
        assert_int_equal(result->after, rows[i].want_after);
        assert_int_equal(result->resolve_after, rows[i].want_resolve);
        assert_int_equal(result->blind_after_us, rows[i].want_blind);
        stop(&world);
    }
}

/* Of terse measures only what is wrong, or could not be looked at, has words. */
static void test_terse(void **state)
{
    (void)state;
    static const struct {
        double value;
        enum vg_verdict look;
        bool words;
    } rows[] = {
        {.1, VG_PASS, false},   {.3, VG_PASS, true},    {.5, VG_PASS, true},
        {.1, VG_NODATA, false}, {.1, VG_UNKNOWN, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_rule *rule = set_rule(&world, 0, "ks");
        rule->limits =
            (struct vg_limits){.has_fail = true, .fail = .4, .has_warn = true, .warn = .2};
        add(&world, 0, rows[i].value)->look = rows[i].look;
        assert_string_not_equal(judge(&world, 1)->why, "");
        world.measures.terse = true;
        assert_int_equal(*judge(&world, 1)->why != '\0', rows[i].words);
        stop(&world);
    }
}

/* Everything of the rule is copied: a reload frees the rules while results live on. */
static void test_fields_are_copied(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    char id[] = "late", column[] = "delay", was[] = "old", text[] = "why it matters",
         url[] = "https://wiki/x", file[] = "rules/a.yaml", ops[] = "ops", audit[] = "audit",
         segment[] = "ORD";
    const char *to[] = {ops, audit}, *warn_to[] = {audit};
    struct vg_rule *rule = set_rule(&world, 0, "ks");
    rule->id = id;
    rule->column = column;
    rule->was = was;
    rule->description = text;
    rule->runbook = url;
    rule->loc = (struct vg_loc){file, 12, 3};
    rule->to = (struct vg_strings){to, 2};
    rule->warn_to = (struct vg_strings){warn_to, 1};
    rule->severity = VG_SEVERITY_WARNING;
    rule->limits = (struct vg_limits){.has_fail = true, .fail = .35};
    struct vg_measure *measure = add(&world, 0, .384);
    measure->segment = segment;
    measure->effect = .384;
    measure->p_value = 1e-9;
    measure->n_now = 3458;
    measure->n_ref = 105943;
    measure->direction = -1;
    const struct vg_result *r = judge(&world, 1);
    memset(id, '?', 4);
    memset(column, '?', 5);
    memset(was, '?', 3);
    memset(text, '?', 14);
    memset(url, '?', 14);
    memset(file, '?', 12);
    memset(ops, '?', 3);
    memset(audit, '?', 5);
    memset(segment, '?', 3);
    assert_string_equal(r->rule, "late");
    assert_string_equal(r->check, "ks");
    assert_string_equal(r->column, "delay");
    assert_string_equal(r->segment, "ORD");
    assert_string_equal(r->was, "old");
    assert_string_equal(r->description, "why it matters");
    assert_string_equal(r->runbook, "https://wiki/x");
    assert_string_equal(r->file, "rules/a.yaml");
    assert_int_equal(r->line, 12);
    assert_int_equal(r->to.n, 2);
    assert_string_equal(r->to.items[0], "ops");
    assert_string_equal(r->to.items[1], "audit");
    assert_int_equal(r->warn_to.n, 1);
    assert_string_equal(r->warn_to.items[0], "audit");
    assert_true(r->severity == VG_SEVERITY_WARNING && r->class == VG_CLASS_DRIFT &&
                r->cadence == VG_ON_WINDOW && r->unit == VG_UNIT_RATIO);
    assert_true(r->value == .384 && r->effect == .384 && r->p_value == 1e-9);
    assert_true(r->n == 3458 && r->n_ref == 105943 && r->direction == -1);
    assert_true(!r->keys && !r->nkeys);
    assert_string_equal(r->why, "ks 0.384 above 0.35, downwards; p 1e-09");
    stop(&world);
}

static void test_absent_text_stays_absent(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "reach");
    add(&world, 0, NAN);
    const struct vg_result *r = judge(&world, 1);
    assert_true(!r->column && !r->segment && !r->was && !r->description && !r->runbook);
    assert_string_equal(r->file, "rules/flights.yaml"); /* of the dataset: the rule is implicit */
    assert_int_equal(r->line, 0);
    assert_true(r->to.n == 0 && r->warn_to.n == 0);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streak_defaults),
        cmocka_unit_test(test_terse),
        cmocka_unit_test(test_fields_are_copied),
        cmocka_unit_test(test_absent_text_stays_absent),
    };
    return cmocka_run_group_tests_name("judge_fields", tests, NULL, NULL);
}
