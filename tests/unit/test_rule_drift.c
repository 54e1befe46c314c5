/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files: drift by the budget, the budget itself, and the policy of a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/rule_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define HEADER                                                                                     \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: t, time_column: at}\n"
#define REFERENCE "reference: {from: 2001-01-01, to: 2001-02-01}\n"

static void test_budget(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_read(rule_kit_config, HEADER REFERENCE
                                        "drift: {budget: 2 per day}\n"
                                        "columns:\n"
                                        "  a: {drift: true}\n"
                                        "  \"b c\": {drift: {budget: {severity: info, after: 2}, "
                                        "ks: 0.3}}\n"
                                        "  c: {drift: false}\n"
                                        "  d: {drift: {budget: {id: mine}}}\n"
                                        "  \"*\": {drift: true}\n");
    assert_int_equal(kit.diags.n, 0);
    assert_true(kit.dataset->budget_per_day == 2);
    const struct vg_rule *rule = rule_kit_find(&kit, "a.drift");
    assert_int_equal(rule->policy, VG_POLICY_BUDGET);
    assert_false(rule->limits.has_fail);
    rule = rule_kit_find(&kit, "\"b c\".drift");
    assert_int_equal(rule->severity, VG_SEVERITY_INFO);
    assert_int_equal(rule->after, 2);
    assert_int_equal(rule_kit_find(&kit, "\"b c\".drift.ks")->policy, VG_POLICY_THRESHOLD);
    assert_string_equal(rule_kit_find(&kit, "mine")->column, "d");
    assert_string_equal(rule_kit_find(&kit, "\"*\".drift")->column, "*");
    for (size_t i = 0; i < kit.dataset->ncolumns; i++)
        assert_int_equal(kit.dataset->columns[i].undrifted,
                         !strcmp(kit.dataset->columns[i].name, "c"));
    rule_kit_free(&kit);
}

static void test_budgets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double per_day;
    } rows[] = {{"", 1.0 / 7},
                {"drift: {base: 6h}\n", 1.0 / 7},
                {"drift: {budget: 1 per week}\n", 1.0 / 7},
                {"drift: {budget: 0.5 per week}\n", .5 / 7},
                {"drift: {budget: 8 per day, base: 3h}\n", 8},
                {"drift: {budget: 3 per month}\n", .1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[400];
        snprintf(text, sizeof text, HEADER "%s", rows[i].text);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        assert_int_equal(kit.diags.n, 0);
        assert_true(kit.dataset->budget_per_day == rows[i].per_day);
        rule_kit_free(&kit);
    }
}

static void test_floors(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_read(rule_kit_config, HEADER);
    assert_true(kit.dataset->min_distance == 0 && kit.dataset->min_spread == 0 &&
                kit.dataset->min_share == 0);
    rule_kit_free(&kit);
    kit = rule_kit_read(rule_kit_config,
                        HEADER "drift: {min_distance: 0.02, min_spread: 5%, min_share: 0.5%}\n");
    assert_int_equal(kit.diags.n, 0);
    assert_true(kit.dataset->min_distance == .02 && kit.dataset->min_spread == .05 &&
                kit.dataset->min_share == .005);
    rule_kit_free(&kit);
}

static void test_policies(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_read(rule_kit_config, HEADER REFERENCE
                                        "columns:\n"
                                        "  c:\n"
                                        "    drift:\n"
                                        "      ks: {fail: 0.01, warn: 0.05, policy: bh}\n"
                                        "      psi: {fail: 0.001, policy: p_value}\n"
                                        "      kuiper: {fail: 0.3, warn: 0.2}\n"
                                        "      null_rate: {fail: 0.3, policy: threshold}\n");
    assert_int_equal(kit.diags.n, 0);
    assert_int_equal(rule_kit_find(&kit, "c.drift.ks")->policy, VG_POLICY_BH);
    assert_int_equal(rule_kit_find(&kit, "c.drift.psi")->policy, VG_POLICY_P_VALUE);
    assert_true(rule_kit_find(&kit, "c.drift.psi")->limits.fail == .001);
    assert_int_equal(rule_kit_find(&kit, "c.drift.kuiper")->policy, VG_POLICY_THRESHOLD);
    assert_int_equal(rule_kit_find(&kit, "c.drift.null_rate")->policy, VG_POLICY_THRESHOLD);
    rule_kit_free(&kit);
}

#define COLUMN(text) HEADER REFERENCE "columns:\n  c: {" text "}\n"

static const struct {
    const char *text, *msg;
} refusals[] = {
    {COLUMN("drift: {budget: 0.3}"), "budget must be a mapping, not a single value"},
    {COLUMN("drift: {budget: {fail: 1%}}"), "budget has no \"fail\""},
    {COLUMN("drift: {budget: {where: x}}"), "budget has no \"where\""},
    {COLUMN("drift: {budget: {policy: bh}}"), "budget is a policy itself"},
    {COLUMN("drift: {ks: {fail: 0.1, policy: budget}}"),
     "policy: \"budget\" is not one of the words allowed here"},
    {COLUMN("drift: {ks: {fail: 0.1, warn: 0.05, policy: p_value}}"),
     "warn is not above fail, and both are p-values"},
    {COLUMN("drift: {ks: {policy: bh}}"), "ks needs a limit"},
    {COLUMN("drift: {linf: {fail: 0.1, policy: bh}}"),
     "linf has no p-value, so its limit is one of the value"},
    {COLUMN("nulls: {fail: 1%, policy: p_value}"),
     "nulls has no p-value, so its limit is one of the value"},
    {HEADER "drift: {budget: 1}\n",
     "budget must be a number above 0 per day, week or month, not \"1\""},
    {HEADER "drift: {budget: 0 per week}\n",
     "budget must be a number above 0 per day, week or month, not \"0 per week\""},
    {HEADER "drift: {budget: 1000 per day}\n",
     "budget: 1000 per day is more than one false incident in every base window"},
    {HEADER "drift: {budget: 9 per day, base: 3h}\n",
     "budget: 9 per day is more than one false incident in every base window"},
    {HEADER "drift: {budget: 2 per fortnight}\n",
     "budget must be a number above 0 per day, week or month, not \"2 per fortnight\""},
    {HEADER "drift: {min_distance: 2}\n", "min_distance: 2 is not between 0 % and 100 %"},
    {HEADER "drift: {min_spread: -5%}\n", "min_spread: -5% is not between 0 % and 100 %"},
    {HEADER "drift: {min_share: few}\n", "min_share: \"few\" is not a ratio such as 1% or 0.01"},
    {HEADER REFERENCE "columns: {\"*\": {drift: false}}\n", "drift is off unless it is asked for"},
    {HEADER "columns: {c: {drift: true}}\n", "budget needs a reference, and the dataset has none"},
    {"version: 1\ndataset: d\nsource: {connection: warehouse, table: t}\n"
     "schedule: {window: 1h}\nreference: {capture: now}\ncolumns: {c: {drift: true}}\n",
     "drift by the budget needs a time column: it learns from windows"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct rule_kit kit = rule_kit_read(rule_kit_config, refusals[i].text);
        if (kit.diags.n != 1 || strcmp(kit.diags.items[0].msg, refusals[i].msg) != 0)
            fail_msg("%s:\n%s", refusals[i].text, rule_kit_print(&kit.diags));
        rule_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget),   cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_floors),   cmocka_unit_test(test_policies),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("rule_drift", tests, NULL, NULL);
}
