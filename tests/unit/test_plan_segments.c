/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/plan_segments.c: values and their cap, columns that cannot tell rows apart,
 * the limit of memory, and which alerts a plan still names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/plan_segments.h"
#include "pgvigil/check.h"

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_segment_spec specs[1];
    struct vg_rule rule;
    struct vg_catalog catalog;
    struct vg_catalog_column columns[2];
    struct vg_column_summary total;
    struct vg_reference reference;
    struct vg_reference_column known[2];
    struct vg_plan plan;
};

static void count(struct world *world, const char *value, size_t n)
{
    struct vg_slice raw[50];
    uint8_t states[50] = {0};
    struct vg_error err;
    struct vg_column column = {.kind = VG_KIND_TEXT, .state = states, .raw = raw};
    for (size_t i = 0; i < n; i++)
        raw[i] = (struct vg_slice){value, (uint32_t)strlen(value)};
    assert_int_equal(vg_column_count(&world->total, &column, n, &err), 0);
}

static void start(struct world *world)
{
    struct vg_error err;
    *world = (struct world){.arena = vg_arena_new()};
    world->specs[0] = (struct vg_segment_spec){.column = "c", .most = 50};
    world->rule = (struct vg_rule){
        .id = "x.nulls", .column = "x", .dataset = &world->dataset, .type = vg_check_find("nulls")};
    world->dataset = (struct vg_dataset){.id = "d",
                                         .table = "t",
                                         .segments = world->specs,
                                         .nsegments = 1,
                                         .rules = &world->rule,
                                         .nrules = 1};
    world->columns[0] = (struct vg_catalog_column){
        .name = "x", .quoted = "x", .type = "integer", .kind = VG_KIND_NUMBER};
    world->columns[1] = (struct vg_catalog_column){
        .name = "c", .quoted = "c", .type = "text", .kind = VG_KIND_TEXT};
    world->catalog = (struct vg_catalog){.columns = world->columns, .n = 2};
    assert_int_equal(vg_column_init(&world->total, "c", VG_KIND_TEXT, NULL, VG_PART_TOP, &err), 0);
    count(world, "FR", 20);
    count(world, "DE", 30);
    count(world, "other", 40);
    count(world, "IT", 10);
    world->known[0] =
        (struct vg_reference_column){.name = "c", .kind = VG_KIND_TEXT, .total = &world->total};
    world->reference = (struct vg_reference){.columns = world->known, .ncolumns = 1};
}

static void stop(struct world *world)
{
    vg_column_clear(&world->total);
    vg_arena_free(world->arena);
}

static void make(struct world *world, bool reference)
{
    struct vg_error err;
    assert_int_equal(vg_plan_make(&world->dataset, &world->catalog,
                                  reference ? &world->reference : NULL, NULL, world->arena,
                                  &world->plan, &err),
                     0);
}

static void assert_segments(const struct world *world, const char *want)
{
    char text[500] = "";
    for (size_t i = 0; i < world->plan.nsegments; i++) {
        strncat(text, i ? " " : "", sizeof text - strlen(text) - 1);
        strncat(text, world->plan.segments[i].name, sizeof text - strlen(text) - 1);
    }
    assert_string_equal(text, want);
}

static void test_values(void **state)
{
    (void)state;
    struct world world;
    static const char *const listed[] = {"US", "DE"};
    start(&world);
    make(&world, true);
    assert_segments(&world, "c=other c=DE c=FR c=IT");
    assert_int_equal(world.plan.splits[0].left, 1); /* the value "other" */
    assert_int_equal(world.plan.tally.nsplits, 1);
    assert_string_equal(world.plan.items[world.plan.tally.splits[0].source], "c");
    world.specs[0].most = 1;
    make(&world, true);
    assert_segments(&world, "c=other c=DE");
    assert_int_equal(world.plan.splits[0].left, 3);
    world.specs[0].values = (struct vg_strings){listed, 2};
    make(&world, false);
    assert_segments(&world, "c=other c=US c=DE");
    assert_true(world.plan.splits[0].known);
    world.specs[0].values.n = 0;
    make(&world, false);
    assert_segments(&world, "c=other");
    assert_false(world.plan.splits[0].known);
    assert_int_equal(world.plan.tally.nsplits, 0);
    stop(&world);
}

