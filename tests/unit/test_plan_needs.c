/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/plan.c with the real checks: what is counted only where a rule needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/plan.h"
#include "tests/unit/rule_kit.h"

static struct vg_catalog_column columns[] = {
    {.name = "a", .quoted = "a", .type = "float8", .wire_oid = 701, .kind = VG_KIND_NUMBER},
    {.name = "b", .quoted = "b", .type = "float8", .wire_oid = 701, .kind = VG_KIND_NUMBER},
    {.name = "c", .quoted = "c", .type = "text", .wire_oid = 25, .kind = VG_KIND_TEXT},
};
static const struct vg_catalog catalog = {.quoted = "t", .columns = columns, .n = 3};

static const struct vg_tally_column *find(const struct vg_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->tally.ncolumns; i++) {
        if (!strcmp(plan->tally.columns[i].name, name))
            return &plan->tally.columns[i];
    }
    return NULL;
}

/* Quantiles cost a lookup a row: nobody pays for them who did not ask, and whoever asks gets them,
 * in whatever order the rules stand. */
static void test_quantiles(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config,
        "version: 1\ndataset: d\nsource: {connection: warehouse, table: t}\n"
        "schedule: {window: 1d}\n"
        "columns:\n"
        "  a: {mean: {max: 1}, median: {max: 1}, maximum: {max: 1}}\n"
        "  b: {mean: {max: 1}, minimum: {min: 1}, constant: true, distinct: {max: 5}}\n"
        "  c: {share: {value: x, max: 50%}}\n"
        "checks:\n"
        "  - condition: {holds: a > 0}\n");
    struct vg_plan plan;
    struct vg_error err = {0};
    assert_int_equal(vg_plan_make(kit.dataset, &catalog, NULL, NULL, kit.arena, &plan, &err), 0);
    assert_true(find(&plan, "a")->quantiles);
    assert_false(find(&plan, "b")->quantiles);
    assert_false(find(&plan, "c")->quantiles);
    assert_true(find(&plan, "c")->top && find(&plan, "c")->distinct);
    assert_int_equal(plan.tally.npredicates, 2); /* share and condition */
    rule_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quantiles)};
    return cmocka_run_group_tests_name("plan_needs", tests, NULL, NULL);
}
