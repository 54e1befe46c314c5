/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of summaries as objects (agent/summary/summary.c): statistics, look-ups, coarse
 * cells, keys of offending rows, references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/made_batch.h"

/* The summary of a literal column of numbers. */
static struct vg_column_summary count_literals(const double *x, size_t n)
{
    uint8_t states[64] = {0};
    struct vg_column rows = {.kind = VG_KIND_NUMBER, .state = states, .num = x};
    struct vg_column_summary column;
    struct vg_error err;
    assert_true(n <= sizeof states);
    assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, NULL, VG_PART_HLL, &err), 0);
    assert_int_equal(vg_column_count(&column, &rows, n, &err), 0);
    return column;
}

static void test_statistics_by_literals(void **state)
{
    (void)state;
    const double h = DBL_MAX, tiny = 4.9406564584124654e-324;
    const struct {
        size_t n;
        double x[4];
        double mean, stddev;
    } cases[] = {
        {0, {0}, NAN, NAN},
        {1, {3}, 3, NAN},
        {2, {3, 3}, 3, 0},
        {3, {0.1, 0.1, 0.1}, 0.1, 0},
        {4, {1, 2, 3, 4}, 2.5, 1.2909944487358056},
        {4, {1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4}, 1e9 + 2.5, 1.2909944487358056},
        {4, {1e16, 1, -1e16, 1}, 0.5, 8.16496580927726e15},
        {3, {-0.0, 0.0, -0.0}, 0, 0},
        {2, {tiny, 3 * tiny}, 2 * tiny, 0},
        {2, {h, h}, NAN, NAN},        /* the sum overflows */
        {3, {h, -h, 1}, NAN, NAN},    /* in some order it does */
        {2, {1e200, -1e200}, 0, NAN}, /* squares overflow */
        {2, {1e130, -1e130}, 0, 1.4142135623730951e130},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_column_summary column = count_literals(cases[i].x, cases[i].n);
        assert_close(vg_column_mean(&column), cases[i].mean, 1e-15);
        assert_close(vg_column_stddev(&column), cases[i].stddev, 1e-14);
        assert_int_equal(vg_column_finite(&column), cases[i].n);
        vg_column_clear(&column);
    }
}

static void test_null_ratio_and_distinct(void **state)
{
    (void)state;
    struct vg_column_summary column = count_literals((double[]){1, 2, 2, 3}, 4);
    assert_true(vg_column_null_ratio(&column) == 0);
    assert_close(vg_column_distinct(&column), 3, 0.001);
    column.rows += 4;
    column.nulls += 4;
    assert_true(vg_column_null_ratio(&column) == 0.5);
    vg_column_clear(&column);
    assert_true(isnan(vg_column_null_ratio(&column)));
    assert_true(isnan(vg_column_distinct(&column)));
    column.kind = VG_KIND_TEXT;
    column.rows = 3;
    assert_true(isnan(vg_column_mean(&column)));
}

static void test_infinities_and_nan_stay_apart(void **state)
{
    (void)state;
    static const uint8_t states[] = {VG_CELL_VALUE, VG_CELL_NAN,   VG_CELL_PINF, VG_CELL_NINF,
                                     VG_CELL_NULL,  VG_CELL_VALUE, VG_CELL_NAN};
    static const double num[] = {-5, 0, 0, 0, 0, 7, 0};
    struct vg_column rows = {.kind = VG_KIND_NUMBER, .special = 5, .state = states, .num = num};
    struct vg_grid *grid = vg_grid_new((double[]){0}, 1, true);
    struct vg_column_summary column;
    struct vg_error err;
    assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, grid, 0, &err), 0);
    assert_int_equal(vg_column_count(&column, &rows, 7, &err), 0);
    assert_true(column.rows == 7 && column.nulls == 1 && column.nans == 2);
    assert_true(column.pinfs == 1 && column.ninfs == 1 && column.negatives == 1);
    assert_true(column.min == -5 && column.max == 7 && vg_column_mean(&column) == 1);
    assert_true(column.zeros == 0); /* the zeros that stand for missing values are none */
    assert_true(column.fine[0] == 1 && column.fine[1] == 0 && column.fine[2] == 1);
    vg_column_clear(&column);
    vg_grid_free(grid);
}

static void test_coarse_cells_are_sums_of_fine_ones(void **state)
{
    (void)state;
    struct chance chance = {5};
    for (int round = 0; round < 60; round++) {
        struct vg_grid *all = make_grid(&chance, SHAPE_NORMAL, 1 + chance_below(&chance, 400));
        uint32_t subset[400], n = 0;
        for (uint32_t i = 0; i < all->n; i++) {
            if (chance_below(&chance, 3) == 0)
                subset[n++] = i;
        }
        struct vg_grid *grid = vg_grid_new_coarse(all->q, all->n, true, subset, n);
        struct vg_column_summary column;
        struct vg_error err;
        assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, grid, 0, &err), 0);
        uint64_t *expect = vg_array(2 * (size_t)n + 1, sizeof *expect);
        for (uint32_t c = 0; c <= 2 * grid->n; c++) {
            uint32_t below = 0, atom = 0, count = chance_below(&chance, 9);
            column.fine[c] = count;
            for (uint32_t k = 0; k < n; k++) {
                below += 2 * subset[k] + 1 < c;
                atom |= 2 * subset[k] + 1 == c;
            }
            expect[2 * below + atom] += count;
        }
        assert_int_equal(vg_column_coarsen(&column), 0);
        assert_int_equal(vg_column_coarsen(&column), 0); /* again: the same, not twice */
        assert_int_equal(column.coarse_cells, 2 * n + 1);
        assert_memory_equal(column.coarse, expect, (2 * (size_t)n + 1) * sizeof *expect);
        free(expect);
        vg_column_clear(&column);
        vg_grid_free(grid);
        vg_grid_free(all);
    }
}

