/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of sketches (agent/sketch.c): exact grids, masses between the thresholds of quantile
 * grids, extremes, the coarse subset, memory. Masses are counted from all the values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sketch.h"
#include "pgvigil/sort.h"
#include "tests/unit/made_batch.h"

enum order { RANDOM, ASCENDING, DESCENDING, SAWTOOTH, ORDERS };

static double *make_values(struct chance *chance, enum shape shape, size_t n, enum order order)
{
    double *x = vg_array(n, sizeof *x), *y = vg_array(n, sizeof *y);
    assert_true(x && y);
    for (size_t i = 0; i < n; i++)
        x[i] = make_value(chance, shape);
    if (order != RANDOM)
        vg_sort_doubles(x, n);
    for (size_t i = 0; i < n; i++)
        y[i] = order == DESCENDING ? x[n - 1 - i] : order == SAWTOOTH ? x[i * 7919 % n] : x[i];
    free(x);
    return y;
}

static struct vg_grid *sketch_grid(const double *x, size_t n, uint32_t resolution)
{
    struct vg_sketch *sketch = vg_sketch_new(resolution);
    struct vg_grid *grid;
    struct vg_error err;
    for (size_t from = 0, k; from < n; from += k) {
        k = n - from < 1000 ? n - from : 1000;
        assert_int_equal(vg_sketch_add(sketch, x + from, k, &err), 0);
    }
    assert_int_equal(vg_sketch_grid(sketch, &grid, &err), 0);
    vg_sketch_free(sketch);
    return grid;
}

static uint64_t *count_cells(const struct vg_grid *grid, const double *x, size_t n)
{
    uint64_t *cells = vg_array(2 * (size_t)grid->n + 1, sizeof *cells);
    assert_non_null(cells);
    vg_grid_count(grid, x, n, cells);
    return cells;
}

/* The largest mass strictly between neighbours, which is what D can be off by. */
static double widest_gap(const struct vg_grid *grid, const double *x, size_t n)
{
    uint64_t *cells = count_cells(grid, x, n), widest = 0;
    assert_int_equal(cells[0], 0); /* no mass outside */
    assert_int_equal(cells[2 * (size_t)grid->n], 0);
    for (size_t i = 1; i < grid->n; i++)
        widest = cells[2 * i] > widest ? cells[2 * i] : widest;
    free(cells);
    return (double)widest / (double)n;
}

static void check_gaps(size_t n, uint32_t resolution, enum order order)
{
    struct chance chance = {n + resolution + (uint64_t)order};
    double *x = make_values(&chance, SHAPE_NORMAL, n, order);
    struct vg_grid *grid = sketch_grid(x, n, resolution);
    double gap = widest_gap(grid, x, n);
    assert_int_equal(grid->exact, n <= resolution);
    assert_true(grid->n <= resolution);
    if (!grid->exact)
        assert_true(grid->n > resolution - resolution / 100);
    if (gap > 1.5 / resolution)
        fail_msg("n %zu, resolution %u, order %d: gap %.3f / resolution", n, resolution, (int)order,
                 gap * resolution);
    vg_grid_free(grid);
    free(x);
}

static void test_gaps_of_untied_values(void **state)
{
    (void)state;
    static const size_t sizes[] = {50000, 200000, 1000000, 3000000};
    static const uint32_t resolutions[] = {200, 4096, VG_GRID_MAX};
    for (size_t i = 0; i < 4; i++) {
        for (size_t r = 0; r < 3; r++)
            check_gaps(sizes[i], resolutions[r], RANDOM);
    }
    for (int order = ASCENDING; order < ORDERS; order++) {
        check_gaps(200000, 4096, (enum order)order);
        check_gaps(1000000, 200, (enum order)order);
        check_gaps(1000000, VG_GRID_MAX, (enum order)order);
    }
}

/* Below one level's capacity, 2^17 at least, thresholds are the values at evenly spaced ranks. */
static void test_quantiles_are_exact_below_capacity(void **state)
{
    (void)state;
    struct chance chance = {2};
    size_t n = 131071;
    double *x = make_values(&chance, SHAPE_NORMAL, n, RANDOM);
    struct vg_grid *grid = sketch_grid(x, n, 300);
    vg_sort_doubles(x, n);
    assert_int_equal(grid->n, 300);
    for (size_t j = 0; j < 300; j++)
        assert_true(grid->q[j] == x[(n - 1) * j / 299]);
    vg_grid_free(grid);
    free(x);
}

