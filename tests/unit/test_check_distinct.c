/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_distinct.c, check_distinct_ratio.c and check_constant.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/check_kit.h"
#include "tests/unit/counted.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void start(struct kit *kit, const char *check, struct vg_column_summary *column)
{
    kit_init(kit, check, "x");
    kit_column(kit, "x", "text", column->kind);
    kit->now.columns = column;
    kit->now.ncolumns = 1;
}

static void test_exact(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b", NULL, "a", ""};
    struct vg_column_summary column;
    struct kit kit;
    counted_texts(&column, "x", false, texts, COUNT(texts));
    start(&kit, "distinct", &column);
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 3, "3 distinct values in 4 rows");
    assert_true(!measure->bounded && measure->n_now == 4);
    kit_free(&kit);
    start(&kit, "distinct_ratio", &column);
    measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 0.75, "3 distinct values in 4 rows");
    kit_free(&kit);
    vg_column_clear(&column);
}

static void test_estimate(void **state)
{
    (void)state;
    static double x[8000];
    for (size_t i = 0; i < COUNT(x); i++)
        x[i] = (double)(i / 2);
    struct vg_column_summary column;
    struct kit kit;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, COUNT(x));
    start(&kit, "distinct", &column);
    const struct vg_measure *measure = kit_measure(&kit, 1);
    assert_true(measure->bounded && measure->lo < 4000 && measure->hi > 4000);
    assert_true(measure->hi < 4400 && measure->lo > 3600);
    assert_non_null(strstr(measure->why, "distinct values in 8000 rows"));
    kit_free(&kit);
    start(&kit, "distinct_ratio", &column);
    measure = kit_measure(&kit, 1);
    assert_true(measure->bounded && measure->lo < 0.5 && measure->hi > 0.5);
    kit_free(&kit);
    vg_column_clear(&column);
}

static void test_not_counted(void **state)
{
    (void)state;
    static const char *const checks[] = {"distinct", "distinct_ratio", "constant"};
    for (size_t i = 0; i < COUNT(checks); i++) {
        struct vg_column_summary column = {.name = "x", .kind = VG_KIND_TEXT, .rows = 9};
        struct kit kit;
        start(&kit, checks[i], &column);
        const struct vg_measure *measure = kit_measure(&kit, 1);
        assert_true(i == 2 ? measure->lo == 0 && measure->hi == 1 : isnan(measure->value));
        column.nulls = 9;
        measure = kit_measure(&kit, 1);
        assert_true(measure->n_now == 0);
        kit.now.ncolumns = 0;
        kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "was not counted");
        kit_free(&kit);
    }
}

/* --- constant --- */

static void assert_constant(struct vg_column_summary *column, double lo, double hi, const char *why)
{
    struct kit kit;
    start(&kit, "constant", column);
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, lo, why);
    assert_true(fabs(measure->lo - lo) < 1e-12 && fabs(measure->hi - hi) < 1e-12);
    assert_int_equal(measure->bounded, lo < hi);
    kit_free(&kit);
    vg_column_clear(column);
}

static void test_constant_texts(void **state)
{
    (void)state;
    static const char *const mixed[] = {"a", "b", "a", "a", NULL}, *const same[] = {"a", "a", "a"};
    struct vg_column_summary column;
    counted_texts(&column, "x", false, mixed, COUNT(mixed));
    assert_constant(&column, 0.75, 0.75, "3 of 4 rows have the most frequent value");
    counted_texts(&column, "x", false, same, COUNT(same));
    assert_constant(&column, 1, 1, "3 of 3 rows have the most frequent value");
    counted_texts(&column, "x", true, same, COUNT(same));
    assert_constant(&column, 1, 1, "3 of 3 rows have the most frequent value");
    counted_texts(&column, "x", true, mixed, COUNT(mixed));
    assert_constant(&column, 0, 0.75,
                    "not all of 4 rows have the same value; how many have the most frequent one is "
                    "not counted");
}

static void test_constant_numbers(void **state)
{
    (void)state;
    static const double same[] = {7, 7, 7}, mixed[] = {0, 0, 0, 5, 10, NAN}, truths[] = {1, 1, 0};
    static const double q[] = {0, 10};
    struct vg_column_summary column;
    struct vg_grid *grid = vg_grid_new(q, 2, true);
    assert_non_null(grid);
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, same, COUNT(same));
    assert_constant(&column, 1, 1, "3 of 3 rows have the most frequent value");
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, mixed, COUNT(mixed));
    assert_constant(&column, 0, 0.8,
                    "not all of 5 rows have the same value; how many have the most frequent one is "
                    "not counted");
    counted_numbers(&column, "x", VG_KIND_NUMBER, grid, mixed, COUNT(mixed));
    assert_constant(&column, 0.6, 0.6, "3 of 5 rows have the most frequent value");
    counted_numbers(&column, "x", VG_KIND_BOOL, NULL, truths, COUNT(truths));
    assert_constant(&column, 2.0 / 3, 2.0 / 3, "2 of 3 rows have the most frequent value");
    vg_grid_free(grid);
}

/* Two values that meet in one register are two values all the same. */
static void test_no_false_constant(void **state)
{
    (void)state;
    struct vg_column_summary column;
    double value, lo, hi;
    for (int i = 1; i < 20000; i++) {
        double x[] = {0, i};
        counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 2);
        assert_true(vg_column_distinct_bounds(&column, &value, &lo, &hi));
        assert_true(value == 2 && lo == 2 && hi == 2);
        vg_column_clear(&column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_estimate),
        cmocka_unit_test(test_not_counted),
        cmocka_unit_test(test_constant_texts),
        cmocka_unit_test(test_constant_numbers),
        cmocka_unit_test(test_no_false_constant),
    };
    return cmocka_run_group_tests_name("check_distinct", tests, NULL, NULL);
}
