/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of a tally's segments (agent/tally.c, agent/tally_route.c): what one tally counts per
 * segment equals separate tallies of the segments' rows, in any cut, and adds up to the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/tally.h"
#include "pgvigil/check.h"
#include "tests/unit/made_batch.h"

enum { NUMBER, TEXT, TRUTH, COLUMNS, VALUES = 3, SPLITS = 2, VARIANTS = 2 };
static const enum vg_kind kinds[COLUMNS] = {VG_KIND_NUMBER, VG_KIND_TEXT, VG_KIND_BOOL};
static const size_t of_split[SPLITS] = {TEXT, TRUTH};

struct world {
    struct vg_arena *arena;
    struct vg_grid *fine, *coarse;
    struct vg_rule rule;
    const char *values[VALUES];
    struct vg_routes routes[SPLITS];
    struct vg_tally_split splits[SPLITS];
    struct vg_tally_column columns[COLUMNS];
    struct vg_tally_predicate predicates[VARIANTS];
    struct vg_tally_variant variants[VARIANTS];
    size_t keys[1];
    struct vg_tally_plan plan;
};

/* Values that texts of the batch really have, where it has some. */
static void pick_values(struct world *world, const struct vg_batch *batch)
{
    char space[36];
    size_t n = 0;
    for (size_t row = 0; row < batch->nrows && n < VALUES; row++) {
        const struct vg_column *column = &batch->cols[TEXT];
        if (column->state[row] != VG_CELL_VALUE)
            continue;
        struct vg_slice text = vg_text_cell(column, row, space);
        bool usable = text.len && !memchr(text.data, 0, text.len);
        char *value = vg_arena_strndup(world->arena, text.len ? text.data : "", text.len);
        for (size_t i = 0; i < n; i++)
            usable &= strcmp(world->values[i], value) != 0;
        if (usable)
            world->values[n++] = value;
    }
    static const char *const truths[] = {"true"};
    assert_int_equal(vg_routes_make(world->values, n, world->arena, &world->routes[0]), 0);
    assert_int_equal(vg_routes_make(truths, 1, world->arena, &world->routes[1]), 0);
}

static void start(struct world *world, struct chance *chance, const struct vg_batch *batch)
{
    static const char *const names[COLUMNS] = {"n", "t", "b"};
    *world = (struct world){.arena = vg_arena_new(), .keys = {NUMBER}};
    world->fine = make_grid(chance, SHAPE_NORMAL, 700);
    world->coarse = vg_grid_of_segments(world->fine);
    pick_values(world, batch);
    for (size_t c = 0; c < COLUMNS; c++)
        world->columns[c] = (struct vg_tally_column){
            .name = names[c], .source = c, .kind = kinds[c], .distinct = true, .top = c != NUMBER};
    world->columns[NUMBER].grid = world->fine;
    world->columns[NUMBER].coarse = world->coarse;
    world->rule = (struct vg_rule){.id = "n.range", .type = vg_check_find("range")};
    world->rule.limits.bounds = (struct vg_bounds){true, true, -0.5, 0.5};
    for (size_t v = 0; v < VARIANTS; v++)
        world->predicates[v] =
            (struct vg_tally_predicate){.rule = &world->rule, .source = NUMBER, .variant = v};
    world->variants[0].condition = VG_TALLY_NONE;
    world->variants[1].condition = TRUTH;
    for (size_t s = 0; s < SPLITS; s++)
        world->splits[s] = (struct vg_tally_split){of_split[s], &world->routes[s]};
    world->plan = (struct vg_tally_plan){.columns = world->columns,
                                         .ncolumns = COLUMNS,
                                         .predicates = world->predicates,
                                         .npredicates = VARIANTS,
                                         .variants = world->variants,
                                         .nvariants = VARIANTS,
                                         .keys = world->keys,
                                         .nkeys = 1,
                                         .max_keys = 5,
                                         .time = VG_TALLY_NONE,
                                         .splits = world->splits,
                                         .nsplits = SPLITS};
}

