/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_unknown_names.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pgvigil/error.h"
#include "tests/unit/check_kit.h"

static void test_share(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_predicate_summary counts = {.id = "unknown_names", .tested = 4000, .offending = 30};
    kit_init(&kit, "unknown_names", NULL);
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "the source is not long");
    kit.dataset.long_source.name = "feature_name";
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "was not counted");
    kit.now.predicates = &counts;
    kit.now.npredicates = 1;
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 0.0075, "30 of 4000 rows with a name that is no column");
    assert_true(measure->n_now == 4000);
    kit_free(&kit);
}

static void test_only_for_long_sources(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_diags diags = {0};
    kit_init(&kit, "unknown_names", NULL);
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.errors, 1);
    kit.dataset.long_source.name = "feature_name";
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.errors, 1);
    vg_diags_free(&diags);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_only_for_long_sources),
    };
    return cmocka_run_group_tests_name("check_unknown_names", tests, NULL, NULL);
}
