/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_segments.c: which rules are measured on which segments, and what
 * is said where one cannot be: no rows, samples, columns that are gone, baselines too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/loop/cycle_segments.h"
#include "pgvigil/check.h"

enum { X, C, ROWS = 12 };

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_segment_spec spec;
    struct vg_rule rules[1];
    struct vg_catalog catalog;
    struct vg_catalog_column columns[2];
    struct vg_distribution fine;
    struct vg_reference_column known[1];
    struct vg_reference reference;
    struct vg_work work;
    struct vg_measures measures;
};

static const char *const values[] = {"a", "b", "d"};

/* a: 0 1 2 3 4 5, b: 4 5 6 7, of neither: 9 9; x is never null. */
static void scan(struct world *world)
{
    static const char *const text[ROWS] = {"a", "a", "a", "a", "a", "a",
                                           "b", "b", "b", "b", "z", ""};
    static const double num[ROWS] = {0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 9, 9};
    static uint8_t fine[ROWS], states[ROWS] = {[ROWS - 1] = VG_CELL_NULL};
    struct vg_slice raw[ROWS];
    struct vg_error err;
    struct vg_tally *tally;
    for (size_t i = 0; i < ROWS; i++)
        raw[i] = (struct vg_slice){text[i], (uint32_t)strlen(text[i])};
    const struct vg_column number = {.kind = VG_KIND_NUMBER, .state = fine, .num = num};
    const struct vg_column category = {
        .kind = VG_KIND_TEXT, .special = 1, .state = states, .raw = raw};
    const struct vg_plan *plan = &world->work.plan;
    struct vg_column columns[2];
    for (size_t i = 0; i < plan->nitems; i++)
        columns[i] = strcmp(plan->items[i], "c") != 0 ? number : category;
    const struct vg_batch batch = {ROWS, plan->nitems, columns};
    assert_int_equal(vg_tally_new(&plan->tally, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &batch, &err), 0);
    assert_int_equal(vg_cycle_segments_take(&world->work, tally, &err), 0);
    vg_tally_free(tally);
}

