/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a long source: each counted in the column whose name it carries, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/tally.h"
#include "pgvigil/check.h"

enum { ROWS = 3000, NAMES = 400, ITEMS = 4 }; /* items: name, value, condition, id */

struct rows {
    char text[ROWS][16];
    struct vg_slice raw[ROWS];
    uint8_t name_state[ROWS], value_state[ROWS], clean[ROWS];
    double value[ROWS], truth[ROWS], id[ROWS];
    struct vg_column cols[ITEMS];
    struct vg_batch batch;
};

/* Row r: name n<r % 7> (none has no route, every 50th is NULL), value r % 100, every 10th NULL. */
static struct rows *make_rows(void)
{
    struct rows *rows = calloc(1, sizeof *rows);
    assert_non_null(rows);
    for (size_t r = 0; r < ROWS; r++) {
        int n = snprintf(rows->text[r], sizeof rows->text[r], "n%zu", r % 7);
        rows->raw[r] = (struct vg_slice){rows->text[r], (uint32_t)n};
        rows->name_state[r] = r % 50 == 0 ? VG_CELL_NULL : VG_CELL_VALUE;
        rows->value_state[r] = r % 10 == 3 ? VG_CELL_NULL : VG_CELL_VALUE;
        rows->value[r] = r % 10 == 3 ? 0 : (double)(r % 100);
        rows->truth[r] = r % 2 == 0;
        rows->id[r] = (double)r;
    }
    rows->cols[0] = (struct vg_column){.kind = VG_KIND_TEXT,
                                       .wire_oid = 25,
                                       .special = 1,
                                       .state = rows->name_state,
                                       .raw = rows->raw};
    rows->cols[1] = (struct vg_column){.kind = VG_KIND_NUMBER,
                                       .wire_oid = 701,
                                       .special = 1,
                                       .state = rows->value_state,
                                       .num = rows->value};
    rows->cols[2] = (struct vg_column){
        .kind = VG_KIND_BOOL, .wire_oid = 16, .state = rows->clean, .num = rows->truth};
    rows->cols[3] = (struct vg_column){
        .kind = VG_KIND_NUMBER, .wire_oid = 23, .state = rows->clean, .num = rows->id};
    rows->batch = (struct vg_batch){ROWS, ITEMS, rows->cols};
    return rows;
}

static void test_names_are_found(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    char text[NAMES][16];
    const char *names[NAMES];
    struct vg_routes routes;
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(text[i], sizeof text[i], "feature %zu", i);
        names[i] = text[i];
    }
    for (size_t n = 0; n <= NAMES; n += n < 3 ? 1 : 397) {
        assert_int_equal(vg_routes_make(names, n, arena, &routes), 0);
        for (size_t i = 0; i < NAMES; i++) {
            struct vg_slice name = {text[i], (uint32_t)strlen(text[i])};
            assert_int_equal(vg_routes_find(&routes, name), i < n ? i + 1 : 0);
        }
        assert_int_equal(vg_routes_find(&routes, (struct vg_slice){"feature", 7}), 0);
        assert_int_equal(vg_routes_find(&routes, (struct vg_slice){"", 0}), 0);
    }
    vg_arena_free(arena);
}

/* The routed plan of the tests: columns n1, n2 and n5, all rows and those of the condition. */
struct world {
    struct vg_arena *arena;
    struct vg_routes routes;
    struct vg_rule range, unnamed;
    struct vg_tally_column columns[4];
    struct vg_tally_predicate predicates[3];
    struct vg_tally_variant variants[2];
    size_t keys[1];
    struct vg_tally_plan plan;
};

static const char *const names[] = {"n1", "n2", "n5"};
static const size_t of_name[] = {1, 2, 5};

