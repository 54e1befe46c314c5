/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/summary/quantile.c and distinct.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"
#include "agent/summary/private.h"
#include "tests/unit/counted.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_quantile(const struct vg_column_summary *column, double q, double want)
{
    double lo, hi;
    assert_true(vg_column_quantile(column, q, &lo, &hi));
    assert_true(lo == hi);
    assert_true(fabs(lo - want) < 1e-12 * fmax(1, fabs(want)));
}

/* As percentile_cont() of PostgreSQL 15 answers. */
static void test_few_values(void **state)
{
    (void)state;
    static const double x[] = {3, -1, 0, 2.5, 1e300, -0.0, -7, NAN, INFINITY, -INFINITY};
    static const struct {
        double q, want;
    } cases[] = {{0, -7}, {1, 1e300}, {0.5, 0}, {0.25, -0.5}, {0.1, -3.4}, {5.0 / 6, 3}};
    struct vg_column_summary column;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, COUNT(x));
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_quantile(&column, cases[i].q, cases[i].want);
    vg_column_clear(&column);
    counted_numbers(&column, "x", VG_KIND_TIME, NULL, x, 4);
    assert_quantile(&column, 0.5, 1.25);
    vg_column_clear(&column);
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    static const double x[] = {NAN, 4, 4};
    static const char *const text[] = {"a"};
    struct vg_column_summary column;
    double lo, hi;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 1);
    assert_false(vg_column_quantile(&column, 0.5, &lo, &hi));
    vg_column_clear(&column);
    counted_texts(&column, "x", false, text, 1);
    assert_null(column.quantiles);
    assert_false(vg_column_quantile(&column, 0.5, &lo, &hi));
    vg_column_clear(&column);
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, 3);
    vg_quantiles_free(column.quantiles);
    column.quantiles = NULL;
    assert_quantile(&column, 0.5, 4); /* all are the same */
    column.min = 3;
    assert_false(vg_column_quantile(&column, 0.5, &lo, &hi));
    vg_column_clear(&column);
}

static uint64_t draw(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static double uniform(uint64_t *seed)
{
    return (double)(draw(seed) >> 11) * 0x1p-53;
}

enum { MANY = 30000 };

static void fill(double *x, int shape)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < MANY; i++) {
        double u = uniform(&seed), v = uniform(&seed);
        x[i] = shape == 0   ? u
               : shape == 1 ? sqrt(-2 * log(u + 1e-12)) * cos(6.2831853 * v)
               : shape == 2 ? exp(20 * (u - 0.5)) * (v < 0.3 ? -1 : 1)
                            : 1.7e15 + floor(8.64e10 * u);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest width of the bounds, over the shape, as a share of the value or of the spread. */
static const double widths[] = {0.002, 0.01, 0.02, 0.001};

static void test_bounds_hold(void **state)
{
    (void)state;
    double *x = calloc(MANY, sizeof *x);
    assert_non_null(x);
    for (int shape = 0; shape < 4; shape++) {
        struct vg_column_summary column;
        fill(x, shape);
        counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, MANY);
        qsort(x, MANY, sizeof *x, compare);
        for (size_t i = 0; i <= 200; i++) {
            double q = (double)i / 200, place = (MANY - 1) * q, lo, hi;
            size_t k = (size_t)place, next = k + 1 < MANY ? k + 1 : k;
            double want = x[k] + (place - floor(place)) * (x[next] - x[k]);
            assert_true(vg_column_quantile(&column, q, &lo, &hi));
            assert_true(lo <= want + 1e-9 * fabs(want) && want - 1e-9 * fabs(want) <= hi);
            double scale = shape == 3 ? 8.64e10 : fmax(fabs(want), shape == 2 ? 1e-9 : 0.1);
            assert_true(hi - lo <= widths[shape] * scale);
        }
        vg_column_clear(&column);
    }
    free(x);
}

static struct vg_buf write(const struct vg_column_summary *column)
{
    struct vg_buf out;
    struct vg_error err = {0};
    vg_buf_init(&out, 1 << 20);
    assert_int_equal(vg_quantiles_write(column->quantiles, &out), 0);
    assert_false(out.failed);
    (void)err;
    return out;
}