static void start(struct world *world, const char *check, const struct vg_rule *rule)
{
    static const double q[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct vg_error err;
    *world = (struct world){.arena = vg_arena_new()};
    world->spec = (struct vg_segment_spec){.column = "c", .values = {values, 3}, .most = 3};
    world->rules[0] = *rule;
    world->rules[0].id = check;
    world->rules[0].type = vg_check_find(check);
    world->rules[0].dataset = &world->dataset;
    world->rules[0].column = world->rules[0].type->of_column ? "x" : NULL;
    world->dataset = (struct vg_dataset){.id = "d",
                                         .table = "t",
                                         .segments = &world->spec,
                                         .nsegments = 1,
                                         .rules = world->rules,
                                         .nrules = 1};
    world->columns[X] = (struct vg_catalog_column){
        .name = "x", .quoted = "x", .type = "float8", .kind = VG_KIND_NUMBER};
    world->columns[C] = (struct vg_catalog_column){
        .name = "c", .quoted = "c", .type = "text", .kind = VG_KIND_TEXT};
    world->catalog = (struct vg_catalog){.columns = world->columns, .n = 2};
    world->fine.grid = vg_grid_new(q, 10, true);
    world->known[0] = (struct vg_reference_column){
        .name = "x", .type = "float8", .kind = VG_KIND_NUMBER, .fine = &world->fine};
    world->reference = (struct vg_reference){.columns = world->known, .ncolumns = 1};
    assert_int_equal(vg_reference_coarse(&world->reference), 0);
    world->work.arena = world->measures.arena = world->arena;
    world->work.catalog = &world->catalog;
    world->work.reference = &world->reference;
    world->work.job.dataset = &world->dataset;
    assert_int_equal(vg_plan_make(&world->dataset, &world->catalog, &world->reference, NULL,
                                  world->arena, &world->work.plan, &err),
                     0);
}

static void measure(struct world *world, const char *why)
{
    struct vg_error err;
    const struct vg_evidence whole = {.reference = &world->reference, .catalog = &world->catalog};
    world->measures.n = 0;
    assert_int_equal(vg_cycle_segments_measure(&world->work, &world->work.plan.bound[0], &whole,
                                               VG_UNKNOWN, why, &world->measures, &err),
                     0);
}

static void stop(struct world *world)
{
    vg_cycle_segments_forget(&world->work);
    vg_grid_free(world->known[0].coarse);
    vg_grid_free(world->fine.grid);
    vg_arena_free(world->arena);
}

static const struct vg_measure *expect(const struct world *world, const char *segment,
                                       enum vg_verdict look)
{
    for (size_t i = 0; i < world->measures.n; i++) {
        const struct vg_measure *measure = &world->measures.items[i];
        if (strcmp(measure->segment, segment) != 0)
            continue;
        assert_int_equal(measure->look, look);
        return measure;
    }
    fail_msg("no measure of %s", segment);
    return NULL;
}

static void test_columns_and_volumes(void **state)
{
    (void)state;
    static const double means[] = {2.5, 5.5, 9};
    static const char *const names[] = {"c=a", "c=b", "c=other"};
    struct world world;
    start(&world, "mean", &(struct vg_rule){.min_rows = 1});
    scan(&world);
    measure(&world, NULL);
    assert_int_equal(world.measures.n, 4);
    for (size_t i = 0; i < 3; i++)
        assert_true(expect(&world, names[i], VG_PASS)->value == means[i]);
    assert_string_equal(expect(&world, "c=d", VG_NODATA)->why,
                        "no rows of this segment in this window");
    measure(&world, "the read failed");
    assert_string_equal(expect(&world, "c=a", VG_UNKNOWN)->why, "the read failed");
    stop(&world);
    start(&world, "volume", &(struct vg_rule){.min_rows = 1});
    scan(&world);
    measure(&world, NULL);
    assert_true(expect(&world, "c=a", VG_PASS)->value == 6);
    assert_true(expect(&world, "c=d", VG_PASS)->value == 0);
    world.work.cycle.sample = "10 %";
    measure(&world, NULL);
    expect(&world, "c=a", VG_NODATA);
    stop(&world);
}

static void test_restricted(void **state)
{
    (void)state;
    struct world world;
    start(&world, "nulls", &(struct vg_rule){.min_rows = 1, .unsegmented = true});
    scan(&world);
    measure(&world, NULL);
    assert_int_equal(world.measures.n, 0);
    stop(&world);
    start(&world, "gaps", &(struct vg_rule){.min_rows = 1});
    measure(&world, NULL);
    assert_int_equal(world.measures.n, 0);
    stop(&world);
}

/* With a reference's grid, whose thresholds are all values, medians are exact. */
static void test_quantiles(void **state)
{
    (void)state;
    struct world world;
    start(&world, "median", &(struct vg_rule){.min_rows = 1});
    assert_non_null(world.work.plan.tally.columns[0].coarse);
    scan(&world);
    measure(&world, NULL);
    assert_true(expect(&world, "c=a", VG_PASS)->value == 2.5);
    assert_true(expect(&world, "c=b", VG_PASS)->value == 5.5);
    stop(&world);
}

/* Answers of one statement: two columns of its own, then the split and the value. */
static void test_answers(void **state)
{
    (void)state;
    static const char *const cells[] = {"0", "12", "3", NULL, NULL, "0", NULL,  /* all rows */
                                        "1", NULL, "2", NULL, "k1", "0", NULL,  /* a key */
                                        "0", "6",  "2", "1",  NULL, "1", "a",   /* of a */
                                        "0", "2",  "1", "1",  NULL, "1", NULL}; /* of others */
    struct world world;
    struct vg_error err;
    struct vg_evidence whole = {.nanswers = 1};
    start(&world, "duplicates", &(struct vg_rule){.min_rows = 1});
    struct vg_asked asked_of = {.rule = &world.rules[0]};
    scan(&world);
    assert_int_equal(vg_cycle_segments_asked(&world.work, &world.rules[0], &asked_of, &err), 0);
    assert_int_equal(asked_of.nsplits, 1);
    assert_string_equal(asked_of.splits[0].column->name, "c");
    struct vg_asked_rule asked = {.n = 1, .split = true};
    asked.answers[0] = (struct vg_rows){.nrows = 4, .ncols = 7, .cells = cells};
    whole.answers = asked.answers;
    world.work.asked = &asked;
    assert_int_equal(vg_cycle_segments_whole(&world.work, &asked, &whole, &err), 0);
    assert_int_equal(whole.answers[0].nrows, 2);
    assert_string_equal(whole.answers[0].cells[1], "12");
    whole.nanswers = 1;
    assert_int_equal(vg_cycle_segments_measure(&world.work, &world.work.plan.bound[0], &whole,
                                               VG_PASS, NULL, &world.measures, &err),
                     0);
    assert_true(expect(&world, "c=a", VG_PASS)->value == 2.0 / 6);
    assert_true(expect(&world, "c=other", VG_PASS)->value == 0.5);
    assert_string_equal(expect(&world, "c=b", VG_NODATA)->why,
                        "no row of this segment is tested in this window");
    asked.answers[0].nrows = 0; /* of nothing at all, all rows have a count of 0 */
    assert_int_equal(vg_cycle_segments_whole(&world.work, &asked, &whole, &err), 0);
    assert_int_equal(whole.answers[0].nrows, 1);
    assert_string_equal(whole.answers[0].cells[2], "0");
    stop(&world);
}

static void test_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world, "ks", &(struct vg_rule){.min_rows = 1});
    scan(&world);
    measure(&world, NULL);
    assert_string_equal(expect(&world, "c=a", VG_NODATA)->why,
                        "the reference has no segments: capture it again");
    stop(&world);
}

