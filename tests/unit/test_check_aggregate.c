/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_aggregate.c and of the checks that stand on it: mean, stddev, sum,
 * minimum, maximum, quantile, median. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "tests/unit/check_kit.h"
#include "tests/unit/counted.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void start(struct kit *kit, const char *check, struct vg_column_summary *column)
{
    kit_init(kit, check, "x");
    kit_column(kit, "x", "double precision", column->kind);
    kit->now.columns = column;
    kit->now.ncolumns = 1;
    if (kit->rule.type->params_size) {
        char *params = vg_arena_alloc(kit->arena, kit->rule.type->params_size);
        assert_non_null(params);
        assert_string_equal(kit->rule.type->params[0].name, "q");
        *(double *)(void *)(params + kit->rule.type->params[0].offset) = 0.25;
        kit->rule.params = params;
    }
}

static void test_values(void **state)
{
    (void)state;
    static const double x[] = {4, 1, NAN, 2, 13, INFINITY, -INFINITY};
    static const struct {
        const char *check;
        double value;
        const char *why;
    } cases[] = {
        {"mean", 5, "mean 5 of 4 values"},
        {"stddev", 5.477225575051661, "standard deviation 5.47723 of 4 values"},
        {"sum", 20, "sum 20 of 4 values"},
        {"minimum", 1, "minimum 1 of 4 values"},
        {"maximum", 13, "maximum 13 of 4 values"},
        {"median", 3, "median 3 of 4 values"},
        {"quantile", 1.75, "0.25 quantile 1.75 of 4 values"},
    };
    struct vg_column_summary column;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, COUNT(x));
    counted_nulls(&column, 5);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kit kit;
        start(&kit, cases[i].check, &column);
        const struct vg_measure *measure = kit_measure(&kit, 1);
        kit_assert_found(measure, cases[i].value, cases[i].why);
        assert_true(measure->n_now == 4 && !measure->bounded && !measure->is_time);
        kit_free(&kit);
    }
    vg_column_clear(&column);
}

static const char *const all[] = {"mean",    "stddev", "sum",     "minimum",
                                  "maximum", "median", "quantile"};

static void test_no_values(void **state)
{
    (void)state;
    static const double x[] = {NAN};
    struct vg_column_summary column;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 1);
    for (size_t i = 0; i < COUNT(all); i++) {
        struct kit kit;
        start(&kit, all[i], &column);
        const struct vg_measure *measure = kit_measure(&kit, 1);
        assert_true(isnan(measure->value) && measure->n_now == 0);
        kit.now.ncolumns = 0;
        kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column x was not counted");
        kit_free(&kit);
    }
    vg_column_clear(&column);
}

/* Sums that could overflow in some order are not known; extremes and quantiles are. */
static void test_huge_values(void **state)
{
    (void)state;
    static const double x[] = {DBL_MAX, DBL_MAX, -DBL_MAX};
    struct vg_column_summary column;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 3);
    for (size_t i = 0; i < COUNT(all); i++) {
        struct kit kit;
        start(&kit, all[i], &column);
        const struct vg_measure *measure = kit_measure(&kit, 1);
        bool known = !isnan(measure->value);
        assert_true(known == (i >= 3));
        assert_true(!known || fabs(measure->value) <= DBL_MAX);
        kit_free(&kit);
    }
    vg_column_clear(&column);
}

static void test_times(void **state)
{
    (void)state;
    static const double x[] = {978307200e6, 978393600e6};
    struct vg_column_summary column;
    struct kit kit;
    counted_numbers(&column, "x", VG_KIND_TIME, NULL, x, 2);
    start(&kit, "maximum", &column);
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 978393600e6, "maximum 2001-01-02T00:00:00Z of 2 values");
    assert_true(measure->is_time);
    kit_free(&kit);
    vg_column_clear(&column);
}

/* What shows the value of a row is not said of a private column; what adds rows up is. */
static void test_private(void **state)
{
    (void)state;
    static const double x[] = {31337, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct vg_column_summary column, few;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 10);
    counted_numbers(&few, "x", VG_KIND_NUMBER, NULL, x, 9);
    counted_nulls(&few, 5);
    for (size_t i = 0; i < COUNT(all); i++) {
        struct vg_column_spec spec = {.name = "x", .is_private = true};
        struct kit kit;
        start(&kit, all[i], &column);
        kit.dataset.columns = &spec;
        kit.dataset.ncolumns = 1;
        const struct vg_measure *measure = kit_measure(&kit, 1);
        if (i < 3) {
            assert_int_equal(measure->look, VG_PASS);
            assert_true(!isnan(measure->value));
            kit.now.columns = &few;
            measure = kit_measure(&kit, 1);
            kit_assert_skipped(measure, VG_NODATA,
                               "of fewer than 10 values is not shown: it has 9");
            assert_true(isnan(measure->value) && isnan(measure->lo) && isnan(measure->hi));
            kit.dataset.ncolumns = 0;
            assert_int_equal(kit_measure(&kit, 1)->look, VG_PASS);
        } else {
            kit_assert_skipped(measure, VG_UNKNOWN, "column x is private and its ");
            assert_true(isnan(measure->value) && isnan(measure->lo) && isnan(measure->hi));
        }
        kit_free(&kit);
    }
    vg_column_clear(&few);
    vg_column_clear(&column);
}

/* More values than are held one by one: between bounds, value in their middle. */
static void test_bounds(void **state)
{
    (void)state;
    static double x[20001];
    for (size_t i = 0; i < COUNT(x); i++)
        x[i] = 1000 + sqrt((double)i);
    struct vg_column_summary column;
    struct kit kit;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, COUNT(x));
    start(&kit, "median", &column);
    const struct vg_measure *measure = kit_measure(&kit, 1);
    assert_int_equal(measure->look, VG_PASS);
    assert_true(measure->bounded && measure->lo <= 1100 && measure->hi >= 1100);
    assert_true(measure->hi - measure->lo < 1);
    assert_true(measure->value >= measure->lo && measure->value <= measure->hi);
    kit_free(&kit);
    vg_column_clear(&column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),      cmocka_unit_test(test_no_values),
        cmocka_unit_test(test_huge_values), cmocka_unit_test(test_times),
        cmocka_unit_test(test_private),     cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests_name("check_aggregate", tests, NULL, NULL);
}
