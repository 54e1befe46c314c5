/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: of rule files, and the rules that a source brings with it. Faults are told in the end to
 * end tests, as users see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/check.h"
#include "tests/unit/rule_kit.h"

static void test_query(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(rule_kit_config, "version: 1\n"
                                                         "dataset: d\n"
                                                         "source:\n"
                                                         "  connection: warehouse\n"
                                                         "  query: |\n"
                                                         "    SELECT a, '${b}' FROM s.t -- all\n"
                                                         "  key: [a]\n"
                                                         "schedule: {window: 1d}\n"
                                                         "sample: {percent: 5}\n"
                                                         "columns: {a: {nulls: 0}}\n");
    assert_string_equal(kit.dataset->query, "SELECT a, '${b}' FROM s.t -- all\n");
    assert_string_equal(kit.dataset->table, "the query");
    assert_int_equal(kit.dataset->table_loc.line, 5);
    assert_null(kit.dataset->long_source.name);
    rule_kit_free(&kit);
}

static bool has_rule(const struct rule_kit *kit, const char *id)
{
    bool found = false;
    for (size_t i = 0; i < kit->dataset->nrules; i++)
        found |= !strcmp(kit->dataset->rules[i].id, id);
    return found;
}

static void test_expressions_bring_a_cast(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, "version: 1\n"
                         "dataset: d\n"
                         "source: {connection: warehouse, table: s.t, time_column: ts}\n"
                         "columns:\n"
                         "  amount: {expr: \"(p->>'amount')::float8\", type: float8, nulls: 0}\n"
                         "  day: {expr: CAST(p->>'day' AS date), type: date, cast: 5%}\n"
                         "  ts: {expr: \"(p->>'ts')::timestamptz\", type: timestamptz}\n"
                         "  text: {expr: \"p->>'text'\", type: text}\n"
                         "  half: {expr: \"(p->>'amount')::float8 / 2\", type: float8}\n"
                         "  id: {nulls: 0}\n");
    const struct vg_rule *rule = rule_kit_find(&kit, "amount.cast");
    assert_true(rule->implicit && rule->limits.has_fail && rule->limits.fail == 0);
    assert_string_equal(rule->type->name, "cast");
    assert_int_equal(rule->loc.line, 5);
    rule = rule_kit_find(&kit, "day.cast");
    assert_true(!rule->implicit && rule->limits.fail == 0.05);
    assert_false(has_rule(&kit, "ts.cast"));
    assert_false(has_rule(&kit, "text.cast"));
    assert_false(has_rule(&kit, "half.cast"));
    assert_false(has_rule(&kit, "unknown_names"));
    const struct vg_column_spec *spec = &kit.dataset->columns[0];
    assert_string_equal(spec->expr, "(p->>'amount')::float8");
    assert_int_equal(spec->expr_loc.line, 5);
    assert_null(kit.dataset->columns[5].expr);
    rule_kit_free(&kit);
}

static void test_long_brings_unknown_names(void **state)
{
    (void)state;
#define LONG                                                                                       \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: s.t, time_column: at, long: {name: n, value: v}}\n"
    struct rule_kit kit = rule_kit_fine(rule_kit_config, LONG "columns: {speed: {nulls: 0}}\n");
    assert_string_equal(kit.dataset->long_source.name, "n");
    assert_string_equal(kit.dataset->long_source.value, "v");
    const struct vg_rule *rule = rule_kit_find(&kit, "unknown_names");
    assert_true(rule->implicit && !rule->limits.has_fail);
    assert_true(rule->limits.has_warn && rule->limits.warn == 0);
    assert_false(vg_dataset_is_private(kit.dataset, "speed"));
    rule_kit_free(&kit);
    kit = rule_kit_fine(rule_kit_config, LONG "columns: {v: {private: true}}\n"
                                              "checks: [{unknown_names: 5%}]\n");
    rule = rule_kit_find(&kit, "unknown_names");
    assert_true(!rule->implicit && rule->limits.fail == 0.05 && !rule->limits.has_warn);
    assert_true(vg_dataset_is_private(kit.dataset, "speed"));
    rule_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_expressions_bring_a_cast),
        cmocka_unit_test(test_long_brings_unknown_names),
    };
    return cmocka_run_group_tests_name("rule_source", tests, NULL, NULL);
}