static void stop(struct world *world)
{
    vg_grid_free(world->fine);
    vg_grid_free(world->coarse);
    vg_arena_free(world->arena);
}

/* Value of a row as a route, found by looking at each value. */
static size_t find_route(const struct world *world, const struct vg_batch *batch, size_t split,
                         size_t row)
{
    char space[36];
    const struct vg_column *column = &batch->cols[of_split[split]];
    if (column->state[row] != VG_CELL_VALUE)
        return 0;
    if (split == 1)
        return column->num[row] != 0;
    struct vg_slice text = vg_text_cell(column, row, space);
    for (size_t i = 0; i < world->routes[0].n; i++) {
        if (strlen(world->values[i]) == text.len && !memcmp(world->values[i], text.data, text.len))
            return i + 1;
    }
    return 0;
}

/* The same counts by a tally of its own, of the segment's rows on the coarse grid. */
static struct vg_summary *count_alone(const struct world *world, const struct made_batch *made,
                                      size_t variant, size_t split, size_t route)
{
    struct vg_tally_column columns[COLUMNS];
    struct vg_tally_plan plan = world->plan;
    struct vg_error err;
    struct vg_tally *tally;
    uint32_t *rows = vg_array(made->batch.nrows, sizeof *rows);
    size_t n = 0;
    for (uint32_t row = 0; row < made->batch.nrows; row++) {
        if (find_route(world, &made->batch, split, row) == route)
            rows[n++] = row;
    }
    memcpy(columns, world->columns, sizeof columns);
    for (size_t c = 0; c < COLUMNS; c++) {
        columns[c].grid = columns[c].coarse;
        columns[c].distinct = columns[c].top = false;
    }
    plan.columns = columns;
    plan.nsplits = plan.nkeys = 0;
    struct made_batch *picked = pick_rows(made, rows, n);
    assert_int_equal(vg_tally_new(&plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &picked->batch, &err), 0);
    struct vg_summary *summary = vg_tally_take(tally, variant);
    vg_tally_free(tally);
    free_batch(picked);
    free(rows);
    return summary;
}

static void add_in_parts(struct vg_tally *tally, const struct vg_batch *batch,
                         struct chance *chance)
{
    struct vg_error err;
    for (size_t from = 0, k; from < batch->nrows; from += k) {
        k = 1 + chance_below(chance, (uint32_t)(batch->nrows - from));
        assert_int_equal(vg_tally_add_range(tally, batch, from, k, &err), 0);
    }
}

static void check_split(const struct world *world, const struct made_batch *made,
                        struct vg_tally *tally, size_t variant, size_t split)
{
    uint64_t rows = 0;
    for (size_t route = 0; route <= world->routes[split].n; route++) {
        struct vg_summary *counted = vg_tally_take_segment(tally, variant, split, route);
        struct vg_summary *alone = count_alone(world, made, variant, split, route);
        rows += counted->rows;
        assert_same_summary(counted, alone);
        assert_null(counted->columns[TEXT].top);
        assert_null(counted->columns[NUMBER].hll);
        assert_int_equal(counted->columns[NUMBER].grid_id, world->coarse->id);
        vg_summary_free(counted);
        vg_summary_free(alone);
    }
    struct vg_summary *whole = count_alone(world, made, variant, split, SIZE_MAX);
    assert_int_equal(whole->rows, 0);
    vg_summary_free(whole);
    uint64_t all = 0;
    for (size_t row = 0; row < made->batch.nrows; row++)
        all += !variant ||
               (made->cols[TRUTH].state[row] == VG_CELL_VALUE && made->cols[TRUTH].num[row] != 0);
    assert_int_equal(rows, all);
}

static void test_equals_separate_tallies(void **state)
{
    (void)state;
    struct chance chance = {7};
    struct vg_error err;
    for (int round = 0; round < 60; round++) {
        size_t n = chance_below(&chance, round % 12 ? 300 : 5000);
        struct made_batch *made = make_batch(&chance, kinds, COLUMNS, n, round % 5 == 0);
        struct world world;
        struct vg_tally *tally;
        start(&world, &chance, &made->batch);
        assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
        add_in_parts(tally, &made->batch, &chance);
        for (size_t v = 0; v < VARIANTS; v++)
            for (size_t s = 0; s < SPLITS; s++)
                check_split(&world, made, tally, v, s);
        vg_tally_free(tally);
        stop(&world);
        free_batch(made);
    }
}

