/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of adding summaries (agent/summary/merge.c): the whole equals its parts in any split
 * and order, what only one side holds, and what cannot be added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/made_batch.h"

static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_TEXT,  VG_KIND_TEXT,  VG_KIND_BOOL,
                                     VG_KIND_TIME,   VG_KIND_OTHER, VG_KIND_NUMBER};
enum { COLUMNS = sizeof kinds / sizeof *kinds };

static struct vg_summary *empty_summary(const struct vg_grid *grid)
{
    struct vg_error err;
    struct vg_summary *summary = vg_summary_new(COLUMNS, 1);
    for (size_t c = 0; c < COLUMNS; c++) {
        char name[8];
        snprintf(name, sizeof name, "c%zu", c);
        assert_int_equal(vg_column_init(&summary->columns[c], name, kinds[c], grid,
                                        VG_PART_HLL | VG_PART_TOP, &err),
                         0);
    }
    assert_int_equal(vg_predicate_init(&summary->predicates[0], "rule", false, 7, &err), 0);
    return summary;
}

static void count_batch(struct vg_summary *summary, const struct made_batch *made)
{
    struct vg_error err;
    struct vg_predicate_summary *predicate = &summary->predicates[0];
    summary->rows += made->batch.nrows;
    for (size_t c = 0; c < COLUMNS; c++)
        assert_int_equal(
            vg_column_count(&summary->columns[c], &made->cols[c], made->batch.nrows, &err), 0);
    for (size_t row = 0; row < made->batch.nrows; row++) {
        struct vg_slice text = made->cols[2].raw[row];
        bool tested = made->cols[2].state[row] == VG_CELL_VALUE;
        predicate->tested += tested;
        predicate->offending += tested && text.len < 9;
        if (!tested || text.len >= 9)
            continue;
        char key[16] = "";
        memcpy(key, text.data, text.len);
        assert_int_equal(vg_predicate_add_key(predicate, vg_hash64(key, strlen(key)), key, &err),
                         0);
    }
}

/* One part: a run of the shuffled rows, counted in batches of any size. */
static struct vg_summary *count_part(struct chance *chance, const struct made_batch *all,
                                     const uint32_t *order, size_t n, const struct vg_grid *grid)
{
    struct vg_summary *part = empty_summary(grid);
    for (size_t from = 0, k; from < n; from += k) {
        k = 1 + chance_below(chance, (uint32_t)(n - from));
        struct made_batch *run = pick_rows(all, order + from, k);
        count_batch(part, run);
        free_batch(run);
    }
    return part;
}

static void test_whole_is_its_parts(void **state)
{
    (void)state;
    struct chance chance = {1};
    struct vg_error err;
    for (int round = 0; round < 250; round++) {
        size_t n = chance_below(&chance, round % 10 ? 400 : 4000);
        struct made_batch *all = make_batch(&chance, kinds, COLUMNS, n, round % 4 == 0);
        uint32_t thresholds = round % 3 ? 300 : 900;
        struct vg_grid *grid = make_grid(&chance, (enum shape)(round % SHAPES), thresholds);
        struct vg_summary *whole = empty_summary(grid), *merged = empty_summary(grid);
        uint32_t *order = vg_array(n, sizeof *order);
        count_batch(whole, all);
        shuffle_rows(&chance, order, n);
        for (size_t from = 0, k; from < n; from += k) {
            k = chance_below(&chance, (uint32_t)(n - from) + 1); /* a part may be empty */
            struct vg_summary *part = count_part(&chance, all, order + from, k, grid);
            bool swap = chance_below(&chance, 2);
            assert_int_equal(vg_summary_merge(swap ? part : merged, swap ? merged : part, &err), 0);
            vg_summary_free(swap ? merged : part);
            merged = swap ? part : merged;
        }
        assert_same_summary(whole, merged);
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_int_equal(vg_column_coarsen(&whole->columns[c]), 0);
            assert_int_equal(vg_column_coarsen(&merged->columns[c]), 0);
        }
        assert_same_summary(whole, merged);
        free(order);
        vg_summary_free(whole);
        vg_summary_free(merged);
        vg_grid_free(grid);
        free_batch(all);
    }
}

/* Far from zero, over very unequal parts: the deviation keeps its digits. */
static void test_moments_far_from_zero(void **state)
{
    (void)state;
    static const enum vg_kind number = VG_KIND_NUMBER;
    struct chance chance = {2};
    struct vg_error err;
    for (int round = 0; round < 20; round++) {
        struct made_batch *all = make_batch(&chance, &number, 1, 20000, true);
        double *num = (double *)all->cols[0].num;
        for (size_t i = 0; i < 20000; i++)
            num[i] = 1e9 * (round % 2 ? 1 : -1) + 1e-3 * chance_normal(&chance);
        struct vg_column_summary whole, merged;
        assert_int_equal(vg_column_init(&whole, "x", number, NULL, 0, &err), 0);
        assert_int_equal(vg_column_init(&merged, "x", number, NULL, 0, &err), 0);
        assert_int_equal(vg_column_count(&whole, &all->cols[0], 20000, &err), 0);
        for (size_t from = 0, n; from < 20000; from += n) {
            n = chance_below(&chance, 3) ? 1 + chance_below(&chance, 5) : 5000;
            n = n < 20000 - from ? n : 20000 - from;
            struct vg_column rows = all->cols[0];
            struct vg_column_summary part;
            rows.num += from;
            rows.state += from;
            assert_int_equal(vg_column_init(&part, "x", number, NULL, 0, &err), 0);
            assert_int_equal(vg_column_count(&part, &rows, n, &err), 0);
            assert_int_equal(vg_column_merge(&merged, &part, &err), 0);
            vg_column_clear(&part);
        }
        assert_true(vg_column_stddev(&whole) > 0.9e-3 && vg_column_stddev(&whole) < 1.1e-3);
        assert_same_column(&whole, &merged);
        vg_column_clear(&whole);
        vg_column_clear(&merged);
        free_batch(all);
    }
}