/* Whatever the order and the split, the same bytes. */
static void test_merge(void **state)
{
    (void)state;
    double *x = calloc(MANY, sizeof *x);
    assert_non_null(x);
    for (int shape = 0; shape < 4; shape++) {
        struct vg_error err = {0};
        struct vg_column_summary whole, sum, part;
        fill(x, shape);
        counted_numbers(&whole, "x", VG_KIND_NUMBER, NULL, x, MANY);
        qsort(x, MANY, sizeof *x, compare);
        counted_numbers(&sum, "x", VG_KIND_NUMBER, NULL, x + MANY - 100, 100);
        for (size_t at = 0, n = 1; at < MANY - 100; at += n, n *= 3) {
            n = n < MANY - 100 - at ? n : MANY - 100 - at;
            counted_numbers(&part, "x", VG_KIND_NUMBER, NULL, x + at, n);
            assert_int_equal(vg_column_merge(&sum, &part, &err), 0);
            vg_column_clear(&part);
        }
        struct vg_buf a = write(&whole), b = write(&sum);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        vg_buf_free(&a);
        vg_buf_free(&b);
        vg_column_clear(&whole);
        vg_column_clear(&sum);
    }
    free(x);
}

static void test_merge_with_none(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3};
    struct vg_error err = {0};
    struct vg_column_summary with, without;
    counted_numbers(&with, "x", VG_KIND_NUMBER, NULL, x, 3);
    assert_int_equal(vg_column_init(&without, "x", VG_KIND_NUMBER, NULL, 0, &err), 0);
    assert_null(without.quantiles);
    assert_int_equal(vg_column_merge(&with, &without, &err), 0);
    assert_null(with.quantiles);
    vg_column_clear(&with);
    vg_column_clear(&without);
}

static void test_blob(void **state)
{
    (void)state;
    double *x = calloc(MANY, sizeof *x);
    assert_non_null(x);
    struct vg_column_summary column, *read;
    struct vg_error err = {0};
    struct vg_buf blob, plain;
    fill(x, 1);
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, MANY);
    vg_buf_init(&blob, 1 << 20);
    assert_int_equal(vg_column_write(&column, &blob, &err), 0);
    assert_int_equal(vg_column_read(blob.data, blob.len, &read, &err), 0);
    for (int i = 0; i <= 10; i++) {
        double lo, hi, lo2, hi2;
        assert_true(vg_column_quantile(&column, i / 10.0, &lo, &hi));
        assert_true(vg_column_quantile(read, i / 10.0, &lo2, &hi2));
        assert_true(lo == lo2 && hi == hi2);
    }
    vg_column_free(read);
    vg_private_column(&column);
    assert_null(column.quantiles);
    vg_buf_init(&plain, 1 << 20);
    assert_int_equal(vg_column_write(&column, &plain, &err), 0);
    assert_true(plain.len < blob.len / 3);
    vg_buf_free(&plain);
    vg_buf_free(&blob);
    vg_column_clear(&column);
    free(x);
}

/* What cannot have been written is refused. */
static void test_blob_nonsense(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t size;
        bool fine; /* of two values */
    } cases[] = {
        {{0, 2, 5, 1, 1, 1}, 6, true},  {{0, 1, 5, 2}, 4, true},
        {{0, 2, 5, 1, 0, 1}, 6, false}, /* a cell twice */
        {{0, 1, 5, 1}, 4, false},       /* too few */
        {{0, 1, 5, 3}, 4, false},       /* too many */
        {{0, 2, 5, 2, 1, 0}, 6, false}, /* an empty cell */
        {{64, 1, 0, 2}, 4, false},      /* nothing left of the bits */
        {{63, 1, 2, 2}, 4, false},      /* more than the cut leaves */
        {{63, 1, 1, 2}, 4, true},       {{0, 1}, 2, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_blob blob = {.at = cases[i].bytes, .end = cases[i].bytes + cases[i].size};
        struct vg_quantiles *read;
        assert_int_equal(vg_quantiles_read(&blob, 2, &read), 0);
        if (!blob.bad != cases[i].fine)
            fail_msg("case %zu", i);
        vg_quantiles_free(read);
    }
}

