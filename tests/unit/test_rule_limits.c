/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/rules/limits.c with the real checks: units of bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/check.h"
#include "tests/unit/rule_kit.h"

#define HEADER                                                                                     \
    "version: 1\ndataset: d\nsource: {connection: warehouse, table: t, time_column: at}\n"         \
    "reference: {from: 2001-01-01, to: 2001-02-01}\n"
#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_units(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, HEADER "columns:\n"
                                "  a:\n"
                                "    minimum: {min: 2001-06-13, warn: {min: \"2001-06-14\"}}\n"
                                "    maximum: {max: -1.5}\n"
                                "    mean: {min: -2, max: 2e9, warn: {max: 5}}\n"
                                "    distinct: {max: 3}\n"
                                "    distinct_ratio: {min: 99%}\n"
                                "    share: {value: 1, max: 0.5}\n"
                                "    constant: true\n"
                                "    quantile: {q: 95%, max: 3}\n"
                                "    stuck: 4\n"
                                "checks:\n"
                                "  - volume_change: {min: 50%, max: 250%}\n"
                                "  - stuck: {fail: 5, warn: 3}\n");
    const struct vg_limits *limits = &rule_kit_find(&kit, "a.minimum")->limits;
    assert_true(limits->bounds.min == 992390400e6 && limits->warn_bounds.min == 992476800e6);
    assert_true(rule_kit_find(&kit, "a.maximum")->limits.bounds.max == -1.5);
    limits = &rule_kit_find(&kit, "a.mean")->limits;
    assert_true(limits->bounds.min == -2 && limits->bounds.max == 2e9);
    assert_true(limits->warn_bounds.max == 5 && !limits->has_fail);
    assert_true(rule_kit_find(&kit, "a.distinct")->limits.bounds.max == 3);
    assert_true(rule_kit_find(&kit, "a.distinct_ratio")->limits.bounds.min == 0.99);
    assert_true(rule_kit_find(&kit, "a.share")->limits.bounds.max == 0.5);
    assert_true(rule_kit_find(&kit, "a.constant")->limits.fail == 1);
    assert_true(rule_kit_find(&kit, "a.stuck")->limits.fail == 4);
    limits = &rule_kit_find(&kit, "volume_change")->limits;
    assert_true(limits->bounds.min == 0.5 && limits->bounds.max == 2.5);
    const struct vg_rule *stuck = rule_kit_find(&kit, "stuck");
    assert_true(!stuck->column && stuck->limits.fail == 5 && stuck->limits.warn == 3);
    rule_kit_free(&kit);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *check, *fault;
    } cases[] = {
        {"minimum: {min: soon}", "min: \"soon\" is neither a number nor a time"},
        {"minimum: {min: 2001-01-02, max: 3}", "min and max must be of one kind"},
        {"minimum: 3", "minimum must be a mapping, not a single value"},
        {"mean: {min: 2001-01-02}", "min: \"2001-01-02\" is not a number"},
        {"mean: {fail: 3}", "mean has no \"fail\""},
        {"mean: {}", "mean needs a limit"},
        {"share: {value: a, max: 150%}", "max: 150% is not between 0 % and 100 %"},
        {"share: {max: 50%}", "\"value\" is missing in share"},
        {"distinct: {min: -1}", "min: -1 is below 0, the least allowed"},
        {"quantile: {q: 1.5, max: 3}", "q: 1.5 is not between 0 % and 100 %"},
        {"quantile: {max: 3}", "\"q\" is missing in quantile"},
        {"categories: {missing: often}", "missing is true or the share"},
        {"categories: {missing: true, where: a}", "missing compares with all rows"},
        {"stuck: 1", "stuck needs a limit of at least 2 windows"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[600];
        snprintf(text, sizeof text, HEADER "columns:\n  a: {%s}\n", cases[i].check);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        char *printed = rule_kit_print(&kit.diags);
        if (!strstr(printed, cases[i].fault)) {
            print_error("%s: '%s' is not in\n%s\n", cases[i].check, cases[i].fault, printed);
            fail();
        }
        free(printed);
        rule_kit_free(&kit);
    }
}

/* What a sample cannot tell. */
static void test_sampled(void **state)
{
    (void)state;
    static const char *const checks[] = {"sum: {max: 1}", "stuck: 3"};
    static const char *const faults[] = {"sum needs all rows", "stuck needs all rows"};
    for (size_t i = 0; i < COUNT(checks); i++) {
        char text[600];
        snprintf(text, sizeof text, HEADER "sample: {percent: 10}\ncolumns:\n  a: {%s}\n",
                 checks[i]);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        char *printed = rule_kit_print(&kit.diags);
        assert_non_null(strstr(printed, faults[i]));
        free(printed);
        rule_kit_free(&kit);
    }
}

/* Multiples may be above one, not below nought. */
static void test_multiples(void **state)
{
    (void)state;
    struct rule_kit kit =
        rule_kit_read(rule_kit_config, HEADER "checks:\n  - volume_change: {min: -10%}\n");
    char *printed = rule_kit_print(&kit.diags);
    assert_non_null(strstr(printed, "min: -10% is below 0, the least allowed"));
    free(printed);
    rule_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_sampled),
        cmocka_unit_test(test_multiples),
    };
    return cmocka_run_group_tests_name("rule_limits", tests, NULL, NULL);
}