static void test_attach(void **state)
{
    (void)state;
    struct vg_grid *grid = vg_grid_new((double[]){1, 2}, 2, true);
    struct vg_grid *other = vg_grid_new((double[]){1, 3}, 2, true);
    struct vg_column_summary column;
    struct vg_error err;
    assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, grid, 0, &err), 0);
    column.grid = NULL;
    assert_int_equal(vg_column_attach(&column, other, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    assert_null(column.grid);
    assert_int_equal(vg_column_attach(&column, grid, &err), 0);
    assert_ptr_equal(column.grid, grid);
    vg_column_clear(&column);
    vg_grid_free(grid);
    vg_grid_free(other);
}

static void test_lookups(void **state)
{
    (void)state;
    struct vg_error err;
    struct vg_summary *summary = vg_summary_new(2, 2);
    assert_int_equal(vg_column_init(&summary->columns[0], "a", VG_KIND_TEXT, NULL, 0, &err), 0);
    assert_int_equal(vg_column_init(&summary->columns[1], "b", VG_KIND_BOOL, NULL, 0, &err), 0);
    assert_int_equal(vg_predicate_init(&summary->predicates[0], "a.range", false, 3, &err), 0);
    assert_int_equal(vg_predicate_init(&summary->predicates[1], "a.range", true, 3, &err), 0);
    assert_ptr_equal(vg_summary_column(summary, "b"), &summary->columns[1]);
    assert_null(vg_summary_column(summary, "c"));
    assert_ptr_equal(vg_summary_predicate(summary, "a.range#warn"), &summary->predicates[1]);
    assert_null(vg_summary_predicate(summary, "b.range"));
    vg_summary_free(summary);
    vg_summary_free(NULL);
}

static const struct {
    uint64_t hash;
    const char *text;
} keys[] = {{9, "i"}, {2, "b"}, {7, "g"}, {2, "a"}, {5, "e"}, {2, "b"}, {1, "z"}, {9, "h"}};
enum { KEYS = sizeof keys / sizeof *keys };

/* The keys kept of all, offered in a random order, as one string. */
static void keep_keys(struct chance *chance, size_t max_keys, char kept[16])
{
    struct vg_error err;
    uint32_t order[KEYS];
    struct vg_summary *owner = vg_summary_new(0, 1);
    struct vg_predicate_summary *predicate = &owner->predicates[0];
    assert_int_equal(vg_predicate_init(predicate, "r", false, max_keys, &err), 0);
    shuffle_rows(chance, order, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        uint64_t hash = keys[order[i]].hash;
        const char *text = keys[order[i]].text;
        if (vg_predicate_wants(predicate, hash))
            assert_int_equal(vg_predicate_add_key(predicate, hash, text, &err), 0);
    }
    kept[0] = '\0';
    for (size_t i = 0; i < predicate->nkeys; i++)
        snprintf(kept + i, 16 - i, "%s", predicate->keys[i]);
    vg_summary_free(owner);
}

/* Whatever the order and however often each comes, the smallest by (hash, text) are kept. */
static void test_keys(void **state)
{
    (void)state;
    static const struct {
        size_t max;
        const char *expect;
    } cases[] = {{0, ""},      {1, "z"},       {2, "za"},     {3, "zab"},
                 {5, "zabeg"}, {7, "zabeghi"}, {9, "zabeghi"}};
    struct chance chance = {6};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int round = 0; round < 50; round++) {
            char kept[16];
            keep_keys(&chance, cases[c].max, kept);
            assert_string_equal(kept, cases[c].expect);
        }
    }
}

static void test_reference(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_reference *reference = vg_arena_alloc(arena, sizeof *reference);
    struct vg_error err;
    reference->arena = arena;
    reference->ncolumns = 2;
    reference->columns = vg_arena_array(arena, 2, sizeof *reference->columns);
    reference->columns[0].name = "a";
    reference->columns[1].name = "b";
    struct vg_grid *grid = vg_grid_new((double[]){1, 2}, 2, true);
    struct vg_column_summary column;
    assert_int_equal(vg_column_init(&column, "b", VG_KIND_NUMBER, grid, 0, &err), 0);
    column.fine[3] = 4;
    assert_int_equal(vg_distribution_of(&column, &reference->columns[1].fine, &err), 0);
    assert_int_equal(reference->columns[1].fine->n, 4);
    assert_ptr_equal(vg_reference_find(reference, "b"), &reference->columns[1]);
    assert_null(vg_reference_find(reference, "c"));
    vg_column_clear(&column);
    assert_int_equal(vg_distribution_of(&column, &reference->columns[0].fine, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    vg_grid_free(grid);
    vg_reference_free(reference);
    vg_reference_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_by_literals),
        cmocka_unit_test(test_null_ratio_and_distinct),
        cmocka_unit_test(test_infinities_and_nan_stay_apart),
        cmocka_unit_test(test_coarse_cells_are_sums_of_fine_ones),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests_name("test_summary", tests, NULL, NULL);
}