/* The variants themselves are what they are without segments. */
static void test_whole_is_untouched(void **state)
{
    (void)state;
    struct chance chance = {8};
    struct vg_error err;
    struct made_batch *made = make_batch(&chance, kinds, COLUMNS, 3000, false);
    struct world world;
    struct vg_tally *with, *without;
    start(&world, &chance, &made->batch);
    struct vg_tally_plan plain = world.plan;
    plain.nsplits = 0;
    assert_int_equal(vg_tally_new(&world.plan, &with, &err), 0);
    assert_int_equal(vg_tally_new(&plain, &without, &err), 0);
    assert_int_equal(vg_tally_add(with, &made->batch, &err), 0);
    assert_int_equal(vg_tally_add(without, &made->batch, &err), 0);
    for (size_t v = 0; v < VARIANTS; v++) {
        struct vg_summary *a = vg_tally_take(with, v), *b = vg_tally_take(without, v);
        assert_same_summary(a, b);
        vg_summary_free(a);
        vg_summary_free(b);
    }
    vg_tally_free(with);
    vg_tally_free(without);
    stop(&world);
    free_batch(made);
}

/* Segments of two parts of the rows add up to those of all. */
static void test_merge(void **state)
{
    (void)state;
    struct chance chance = {9};
    struct vg_error err;
    struct made_batch *made = make_batch(&chance, kinds, COLUMNS, 4000, false);
    struct world world;
    struct vg_tally *all, *parts[2];
    start(&world, &chance, &made->batch);
    assert_int_equal(vg_tally_new(&world.plan, &all, &err), 0);
    assert_int_equal(vg_tally_add(all, &made->batch, &err), 0);
    for (size_t p = 0; p < 2; p++) {
        assert_int_equal(vg_tally_new(&world.plan, &parts[p], &err), 0);
        size_t first = p ? 1500 : 0, n = p ? 2500 : 1500;
        assert_int_equal(vg_tally_add_range(parts[p], &made->batch, first, n, &err), 0);
    }
    for (size_t route = 0; route <= world.routes[0].n; route++) {
        struct vg_summary *a = vg_tally_take_segment(parts[0], 1, 0, route);
        struct vg_summary *b = vg_tally_take_segment(parts[1], 1, 0, route);
        struct vg_summary *whole = vg_tally_take_segment(all, 1, 0, route);
        assert_int_equal(vg_summary_merge(a, b, &err), 0);
        assert_int_equal(a->rows, whole->rows);
        for (uint32_t c = 0; c < 2 * world.coarse->n + 1; c++)
            assert_int_equal(a->columns[NUMBER].fine[c], whole->columns[NUMBER].fine[c]);
        assert_int_equal(a->predicates[0].offending, whole->predicates[0].offending);
        vg_summary_free(a);
        vg_summary_free(b);
        vg_summary_free(whole);
    }
    vg_tally_free(all);
    vg_tally_free(parts[0]);
    vg_tally_free(parts[1]);
    stop(&world);
    free_batch(made);
}

static void test_refusals(void **state)
{
    (void)state;
    struct chance chance = {10};
    struct vg_error err;
    struct made_batch *made = make_batch(&chance, kinds, COLUMNS, 10, true);
    struct world world;
    struct vg_tally *tally;
    start(&world, &chance, &made->batch);
    world.plan.routes = &world.routes[0];
    world.plan.names = TEXT;
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), -1);
    world.plan.routes = NULL;
    world.splits[0].source = NUMBER;
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &made->batch, &err), -1);
    vg_tally_free(tally);
    stop(&world);
    free_batch(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_separate_tallies),
        cmocka_unit_test(test_whole_is_untouched),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("test_tally_split", tests, NULL, NULL);
}
