/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/tally_pairs.c: ranks of a scan's columns against counting row by row, cut
 * anywhere, of all rows with a time and of no segment or variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/tally.h"
#include "pgvigil/summary_pairs.h"
#include "tests/unit/made_batch.h"

enum { COLUMNS = 3, ROWS = 2500 };
static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_NUMBER, VG_KIND_NUMBER, VG_KIND_TIME,
                                     VG_KIND_BOOL};

struct world {
    struct made_batch *made;
    struct vg_grid *grids[COLUMNS];
    int16_t ranks[COLUMNS][41];
    struct vg_tally_rank ranked[COLUMNS];
    struct vg_tally_variant variants[2];
    struct vg_tally_plan plan;
};

static void start(struct world *world, size_t time)
{
    static const char *const names[COLUMNS] = {"x", "y", "z"};
    struct chance chance = {time + 5};
    memset(world, 0, sizeof *world);
    world->made = make_batch(&chance, kinds, 5, ROWS, false);
    for (size_t c = 0; c < COLUMNS; c++) {
        double q[20];
        for (int i = 0; i < 20; i++)
            q[i] = i / 4. - 2.5;
        world->grids[c] = vg_grid_new(q, 20, false);
        assert_non_null(world->grids[c]);
        for (int i = 0; i < 41; i++)
            world->ranks[c][i] = (int16_t)(i * 199 - 3980 + (int)c);
        world->ranked[c] = (struct vg_tally_rank){names[c], c, world->grids[c], world->ranks[c]};
    }
    world->variants[0] = (struct vg_tally_variant){.condition = VG_TALLY_NONE, .none = true};
    world->variants[1] = (struct vg_tally_variant){.condition = 4, .none = true};
    world->plan = (struct vg_tally_plan){.variants = world->variants,
                                         .nvariants = 2,
                                         .time = time,
                                         .ranked = world->ranked,
                                         .nranked = COLUMNS};
}

static void end(struct world *world)
{
    for (size_t c = 0; c < COLUMNS; c++)
        vg_grid_free(world->grids[c]);
    free_batch(world->made);
}

/* -1 none, else its rank. */
static bool find_rank(const struct world *world, size_t c, size_t row, int64_t *out)
{
    const struct vg_column *column = &world->made->batch.cols[c];
    if (column->state[row] != VG_CELL_VALUE)
        return false;
    *out = world->ranks[c][vg_grid_cell(world->grids[c], column->num[row])];
    return true;
}

static struct vg_rank_pair count_slowly(const struct world *world, size_t i, size_t j)
{
    struct vg_rank_pair sum = {0};
    for (size_t row = 0; row < ROWS; row++) {
        int64_t a, b;
        if (world->plan.time != VG_TALLY_NONE &&
            world->made->batch.cols[3].state[row] != VG_CELL_VALUE)
            continue;
        if (!find_rank(world, i, row, &a) || !find_rank(world, j, row, &b))
            continue;
        sum.n++;
        sum.a += a;
        sum.b += b;
        sum.aa += a * a;
        sum.bb += b * b;
        sum.ab += a * b;
    }
    return sum;
}

static void count_cut(size_t time, size_t step)
{
    struct world world;
    struct vg_error err;
    struct vg_tally *tally;
    start(&world, time);
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
    for (size_t first = 0; first < ROWS; first += step) {
        size_t n = ROWS - first < step ? ROWS - first : step;
        assert_int_equal(vg_tally_add_range(tally, &world.made->batch, first, n, &err), 0);
    }
    struct vg_summary *all = vg_tally_take(tally, 0), *some = vg_tally_take(tally, 1);
    assert_null(some->pairs);
    assert_non_null(all->pairs);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        for (uint32_t j = i; j < COLUMNS; j++) {
            const struct vg_rank_pair want = count_slowly(&world, i, j);
            assert_memory_equal(vg_pairs_at(all->pairs, i, j), &want, sizeof want);
            assert_true(want.n > 0);
        }
    }
    assert_int_equal(vg_pairs_find(all->pairs, "z"), 2);
    vg_summary_free(all);
    vg_summary_free(some);
    vg_tally_free(tally);
    end(&world);
}

static void test_against_row_by_row(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, 63, 64, 65, 1000, ROWS};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        count_cut(VG_TALLY_NONE, steps[s]);
        count_cut(3, steps[s]);
    }
}

/* Halves add up; halves of other grids do not, and leave the first unchanged. */
static void test_merge(void **state)
{
    (void)state;
    struct world world;
    struct vg_error err;
    struct vg_summary *parts[3];
    start(&world, VG_TALLY_NONE);
    for (size_t i = 0; i < 3; i++) {
        struct vg_tally *tally;
        assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
        size_t first = i == 1 ? 1000 : 0, n = i == 0 ? 1000 : ROWS - first;
        assert_int_equal(vg_tally_add_range(tally, &world.made->batch, first, n, &err), 0);
        parts[i] = vg_tally_take(tally, 0);
        vg_tally_free(tally);
    }
    assert_int_equal(vg_summary_merge(parts[0], parts[1], &err), 0);
    assert_memory_equal(parts[0]->pairs->pairs, parts[2]->pairs->pairs,
                        6 * sizeof *parts[0]->pairs->pairs);
    parts[1]->pairs->id++;
    assert_int_equal(vg_summary_merge(parts[0], parts[1], &err), -1);
    assert_int_equal(parts[0]->rows, ROWS);
    vg_pairs_free(parts[1]->pairs);
    parts[1]->pairs = NULL;
    assert_int_equal(vg_summary_merge(parts[0], parts[1], &err), 0);
    assert_null(parts[0]->pairs); /* it would not cover all rows */
    for (size_t i = 0; i < 3; i++)
        vg_summary_free(parts[i]);
    end(&world);
}

static void test_plans_that_contradict_themselves(void **state)
{
    (void)state;
    struct world world;
    struct vg_error err;
    struct vg_tally *tally;
    start(&world, VG_TALLY_NONE);
    world.ranked[1].source = 4; /* no number */
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &world.made->batch, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    vg_tally_free(tally);
    world.plan.nranked = VG_PAIRS_COLUMNS + 1;
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), -1);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_row_by_row),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_plans_that_contradict_themselves),
    };
    return cmocka_run_group_tests_name("tally_pairs", tests, NULL, NULL);
}