/* Of a: 4 and 5 are two of six values; below 4 b has none and a has four. */
static void test_compare(void **state)
{
    (void)state;
    struct world world;
    struct vg_rule rule = {.min_rows = 1, .compare = {.segment = "c", .baseline = "a"}};
    start(&world, "ks", &rule);
    scan(&world);
    measure(&world, NULL);
    assert_int_equal(world.measures.n, 2); /* b and d; not the baseline, nor other */
    const struct vg_measure *b = expect(&world, "c=b", VG_PASS);
    assert_true(b->value > 0.666 && b->value < 0.667 && b->direction > 0);
    assert_true(b->n_now == 4 && b->n_ref == 6);
    expect(&world, "c=d", VG_NODATA);
    stop(&world);
    rule.min_rows = 7;
    start(&world, "ks", &rule);
    scan(&world);
    measure(&world, NULL);
    assert_string_equal(expect(&world, "c=b", VG_NODATA)->why,
                        "the baseline c=a has 6 rows, fewer than 7");
    stop(&world);
    rule.compare.baseline = "q";
    start(&world, "ks", &rule);
    scan(&world);
    measure(&world, NULL);
    assert_string_equal(expect(&world, "c=a", VG_NODATA)->why,
                        "the baseline c=q is none of the segments");
    stop(&world);
}

static void test_gone(void **state)
{
    (void)state;
    struct vg_error err;
    struct world world;
    start(&world, "nulls", &(struct vg_rule){.min_rows = 1});
    world.catalog.n = 1;
    assert_int_equal(vg_plan_make(&world.dataset, &world.catalog, &world.reference, NULL,
                                  world.arena, &world.work.plan, &err),
                     0);
    measure(&world, NULL);
    assert_int_equal(world.measures.n, 4);
    assert_string_equal(expect(&world, "c=a", VG_UNKNOWN)->why,
                        "segments: column c does not exist");
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_and_volumes),
        cmocka_unit_test(test_restricted),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_gone),
    };
    return cmocka_run_group_tests_name("test_cycle_segments", tests, NULL, NULL);
}