static void test_long_values_are_others(void **state)
{
    (void)state;
    struct world world;
    char text[300];
    start(&world);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    count(&world, text, 50);
    make(&world, true);
    assert_segments(&world, "c=other c=DE c=FR c=IT");
    stop(&world);
}

/* Numbers of requests: each comes once, and will never be seen again. */
static void test_scattered_values(void **state)
{
    (void)state;
    struct world world;
    char text[20];
    start(&world);
    vg_column_clear(&world.total);
    struct vg_error err;
    assert_int_equal(vg_column_init(&world.total, "c", VG_KIND_TEXT, NULL, VG_PART_TOP, &err), 0);
    for (size_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "request %zu", i);
        count(&world, text, 1);
    }
    world.specs[0].most = 500; /* a sixth of the rows, and yet none comes again */
    make(&world, true);
    assert_segments(&world, "c=other");
    assert_true(world.plan.splits[0].scattered);
    assert_int_equal(world.plan.splits[0].left, 3000);
    assert_string_equal(world.plan.splits[0].told,
                        "c tells no segments apart: of its 3000 values or more, the 500 most "
                        "frequent are 17% of the reference's rows");
    assert_false(vg_plan_judges(&world.plan, &world.rule, &world.plan.segments[0]));
    assert_false(vg_plan_names_segment(&world.dataset, &world.plan, &world.rule, "c=other"));
    assert_false(vg_plan_names_segment(&world.dataset, &world.plan, &world.rule, "c=request 7"));
    assert_true(vg_plan_names_segment(&world.dataset, &world.plan, &world.rule, ""));
    for (size_t i = 0; i < 3000; i++) { /* often, but in too many places */
        snprintf(text, sizeof text, "request %zu", i);
        count(&world, text, 1 + i % 3);
    }
    world.specs[0].most = 50;
    make(&world, true);
    assert_true(world.plan.splits[0].scattered);
    /* A rule that compares with a segment by name is unknown, not silent. */
    world.rule.compare = (struct vg_compare){.segment = "c", .baseline = "request 7"};
    assert_true(vg_plan_judges(&world.plan, &world.rule, &world.plan.segments[0]));
    world.rule.compare = (struct vg_compare){.segment = NULL};
    count(&world, "DE", 50);
    for (size_t i = 0; i < 19; i++) /* a country and the rest of the world */
        count(&world, "DE", 50);
    make(&world, true);
    assert_false(world.plan.splits[0].scattered);
    assert_int_equal(world.plan.nsegments, 51);
    stop(&world);
}

/* Its segments stay known, and are unknown. */
static void test_columns_that_cannot(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.columns[1].kind = VG_KIND_NUMBER;
    world.columns[1].type = "integer";
    make(&world, true);
    assert_segments(&world, "c=other c=DE c=FR c=IT");
    assert_non_null(strstr(world.plan.splits[0].problem, "is of type integer, and only text"));
    assert_int_equal(world.plan.tally.nsplits, 0);
    world.columns[1].unreadable = true;
    make(&world, true);
    assert_string_equal(world.plan.splits[0].problem, "segments: no permission to read column c");
    world.catalog.n = 1;
    make(&world, true);
    assert_string_equal(world.plan.splits[0].problem, "segments: column c does not exist");
    stop(&world);
}

