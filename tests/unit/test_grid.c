/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of grids (agent/summary/grid.c): cells against a linear walk over the thresholds, the
 * counting of arrays against single cells, identity, and the choice of the coarse subset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/made_batch.h"

/* The cell by its definition: 2i - [x = q_i], i thresholds at or below x. */
static uint32_t walk_to_cell(const struct vg_grid *grid, double x)
{
    uint32_t i = 0;
    while (i < grid->n && grid->q[i] <= x)
        i++;
    return 2 * i - (i && grid->q[i - 1] == x);
}

static void test_cell_by_literals(void **state)
{
    (void)state;
    static const double q[] = {-1, 0, 2.5};
    static const struct {
        double x;
        uint32_t cell;
    } cases[] = {{-DBL_MAX, 0}, {-1.0000001, 0}, {-1, 1},  {-0.5, 2},      {0, 3},      {-0.0, 3},
                 {1e-300, 4},   {2.4999999, 4},  {2.5, 5}, {2.5000001, 6}, {DBL_MAX, 6}};
    struct vg_grid *grid = vg_grid_new(q, 3, true);
    assert_int_equal(grid->ncoarse, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(vg_grid_cell(grid, cases[i].x), cases[i].cell);
    vg_grid_free(grid);
}

/* Values at, beside and between thresholds, and of another shape altogether. */
static double probe_grid(struct chance *chance, const struct vg_grid *grid, enum shape shape)
{
    uint32_t i = chance_below(chance, grid->n), way = chance_below(chance, 5);
    switch (way) {
    case 0:
        return grid->q[i];
    case 1:
        return nextafter(grid->q[i], INFINITY);
    case 2:
        return nextafter(grid->q[i], -INFINITY);
    case 3:
        return make_value(chance, shape);
    default:
        return make_value(chance, (enum shape)chance_below(chance, SHAPES));
    }
}

static void test_counts_equal_a_walk(void **state)
{
    (void)state;
    struct chance chance = {1};
    for (int round = 0; round < 300; round++) {
        enum shape shape = (enum shape)(round % SHAPES);
        uint32_t most = 1 + chance_below(&chance, round % 7 ? 60 : 900), n = 1 + most % 700;
        struct vg_grid *grid = make_grid(&chance, shape, most);
        uint64_t *counted = vg_array(2 * (size_t)grid->n + 1, sizeof *counted);
        uint64_t *walked = vg_array(2 * (size_t)grid->n + 1, sizeof *walked);
        double *x = vg_array(n, sizeof *x);
        assert_true(counted && walked && x);
        for (uint32_t i = 0; i < n; i++) {
            x[i] = probe_grid(&chance, grid, shape);
            if (!isfinite(x[i]))
                x[i] = 0;
            uint32_t cell = walk_to_cell(grid, x[i]);
            assert_int_equal(vg_grid_cell(grid, x[i]), cell);
            walked[cell]++;
        }
        vg_grid_count(grid, x, n, counted);
        assert_memory_equal(counted, walked, (2 * (size_t)grid->n + 1) * sizeof *counted);
        free(counted);
        free(walked);
        free(x);
        vg_grid_free(grid);
    }
}

static void test_largest_grid(void **state)
{
    (void)state;
    double *q = vg_array(VG_GRID_MAX, sizeof *q);
    uint64_t *cells = vg_array(2 * VG_GRID_MAX + 1, sizeof *cells);
    assert_true(q && cells);
    for (uint32_t i = 0; i < VG_GRID_MAX; i++)
        q[i] = exp(0.01 * ((double)i - VG_GRID_MAX / 2));
    struct vg_grid *grid = vg_grid_new(q, VG_GRID_MAX, false);
    assert_non_null(grid);
    vg_grid_count(grid, q, VG_GRID_MAX, cells);
    for (uint32_t i = 0; i < VG_GRID_MAX; i++)
        assert_true(cells[2 * i] == 0 && cells[2 * i + 1] == 1);
    assert_int_equal(grid->ncoarse, VG_COARSE);
    vg_grid_free(grid);
    free(q);
    free(cells);
}

static void test_identity(void **state)
{
    (void)state;
    static const double q[] = {-0.0, 1, 2, 3}, plus[] = {0.0, 1, 2, 3}, other[] = {0, 1, 2, 3.5};
    static const uint32_t coarse[] = {0, 2}, others[] = {0, 3};
    struct vg_grid *grids[] = {vg_grid_new(q, 4, true),
                               vg_grid_new(plus, 4, true),
                               vg_grid_new(other, 4, true),
                               vg_grid_new_coarse(q, 4, true, coarse, 2),
                               vg_grid_new_coarse(q, 4, true, others, 2),
                               vg_grid_new(q, 3, true)};
    assert_true(grids[0]->id == grids[1]->id);
    assert_int_equal(signbit(grids[0]->q[0]), 0);
    for (size_t i = 1; i < 6; i++) {
        assert_true(grids[i]->id != 0);
        for (size_t j = i + 1; j < 6; j++)
            assert_true(grids[i]->id != grids[j]->id);
    }
    for (size_t i = 0; i < 6; i++)
        vg_grid_free(grids[i]);
}

static void test_few_thresholds_are_all_coarse(void **state)
{
    (void)state;
    double q[VG_COARSE];
    uint64_t cells[2 * VG_COARSE + 1] = {0};
    for (uint32_t i = 0; i < VG_COARSE; i++)
        q[i] = i;
    cells[7] = 1000;
    struct vg_grid *grid = vg_grid_new(q, VG_COARSE, true);
    uint64_t id = grid->id;
    assert_int_equal(vg_grid_choose_coarse(grid, cells), 0);
    assert_int_equal(grid->ncoarse, VG_COARSE);
    for (uint32_t i = 0; i < VG_COARSE; i++)
        assert_int_equal(grid->coarse[i], i);
    assert_true(grid->id == id);
    vg_grid_free(grid);
}

/* Distance in mass between a quantile and threshold i, 0 inside its atom; upto[c] is the mass of
 * the cells up to and with c. */
static double measure_distance(const double *upto, uint32_t i, double target)
{
    double below = upto[2 * i], with = upto[2 * i + 1];
    return target < below ? below - target : target > with ? target - with : 0;
}

static void assert_nearest(const struct vg_grid *grid, const double *upto, double target)
{
    double nearest = INFINITY, least = INFINITY;
    for (uint32_t k = 0; k < grid->ncoarse; k++)
        nearest = fmin(nearest, measure_distance(upto, grid->coarse[k], target));
    for (uint32_t i = 0; i < grid->n; i++)
        least = fmin(least, measure_distance(upto, i, target));
    assert_true(nearest == least);
}

static void test_coarse_is_nearest_to_the_quantiles(void **state)
{
    (void)state;
    struct chance chance = {2};
    for (int round = 0; round < 12; round++) {
        struct vg_grid *grid = make_grid(&chance, SHAPE_NORMAL, 201 + 300 * (uint32_t)round);
        size_t ncells = 2 * (size_t)grid->n + 1;
        uint64_t *cells = vg_array(ncells, sizeof *cells);
        double *upto = vg_array(ncells, sizeof *upto);
        assert_true(cells && upto);
        for (size_t c = 0; c < ncells; c++) {
            bool heavy = chance_below(&chance, 97) == 0;
            cells[c] = chance_below(&chance, heavy ? 100000 : 1 + (uint32_t)round % 4 * 20);
            upto[c] = (double)cells[c] + (c ? upto[c - 1] : 0);
        }
        assert_int_equal(vg_grid_choose_coarse(grid, cells), 0);
        assert_in_range(grid->ncoarse, 1, VG_COARSE);
        for (uint32_t j = 1; j <= VG_COARSE; j++)
            assert_nearest(grid, upto, upto[ncells - 1] * j / (VG_COARSE + 1));
        for (uint32_t k = 1; k < grid->ncoarse; k++)
            assert_true(grid->coarse[k] > grid->coarse[k - 1]);
        free(cells);
        free(upto);
        vg_grid_free(grid);
    }
}

/* Masses that no threshold holds leave the subset as it was. */
static void test_coarse_without_mass(void **state)
{
    (void)state;
    struct chance chance = {3};
    struct vg_grid *grid = make_grid(&chance, SHAPE_NORMAL, 1000);
    uint64_t *cells = vg_array(2 * (size_t)grid->n + 1, sizeof *cells), id = grid->id;
    assert_non_null(cells);
    assert_int_equal(vg_grid_choose_coarse(grid, cells), 0);
    assert_int_equal(grid->ncoarse, VG_COARSE);
    assert_true(grid->id == id);
    free(cells);
    vg_grid_free(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell_by_literals),
        cmocka_unit_test(test_counts_equal_a_walk),
        cmocka_unit_test(test_largest_grid),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_few_thresholds_are_all_coarse),
        cmocka_unit_test(test_coarse_is_nearest_to_the_quantiles),
        cmocka_unit_test(test_coarse_without_mass),
    };
    return cmocka_run_group_tests_name("test_grid", tests, NULL, NULL);
}