static void test_few_distinct_values_are_all_thresholds(void **state)
{
    (void)state;
    struct chance chance = {3};
    for (int round = 0; round < 60; round++) {
        enum shape shape = (enum shape)(round % SHAPES);
        size_t n = 1 + chance_below(&chance, 3000);
        double *x = make_values(&chance, shape, n, RANDOM);
        struct vg_grid *grid = sketch_grid(x, n, 3000);
        assert_true(grid->exact);
        uint64_t *cells = count_cells(grid, x, n);
        for (size_t i = 0; i <= grid->n; i++)
            assert_true(cells[2 * i] == 0);
        for (size_t i = 0; i < grid->n; i++)
            assert_true(cells[2 * i + 1] > 0 && !(grid->q[i] == 0 && signbit(grid->q[i])));
        free(cells);
        vg_grid_free(grid);
        free(x);
    }
}

/* One value more than fits, and heavy ties around it. */
static void test_edge_of_the_table(void **state)
{
    (void)state;
    for (uint32_t values = 255; values <= 258; values++) {
        size_t n = 300000;
        double *x = vg_array(n, sizeof *x);
        assert_non_null(x);
        for (size_t i = 0; i < n; i++)
            x[i] = i % 3 ? 128 : (double)(i / 3 % values);
        struct vg_grid *grid = sketch_grid(x, n, 256);
        assert_int_equal(grid->exact, values <= 256);
        assert_true(grid->q[0] == 0 && grid->q[grid->n - 1] == values - 1);
        assert_true(widest_gap(grid, x, n) <= (values <= 256 ? 0 : 1.5 / 256));
        bool heavy = false;
        for (uint32_t i = 0; i < grid->n; i++)
            heavy |= grid->q[i] == 128;
        assert_true(heavy);
        vg_grid_free(grid);
        free(x);
    }
}

/* Tied values of every weight reach the ladder by the binary digits of their counts. */
static void test_ties_beyond_the_table(void **state)
{
    (void)state;
    struct chance chance = {5};
    for (int round = 0; round < 6; round++) {
        size_t n = 600000;
        double *x = vg_array(n, sizeof *x);
        assert_non_null(x);
        for (size_t i = 0; i < n; i++)
            x[i] = floor(chance_unit(&chance) * chance_unit(&chance) * 3000 * (round + 1));
        struct vg_grid *grid = sketch_grid(x, n, 1000);
        assert_false(grid->exact);
        assert_true(widest_gap(grid, x, n) <= 1.5 / 1000);
        vg_grid_free(grid);
        free(x);
    }
}