static struct vg_column_summary literal_column(const char *name, enum vg_kind kind,
                                               const struct vg_grid *grid, unsigned parts)
{
    struct vg_column_summary column;
    struct vg_error err;
    assert_int_equal(vg_column_init(&column, name, kind, grid, parts, &err), 0);
    return column;
}

static void test_mismatches(void **state)
{
    (void)state;
    struct vg_grid *one = vg_grid_new((double[]){1, 2}, 2, true);
    struct vg_grid *other = vg_grid_new((double[]){1, 3}, 2, true);
    struct vg_column_summary a = literal_column("x", VG_KIND_NUMBER, one, 0);
    struct vg_column_summary wrong[] = {literal_column("y", VG_KIND_NUMBER, one, 0),
                                        literal_column("x", VG_KIND_TIME, one, 0),
                                        literal_column("x", VG_KIND_NUMBER, other, 0),
                                        literal_column("x", VG_KIND_NUMBER, NULL, 0)};
    struct vg_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wrong[i].rows = 5;
        assert_int_equal(vg_column_merge(&a, &wrong[i], &err), -1);
        assert_int_equal(err.code, VG_E_INTERNAL);
        assert_true(a.rows == 0 && a.fine);
        vg_column_clear(&wrong[i]);
    }
    vg_column_clear(&a);
    struct vg_summary *left = empty_summary(one), *right = empty_summary(one);
    right->predicates[0].id[0] = 'x';
    right->rows = 3;
    assert_int_equal(vg_summary_merge(left, right, &err), -1);
    right->predicates[0].id[0] = 'r';
    assert_int_equal(vg_summary_merge(left, right, &err), 0);
    assert_int_equal(left->rows, 3);
    right->npredicates = 0;
    assert_int_equal(vg_summary_merge(left, right, &err), -1);
    right->npredicates = 1;
    vg_summary_free(left);
    vg_summary_free(right);
    vg_grid_free(one);
    vg_grid_free(other);
}

/* A stored column has coarse cells only; adding a fresh one works from either side. */
static void test_coarse_meets_fine(void **state)
{
    (void)state;
    struct vg_error err;
    struct chance chance = {3};
    for (int way = 0; way < 2; way++) {
        struct vg_grid *grid = make_grid(&chance, SHAPE_NORMAL, 900);
        static const enum vg_kind number = VG_KIND_NUMBER;
        struct made_batch *all = make_batch(&chance, &number, 1, 800, false);
        struct vg_column_summary fresh = literal_column("x", number, grid, 0);
        struct vg_column_summary stored = literal_column("x", number, grid, 0);
        assert_int_equal(vg_column_count(&fresh, &all->cols[0], 800, &err), 0);
        assert_int_equal(vg_column_count(&stored, &all->cols[0], 800, &err), 0);
        assert_int_equal(vg_column_coarsen(&stored), 0);
        uint64_t *expect = vg_array(stored.coarse_cells, sizeof *expect);
        for (size_t i = 0; i < stored.coarse_cells; i++)
            expect[i] = 2 * stored.coarse[i];
        free(stored.fine);
        stored.fine = NULL;
        stored.grid = NULL;
        struct vg_column_summary *into = way ? &stored : &fresh;
        assert_int_equal(vg_column_merge(into, way ? &fresh : &stored, &err), 0);
        assert_null(into->fine);
        assert_memory_equal(into->coarse, expect, into->coarse_cells * sizeof *expect);
        free(expect);
        vg_column_clear(&fresh);
        vg_column_clear(&stored);
        vg_grid_free(grid);
        free_batch(all);
    }
}

/* A part that one side never counted would not cover all rows, so it goes. */
static void test_parts_of_one_side_are_dropped(void **state)
{
    (void)state;
    struct vg_error err;
    for (int way = 0; way < 2; way++) {
        struct vg_column_summary with =
            literal_column("t", VG_KIND_TEXT, NULL, VG_PART_HLL | VG_PART_TOP);
        struct vg_column_summary without = literal_column("t", VG_KIND_TEXT, NULL, 0);
        struct vg_column_summary *into = way ? &with : &without;
        assert_int_equal(vg_column_merge(into, way ? &without : &with, &err), 0);
        assert_null(into->hll);
        assert_null(into->top);
        vg_column_clear(&with);
        vg_column_clear(&without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_is_its_parts),
        cmocka_unit_test(test_moments_far_from_zero),
        cmocka_unit_test(test_mismatches),
        cmocka_unit_test(test_coarse_meets_fine),
        cmocka_unit_test(test_parts_of_one_side_are_dropped),
    };
    return cmocka_run_group_tests_name("test_summary_merge", tests, NULL, NULL);
}
