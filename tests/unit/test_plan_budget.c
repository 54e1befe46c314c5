/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/plan_budget.c: the columns that share a budget, and what of them asks for
 * another calibration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/plan_budget.h"
#include "tests/unit/rule_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define HEAD                                                                                       \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: a.b, time_column: at, key: [id]}\n"                    \
    "reference: {from: 2001-01-01, to: 2001-02-01, exclude: [dropped]}\n"

static struct vg_reference_column columns[] = {
    {.name = "id", .kind = VG_KIND_NUMBER},   {.name = "at", .kind = VG_KIND_TIME},
    {.name = "x", .kind = VG_KIND_NUMBER},    {.name = "c", .kind = VG_KIND_TEXT},
    {.name = "flag", .kind = VG_KIND_BOOL},   {.name = "dropped", .kind = VG_KIND_NUMBER},
    {.name = "other", .kind = VG_KIND_OTHER},
};
static const struct vg_reference reference = {.columns = columns, .ncolumns = COUNT(columns)};

static const struct {
    const char *rules, *inputs;
} rows[] = {
    {"columns: {x: {drift: {ks: 0.3}}}\n", NULL},
    {"columns: {x: {drift: true}}\n", "3 budget 0.14285714285714285\nx"},
    {"columns: {gone: {drift: true}, c: {drift: true}}\n", "3 budget 0.14285714285714285\nc"},
    {"columns: {\"*\": {drift: true}}\n", "3 budget 0.14285714285714285\nx\nc\nflag\nother"},
    {"columns: {\"*\": {drift: true}, id: {drift: true}, c: {drift: false}}\n",
     "3 budget 0.14285714285714285\nid private\nx\nflag\nother"},
    {"columns: {\"*\": {drift: true}, x: {private: true}}\ndrift: {budget: 1 per day}\n",
     "3 budget 1\nx private\nc\nflag\nother"},
};

static void test_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[1000];
        snprintf(text, sizeof text, HEAD "%s", rows[i].rules);
        struct rule_kit kit = rule_kit_fine(rule_kit_config, text);
        struct vg_budget_input *items;
        size_t n;
        assert_int_equal(vg_plan_has_budget(kit.dataset), rows[i].inputs != NULL);
        assert_int_equal(vg_plan_budget(kit.dataset, &reference, kit.arena, &items, &n), 0);
        const char *inputs = vg_plan_budget_inputs(kit.dataset, items, n, kit.arena);
        if (rows[i].inputs)
            assert_string_equal(inputs, rows[i].inputs);
        else
            assert_int_equal(n, 0);
        rule_kit_free(&kit);
    }
}

static void test_least(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, HEAD "columns: {x: {drift: true}}\n"
                              "drift: {min_distance: 0.02, min_spread: 5%, min_share: 0.5%}\n");
    double least[VG_BUDGET_KINDS];
    vg_plan_budget_least(kit.dataset, least);
    assert_true(least[VG_BUDGET_KS] == .02 && least[VG_BUDGET_SPREAD] == .05);
    assert_true(least[VG_BUDGET_LEVELS] == .005 && least[VG_BUDGET_NULLS] == .005);
    rule_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns),
                                       cmocka_unit_test(test_least)};
    return cmocka_run_group_tests_name("plan_budget", tests, NULL, NULL);
}