/* Few values come often at first, then many others: what the table held keeps its weight. */
static void test_weights_survive_the_table(void **state)
{
    (void)state;
    struct chance chance = {8};
    size_t n = 500000;
    double *x = vg_array(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = i < n / 2 ? chance_below(&chance, 200) : 500 * chance_unit(&chance) - 200;
    struct vg_grid *grid = sketch_grid(x, n, 250);
    assert_false(grid->exact);
    assert_true(widest_gap(grid, x, n) <= 1.5 / 250);
    vg_grid_free(grid);
    free(x);
}

/* Thresholds lie at the ranks they stand for: none further off than 2 / capacity of a level, a
 * little over the announced 1.4, and the errors cancel on the average. */
static void test_ranks(void **state)
{
    (void)state;
    struct chance chance = {10};
    size_t n = 3000000;
    const uint32_t resolution = 300, capacity = 1 << 17;
    double *x = make_values(&chance, SHAPE_NORMAL, n, RANDOM), mean = 0;
    struct vg_grid *grid = sketch_grid(x, n, resolution);
    uint64_t *cells = count_cells(grid, x, n), rank = 0;
    assert_int_equal(grid->n, resolution);
    for (uint32_t i = 0; i < grid->n; i++) {
        rank += cells[2 * i];
        double error = (double)rank / (double)n - (double)i / (resolution - 1);
        assert_true(fabs(error) * capacity < 2);
        mean += error * capacity / resolution;
        rank += cells[2 * i + 1];
    }
    assert_true(fabs(mean) < 0.5);
    free(cells);
    vg_grid_free(grid);
    free(x);
}

/* The only smallest and largest value of many are thresholds, wherever they come. */
static void test_extremes_are_thresholds(void **state)
{
    (void)state;
    struct chance chance = {6};
    size_t n = 700000;
    double *x = make_values(&chance, SHAPE_NORMAL, n, RANDOM);
    for (int round = 0; round < 4; round++) {
        x[chance_below(&chance, 300000)] = -1e6 - round;
        x[300000 + chance_below(&chance, 300000)] = 1e6 + round;
        struct vg_grid *grid = sketch_grid(x, n, 200);
        assert_true(grid->q[0] == -1e6 - round && grid->q[grid->n - 1] == 1e6 + round);
        assert_int_equal(grid->n, 200);
        vg_grid_free(grid);
    }
    free(x);
}

static void test_coarse_subset_is_chosen(void **state)
{
    (void)state;
    struct chance chance = {7};
    for (int few = 0; few < 2; few++) {
        size_t n = 400000;
        double *x = make_values(&chance, SHAPE_NORMAL, n, RANDOM);
        struct vg_grid *grid = sketch_grid(x, n, few ? 200 : 4096);
        uint64_t *cells = count_cells(grid, x, n);
        assert_int_equal(grid->ncoarse, VG_COARSE);
        double below = 0;
        uint32_t c = 0;
        for (uint32_t k = 0; k < grid->ncoarse; k++) {
            for (; c <= 2 * grid->coarse[k]; c++)
                below += (double)cells[c];
            double target = few ? k / 199.0 : (k + 1) / 201.0;
            assert_true(fabs(below / (double)n - target) < 1e-3);
        }
        free(cells);
        vg_grid_free(grid);
        free(x);
    }
}

static void test_nothing_and_little(void **state)
{
    (void)state;
    struct vg_sketch *sketch = vg_sketch_new(200);
    struct vg_grid *grid;
    struct vg_error err;
    assert_int_equal(vg_sketch_grid(sketch, &grid, &err), 0);
    assert_null(grid);
    assert_int_equal(vg_sketch_add(sketch, (double[]){NAN, INFINITY, -INFINITY}, 3, &err), 0);
    assert_int_equal(vg_sketch_count(sketch), 0);
    assert_int_equal(vg_sketch_add(sketch, (double[]){-0.0, NAN, 0.0, 1}, 4, &err), 0);
    assert_int_equal(vg_sketch_count(sketch), 3);
    assert_int_equal(vg_sketch_grid(sketch, &grid, &err), 0);
    assert_int_equal(grid->n, 2);
    assert_true(grid->q[0] == 0 && !signbit(grid->q[0]) && grid->q[1] == 1);
    vg_grid_free(grid);
    vg_sketch_free(sketch);
    vg_sketch_free(NULL);
}

static void test_same_rows_same_grid(void **state)
{
    (void)state;
    struct chance chance = {9};
    double *x = make_values(&chance, SHAPE_TAILS, 500000, RANDOM);
    struct vg_grid *one = sketch_grid(x, 500000, 200), *other = sketch_grid(x, 500000, 200);
    assert_true(one->id == other->id);
    vg_grid_free(one);
    vg_grid_free(other);
    free(x);
}

/* What is allocated stays below what was announced, and the announcement is no wild guess. */
static void test_bytes(void **state)
{
    (void)state;
    static const uint32_t resolutions[] = {200, 4096, VG_GRID_MAX};
    static const size_t sizes[] = {100, 50000, 1000000};
    struct vg_error err;
    for (size_t r = 0; r < 3; r++) {
        for (size_t s = 0; s < 3; s++) {
            struct chance chance = {r + s};
            double *x = make_values(&chance, SHAPE_NORMAL, sizes[s], RANDOM);
            struct mallinfo2 before = mallinfo2();
            struct vg_sketch *sketch = vg_sketch_new(resolutions[r]);
            assert_int_equal(vg_sketch_add(sketch, x, sizes[s], &err), 0);
            struct mallinfo2 after = mallinfo2();
            size_t held = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
            assert_true(held <= vg_sketch_bytes(resolutions[r], sizes[s]));
            vg_sketch_free(sketch);
            free(x);
        }
    }
    assert_true(vg_sketch_bytes(4096, 5000000) < 11u << 20);
    assert_true(vg_sketch_bytes(200, 1000) < 4u << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_of_untied_values),
        cmocka_unit_test(test_quantiles_are_exact_below_capacity),
        cmocka_unit_test(test_few_distinct_values_are_all_thresholds),
        cmocka_unit_test(test_edge_of_the_table),
        cmocka_unit_test(test_ties_beyond_the_table),
        cmocka_unit_test(test_weights_survive_the_table),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_extremes_are_thresholds),
        cmocka_unit_test(test_coarse_subset_is_chosen),
        cmocka_unit_test(test_nothing_and_little),
        cmocka_unit_test(test_same_rows_same_grid),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests_name("test_sketch", tests, NULL, NULL);
}