static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new(), .keys = {3}};
    assert_int_equal(vg_routes_make(names, 3, world->arena, &world->routes), 0);
    world->range = (struct vg_rule){.id = "n2.range", .type = vg_check_find("range")};
    world->range.limits.bounds = (struct vg_bounds){.has_max = true, .max = 49};
    world->unnamed = (struct vg_rule){.id = "names", .type = vg_check_find("unknown_names")};
    for (uint32_t i = 0; i < 3; i++)
        world->columns[i] = (struct vg_tally_column){.name = names[i],
                                                     .source = 1,
                                                     .route = i + 1,
                                                     .kind = VG_KIND_NUMBER,
                                                     .distinct = true};
    world->columns[3] = (struct vg_tally_column){.name = "id", .source = 3, .kind = VG_KIND_NUMBER};
    world->predicates[0] =
        (struct vg_tally_predicate){.rule = &world->range, .source = 1, .route = 2};
    world->predicates[1] =
        (struct vg_tally_predicate){.rule = &world->range, .source = 1, .variant = 1, .route = 2};
    world->predicates[2] = (struct vg_tally_predicate){.rule = &world->unnamed, .unrouted = true};
    world->variants[0].condition = VG_TALLY_NONE;
    world->variants[1].condition = 2;
    world->plan = (struct vg_tally_plan){.columns = world->columns,
                                         .ncolumns = 4,
                                         .predicates = world->predicates,
                                         .npredicates = 3,
                                         .variants = world->variants,
                                         .nvariants = 2,
                                         .keys = world->keys,
                                         .nkeys = 1,
                                         .max_keys = 5,
                                         .time = VG_TALLY_NONE,
                                         .routes = &world->routes};
}

static void expect_column(const struct rows *rows, const struct vg_column_summary *column,
                          size_t name, bool conditional)
{
    uint64_t n = 0, nulls = 0;
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        if (r % 7 != name || r % 50 == 0 || (conditional && r % 2))
            continue;
        n++;
        nulls += rows->value_state[r] == VG_CELL_NULL;
        sum += rows->value[r];
    }
    assert_int_equal(column->rows, n);
    assert_int_equal(column->nulls, nulls);
    assert_true(column->sum.hi == sum);
}

static void expect_range(const struct vg_predicate_summary *found, bool conditional)
{
    uint64_t tested = 0, offending = 0;
    for (size_t r = 0; r < ROWS; r++) {
        if (r % 7 != 2 || r % 50 == 0 || r % 10 == 3 || (conditional && r % 2))
            continue;
        tested++;
        offending += r % 100 > 49;
    }
    assert_int_equal(found->tested, tested);
    assert_int_equal(found->offending, offending);
    assert_int_equal(found->nkeys, 5);
    for (size_t i = 0; i < found->nkeys; i++) {
        long row = strtol(found->keys[i], NULL, 10);
        assert_true(row % 7 == 2 && row % 100 > 49);
    }
}

static void test_rows_go_to_their_columns(void **state)
{
    (void)state;
    struct rows *rows = make_rows();
    struct world world;
    struct vg_tally *tally;
    struct vg_error err;
    uint64_t unnamed = 0;
    start(&world);
    for (size_t r = 0; r < ROWS; r++)
        unnamed += r % 50 == 0 || (r % 7 != 1 && r % 7 != 2 && r % 7 != 5);
    for (size_t cut = 0; cut <= ROWS; cut += 1500) {
        assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
        assert_int_equal(vg_tally_add_range(tally, &rows->batch, 0, cut, &err), 0);
        assert_int_equal(vg_tally_add_range(tally, &rows->batch, cut, ROWS - cut, &err), 0);
        for (size_t v = 0; v < 2; v++) {
            struct vg_summary *summary = vg_tally_take(tally, v);
            assert_int_equal(summary->rows, v ? ROWS / 2 : ROWS);
            for (size_t i = 0; i < 3; i++)
                expect_column(rows, &summary->columns[i], of_name[i], v == 1);
            assert_int_equal(summary->columns[3].rows, summary->rows);
            expect_range(&summary->predicates[0], v == 1);
            if (v == 0) {
                assert_int_equal(summary->predicates[1].tested, ROWS);
                assert_int_equal(summary->predicates[1].offending, unnamed);
                assert_int_equal(summary->predicates[1].nkeys, 5);
            }
            vg_summary_free(summary);
        }
        vg_tally_free(tally);
    }
    vg_arena_free(world.arena);
    free(rows);
}

static void test_plans_that_contradict_themselves(void **state)
{
    (void)state;
    struct world world;
    struct vg_tally *tally;
    struct vg_error err;
    start(&world);
    world.columns[0].route = 4;
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    world.columns[0].route = 1;
    world.plan.routes = NULL;
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), -1);
    world.plan.routes = &world.routes;
    world.plan.names = 1; /* no text */
    struct rows *rows = make_rows();
    assert_int_equal(vg_tally_new(&world.plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &rows->batch, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    vg_tally_free(tally);
    free(rows);
    vg_arena_free(world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found),
        cmocka_unit_test(test_rows_go_to_their_columns),
        cmocka_unit_test(test_plans_that_contradict_themselves),
    };
    return cmocka_run_group_tests_name("tally_route", tests, NULL, NULL);
}