static void test_too_much(void **state)
{
    (void)state;
    enum { COLUMNS = 60 };
    struct world world;
    static struct vg_catalog_column columns[COLUMNS + 1];
    static struct vg_rule rules[COLUMNS];
    static struct vg_reference_column known[COLUMNS + 1];
    static char names[COLUMNS][8], values[500][8];
    static const char *listed[500];
    double q[VG_COARSE];
    for (size_t i = 0; i < VG_COARSE; i++)
        q[i] = (double)i;
    struct vg_grid *grid = vg_grid_new(q, VG_COARSE, true);
    struct vg_distribution fine = {.grid = grid};
    start(&world);
    columns[COLUMNS] = world.columns[1];
    known[COLUMNS] = world.known[0];
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        columns[i] = world.columns[0];
        columns[i].name = columns[i].quoted = names[i];
        known[i] = (struct vg_reference_column){.name = names[i],
                                                .type = "integer",
                                                .kind = VG_KIND_NUMBER,
                                                .fine = &fine,
                                                .coarse = grid};
        rules[i] = world.rule;
        rules[i].id = rules[i].column = names[i];
        rules[i].type = vg_check_find("ks");
    }
    for (size_t i = 0; i < 500; i++) {
        snprintf(values[i], sizeof values[i], "v%zu", i);
        listed[i] = values[i];
    }
    world.catalog = (struct vg_catalog){.columns = columns, .n = COLUMNS + 1};
    world.reference.columns = known;
    world.reference.ncolumns = COLUMNS + 1;
    world.dataset.rules = rules;
    world.dataset.nrules = COLUMNS;
    world.specs[0].most = 500;
    world.specs[0].values = (struct vg_strings){listed, 500};
    make(&world, true);
    assert_true(world.plan.segment_bytes > VG_SEGMENT_BYTES);
    assert_non_null(strstr(world.plan.splits[0].problem, "counts of 501 segments and 60 columns"));
    assert_non_null(strstr(world.plan.splits[0].problem, "set most"));
    assert_int_equal(world.plan.tally.nsplits, 0);
    world.specs[0].values.n = 20;
    make(&world, true);
    assert_null(world.plan.splits[0].problem);
    assert_in_range(world.plan.segment_bytes, 21 * 60 * 401 * 8, VG_SEGMENT_BYTES);
    assert_ptr_equal(world.plan.tally.columns[0].coarse, grid);
    vg_grid_free(grid);
    stop(&world);
}

static bool names(const struct world *world, const char *segment)
{
    return vg_plan_names_segment(&world->dataset, &world->plan, &world->rule, segment);
}

static void test_names(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    make(&world, true);
    assert_true(names(&world, "") && names(&world, "c=DE") && names(&world, "c=other"));
    assert_false(names(&world, "c=US") || names(&world, "d=DE") || names(&world, "c"));
    world.rule.segment = "d";
    assert_false(names(&world, "c=DE"));
    world.rule.segment = "c";
    assert_true(names(&world, "c=DE"));
    world.rule.unsegmented = true;
    assert_true(names(&world, ""));
    assert_false(names(&world, "c=DE"));
    world.rule.unsegmented = false;
    world.rule.segment = NULL;
    world.rule.type = vg_check_find("ks");
    world.rule.compare = (struct vg_compare){.segment = "c", .baseline = "DE"};
    assert_true(names(&world, "c=FR"));
    assert_false(names(&world, "c=DE") || names(&world, "c=other") || names(&world, ""));
    world.rule.compare.segment = NULL;
    world.rule.type = vg_check_find("unique");
    assert_true(names(&world, "c=DE"));
    world.rule.type = vg_check_find("gaps");
    assert_false(names(&world, "c=DE"));
    assert_true(names(&world, ""));
    world.rule.type = vg_check_find("nulls");
    make(&world, false); /* not known for now: nothing is retired */
    assert_true(names(&world, "c=US"));
    assert_false(names(&world, "d=US"));
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),           cmocka_unit_test(test_long_values_are_others),
        cmocka_unit_test(test_scattered_values), cmocka_unit_test(test_columns_that_cannot),
        cmocka_unit_test(test_too_much),         cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("test_plan_segments", tests, NULL, NULL);
}