/* Fine cells alone: exact on thresholds, the gap's ends between them; both together the closer. */
static void test_fine_cells(void **state)
{
    (void)state;
    static const double q[] = {0, 10, 20}, x[] = {-5, 0, 0, 10, 13, 14, 20, 99};
    struct vg_column_summary column;
    struct vg_grid *grid = vg_grid_new(q, 3, true);
    double lo, hi;
    assert_non_null(grid);
    counted_numbers(&column, "x", VG_KIND_NUMBER, grid, x, COUNT(x));
    assert_quantile(&column, 4.0 / 7, 13);
    vg_quantiles_free(column.quantiles);
    column.quantiles = NULL;
    static const double bounds[][2] = {{-5, 0},  {0, 0},   {0, 0},   {10, 10},
                                       {10, 20}, {10, 20}, {20, 20}, {20, 99}};
    for (size_t i = 0; i < COUNT(x); i++) {
        assert_true(vg_column_quantile(&column, (double)i / 7, &lo, &hi));
        assert_true(lo == bounds[i][0] && hi == bounds[i][1]);
    }
    vg_column_clear(&column);
    vg_grid_free(grid);
}

/* --- distinct values --- */

static void test_distinct_exact(void **state)
{
    (void)state;
    static const double same[] = {4, 4, 4}, cells[] = {0, 0, 10, 20}, truths[] = {0, 1, 1};
    static const double q[] = {0, 10, 20};
    static const char *const texts[] = {"a", "b", "a", "c", NULL};
    struct vg_column_summary column;
    struct vg_grid *grid = vg_grid_new(q, 3, true);
    double value, lo, hi;
    assert_non_null(grid);
    for (int i = 0; i < 5; i++) {
        if (i == 0)
            counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, same, 3);
        else if (i == 1)
            counted_numbers(&column, "x", VG_KIND_NUMBER, grid, cells, 4);
        else if (i == 2)
            counted_numbers(&column, "x", VG_KIND_BOOL, NULL, truths, 3);
        else
            counted_texts(&column, "x", false, texts, i == 3 ? 5 : 0);
        static const double want[] = {1, 3, 2, 3, 0};
        assert_true(vg_column_distinct_bounds(&column, &value, &lo, &hi));
        assert_true(value == want[i] && lo == want[i] && hi == want[i]);
        vg_column_clear(&column);
    }
    vg_grid_free(grid);
}

static void test_distinct_estimate(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 3, 5, 6, 10, 100, 1000, 5000, 30000};
    double *x = calloc(MANY, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct vg_column_summary column;
        double value, lo, hi, n = (double)sizes[i];
        for (size_t k = 0; k < sizes[i]; k++)
            x[k] = (double)k * 0.25 - 3;
        counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, sizes[i]);
        assert_true(vg_column_distinct_bounds(&column, &value, &lo, &hi));
        assert_true(lo <= n && n <= hi && lo <= value && value <= hi);
        assert_true(n > 5 || lo == hi);
        assert_true(hi - lo <= fmax(2, 0.1 * n));
        vg_column_clear(&column);
    }
    free(x);
    /* Few registers: two values may share one, and never are there more values than rows. */
    static const double repeated[] = {1, 2, 3, 3, 3, 3};
    struct vg_column_summary column;
    double value, lo, hi;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, repeated, 6);
    assert_true(vg_column_distinct_bounds(&column, &value, &lo, &hi));
    assert_true(value == 3 && lo == 3 && hi == 4);
    vg_column_clear(&column);
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, repeated, 2);
    memset(column.hll, 9, 64); /* more registers than rows: of a damaged summary */
    assert_true(vg_column_distinct_bounds(&column, &value, &lo, &hi));
    assert_true(value == 2 && lo == 2 && hi == 2);
    vg_column_clear(&column);
    struct vg_column_summary none = {.rows = 9, .kind = VG_KIND_TEXT};
    assert_false(vg_column_distinct_bounds(&none, &value, &lo, &hi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_values),      cmocka_unit_test(test_nothing_to_tell),
        cmocka_unit_test(test_bounds_hold),     cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_with_none), cmocka_unit_test(test_blob),
        cmocka_unit_test(test_blob_nonsense),   cmocka_unit_test(test_fine_cells),
        cmocka_unit_test(test_distinct_exact),  cmocka_unit_test(test_distinct_estimate),
    };
    return cmocka_run_group_tests_name("summary_quantile", tests, NULL, NULL);
}
