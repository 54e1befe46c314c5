/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_range.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int offends(const struct kit *kit, enum vg_kind kind, enum vg_cell_state state, double num,
                   bool warn)
{
    struct vg_cell_view cell = {.kind = kind, .state = state, .num = num};
    return kit->rule.type->offends(&kit->rule, &cell, warn);
}

static void test_which_values_lie_outside(void **state)
{
    (void)state;
    static const struct {
        enum vg_cell_state state;
        double num;
        int outside, below, above, neither;
    } rows[] = {
        {VG_VIEW_VALUE, -120, 0, 0, 0, 0},   {VG_VIEW_VALUE, 900, 0, 0, 0, 0},
        {VG_VIEW_VALUE, -120.5, 1, 1, 0, 0}, {VG_VIEW_VALUE, 900.5, 1, 0, 1, 0},
        {VG_VIEW_VALUE, 0, 0, 0, 0, 0},      {VG_VIEW_NULL, 0, -1, -1, -1, -1},
        {VG_VIEW_NAN, 0, 1, 1, 1, 0},        {VG_VIEW_PINF, 0, 1, 1, 1, 0},
        {VG_VIEW_NINF, 0, 1, 1, 1, 0},
    };
    const struct vg_bounds both = {true, true, -120, 900}, min = {.has_min = true, .min = -120},
                           max = {.has_max = true, .max = 900}, none = {0};
    struct kit kit;
    kit_init(&kit, "range", "delay");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_limits *limits = &kit.rule.limits;
        limits->bounds = both;
        limits->warn_bounds = none;
        assert_int_equal(offends(&kit, VG_KIND_NUMBER, rows[i].state, rows[i].num, false),
                         rows[i].outside);
        assert_int_equal(offends(&kit, VG_KIND_TIME, rows[i].state, rows[i].num, false),
                         rows[i].outside);
        limits->bounds = min;
        limits->warn_bounds = max;
        assert_int_equal(offends(&kit, VG_KIND_NUMBER, rows[i].state, rows[i].num, false),
                         rows[i].below);
        assert_int_equal(offends(&kit, VG_KIND_NUMBER, rows[i].state, rows[i].num, true),
                         rows[i].above);
        limits->bounds = none;
        assert_int_equal(offends(&kit, VG_KIND_NUMBER, rows[i].state, rows[i].num, false),
                         rows[i].neither);
    }
    kit_free(&kit);
}

static void test_share_outside(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_predicate_summary predicates[2] = {
        {.id = "delay.range", .tested = 3593, .offending = 286},
        {.id = "delay.range#warn", .tested = 3593, .offending = 400}};
    kit_init(&kit, "range", "delay");
    kit.now.predicates = predicates;
    kit.now.npredicates = 2;
    kit.rule.limits.bounds = (struct vg_bounds){true, true, -120, 900};
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 286.0 / 3593, "286 of 3593 rows outside [-120, 900]");
    assert_true(measure->at_most == VG_FAIL && measure->n_now == 3593);
    kit.rule.limits.warn_bounds = (struct vg_bounds){.has_max = true, .max = 600};
    kit_measure(&kit, 2);
    kit_assert_found(&kit.measures.items[1], 400.0 / 3593, "400 of 3593 rows above 600");
    assert_int_equal(kit.measures.items[1].at_most, VG_WARN);
    kit.rule.limits.bounds = (struct vg_bounds){0};
    kit_assert_found(kit_measure(&kit, 1), 400.0 / 3593, "400 of 3593 rows above 600");
    kit.rule.limits.warn_bounds = (struct vg_bounds){.has_min = true, .min = 0.1};
    kit_assert_found(kit_measure(&kit, 1), 400.0 / 3593, "400 of 3593 rows below 0.1");
    predicates[1].tested = predicates[1].offending = 0; /* all NULL */
    measure = kit_measure(&kit, 1);
    assert_true(isnan(measure->value) && measure->n_now == 0);
    kit_free(&kit);
}

static void test_times_are_told_as_times(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_column_summary column = {.name = "at", .kind = VG_KIND_TIME};
    struct vg_predicate_summary predicate = {.id = "at.range", .tested = 10, .offending = 1};
    kit_init(&kit, "range", "at");
    kit.now = (struct vg_summary){
        .columns = &column, .ncolumns = 1, .predicates = &predicate, .npredicates = 1};
    kit.rule.limits.bounds = (struct vg_bounds){.has_min = true, .min = 978307200e6};
    kit_assert_found(kit_measure(&kit, 1), 0.1, "1 of 10 rows below 2001-01-01T00:00:00Z");
    kit_free(&kit);
}

static void test_not_counted(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "range", "delay");
    kit.rule.limits.bounds = (struct vg_bounds){true, true, -120, 900};
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column delay does not exist");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_values_lie_outside),
        cmocka_unit_test(test_share_outside),
        cmocka_unit_test(test_times_are_told_as_times),
        cmocka_unit_test(test_not_counted),
    };
    return cmocka_run_group_tests_name("check_range", tests, NULL, NULL);
}
