/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan of a cycle: rules bound to what the database has, and what the scan is to carry. The
 * dataset, its catalogue and its reference are made by hand; the checks are the real ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/plan.h"
#include "pgvigil/text.h"

enum { RULES = 12, COLUMNS = 8 };

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_rule rules[RULES];
    struct vg_column_spec specs[COLUMNS];
    struct vg_catalog catalog;
    struct vg_catalog_column columns[COLUMNS];
    struct vg_reference reference;
    struct vg_reference_column known[COLUMNS];
    struct vg_distribution fine;
    struct vg_rejects rejects;
    struct vg_plan plan;
};

static const char *const key_id[] = {"id"};

static void add_catalog(struct world *world, const char *name, const char *quoted, const char *type,
                        enum vg_kind kind, uint32_t oid)
{
    world->columns[world->catalog.n++] = (struct vg_catalog_column){
        .name = name, .quoted = quoted, .type = type, .kind = kind, .wire_oid = oid};
}

/* at timestamptz, id bigint (the key), delay and dist numbers, tail text, shape a point. */
static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new()};
    assert_non_null(world->arena);
    world->dataset = (struct vg_dataset){
        .id = "flights",
        .table = "ml.flights",
        .time_column = "at",
        .key = {key_id, 1},
        .private_keys = true,
        .zone = &vg_utc,
        .schedule = {.window_us = VG_HOUR_US},
        .max_offending = 10,
        .rules = world->rules,
        .columns = world->specs,
    };
    world->catalog = (struct vg_catalog){.quoted = "ml.flights", .columns = world->columns};
    add_catalog(world, "at", "\"at\"", "timestamp with time zone", VG_KIND_TIME, 1184);
    world->columns[0].indexed_first = true;
    add_catalog(world, "id", "id", "bigint", VG_KIND_NUMBER, 20);
    add_catalog(world, "delay", "delay", "double precision", VG_KIND_NUMBER, 701);
    add_catalog(world, "dist", "dist", "integer", VG_KIND_NUMBER, 23);
    add_catalog(world, "tail", "tail", "text", VG_KIND_TEXT, 25);
    add_catalog(world, "shape", "shape", "point", VG_KIND_OTHER, 600);
}

static void stop(struct world *world)
{
    vg_grid_free(world->fine.grid);
    vg_arena_free(world->arena);
}

static struct vg_rule *add_rule(struct world *world, const char *id, const char *check,
                                const char *column)
{
    struct vg_rule *rule = &world->rules[world->dataset.nrules++];
    *rule = (struct vg_rule){
        .id = id, .column = column, .dataset = &world->dataset, .type = vg_check_find(check)};
    assert_non_null(rule->type);
    return rule;
}

static void add_known(struct world *world, const char *name, enum vg_kind kind)
{
    world->reference.columns = world->known;
    world->known[world->reference.ncolumns++] =
        (struct vg_reference_column){.name = name, .kind = kind};
}

static const struct vg_plan *make(struct world *world)
{
    struct vg_error err;
    const struct vg_reference *reference = world->reference.columns ? &world->reference : NULL;
    assert_int_equal(vg_plan_make(&world->dataset, &world->catalog, reference, &world->rejects,
                                  world->arena, &world->plan, &err),
                     0);
    return &world->plan;
}

/* Asserts the ids of the bound rules, joined by spaces; "!" marks those with a problem. */
static void assert_bound(const struct vg_plan *plan, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    for (size_t i = 0; i < plan->nbound; i++)
        vg_buf_printf(&out, "%s%s%s", i ? " " : "", plan->bound[i].problem ? "!" : "",
                      plan->bound[i].rule.id);
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

static void assert_items(const struct vg_plan *plan, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    for (size_t i = 0; i < plan->nitems; i++)
        vg_buf_printf(&out, "%s%s", i ? " | " : "", plan->items[i]);
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

static const struct vg_tally_column *find_counted(const struct vg_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->tally.ncolumns; i++) {
        if (!strcmp(plan->tally.columns[i].name, name))
            return &plan->tally.columns[i];
    }
    return NULL;
}

/* --- Binding ---------------------------------------------------------------------------------- */

/* Neither the key nor the time, none with a rule of its own, only kinds that fit. */
static void test_wild_rules(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "*.nulls", "nulls", "*")->limits.fail = 0.1;
    add_rule(&world, "mine", "nulls", "dist");
    add_rule(&world, "*.drift.ks", "ks", "*");
    add_rule(&world, "*.range", "range", "*");
    const struct vg_plan *plan = make(&world);
    assert_bound(plan, "delay.nulls tail.nulls shape.nulls mine delay.drift.ks dist.drift.ks "
                       "delay.range dist.range");
    assert_string_equal(plan->bound[0].rule.column, "delay");
    assert_true(plan->bound[0].rule.limits.fail == 0.1);
    assert_string_equal(world.rules[0].column, "*"); /* the file's rule stays as it was */
    world.columns[2].name = "odd name";
    world.dataset.nrules = 1;
    assert_bound(make(&world), "\"odd name\".nulls dist.nulls tail.nulls shape.nulls");
    stop(&world);
}

/* A column the reference knew and the table lost: its rules are unknown, not retired. */
static void test_lost_columns(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_known(&world, "delay", VG_KIND_NUMBER);
    add_known(&world, "wind", VG_KIND_NUMBER);
    add_known(&world, "gate", VG_KIND_TEXT);
    add_known(&world, "id", VG_KIND_NUMBER);
    add_rule(&world, "*.drift.ks", "ks", "*");
    add_rule(&world, "rain.nulls", "nulls", "rain");
    const struct vg_plan *plan = make(&world);
    assert_bound(plan, "delay.drift.ks dist.drift.ks !wind.drift.ks !rain.nulls");
    assert_string_equal(plan->bound[2].problem, "column wind does not exist in ml.flights");
    assert_string_equal(plan->bound[3].problem, "column rain does not exist in ml.flights");
    assert_items(plan, "\"at\" | delay | dist"); /* the others are scanned all the same */
    stop(&world);
}

static void test_kinds_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *check, *column, *problem;
    } cases[] = {
        {"ks", "tail", "ks does not fit column tail of type text"},
        {"ks", "at", "ks does not fit column at of type timestamp with time zone"},
        {"range", "shape", "range does not fit column shape of type point"},
        {"range", "at", NULL},
        {"nulls", "shape", NULL}, /* nulls fits all */
        {"ks", "id", NULL},
        {"volume", NULL, NULL}, /* not of a column */
        {"schema", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        add_rule(&world, "rule", cases[i].check, cases[i].column);
        const char *problem = make(&world)->bound[0].problem;
        if (!vg_streq(problem, cases[i].problem))
            fail_msg("case %zu: %s", i, problem ? problem : "no problem");
        stop(&world);
    }
}

/* --- What is scanned -------------------------------------------------------------------------- */

/* Each column once, the time first; ticks ask for none. */
static void test_items(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "reach", "reach", NULL);
    add_rule(&world, "volume", "volume", NULL);
    add_rule(&world, "delay.nulls", "nulls", "delay");
    add_rule(&world, "delay.range", "range", "delay");
    add_rule(&world, "tail.nulls", "nulls", "tail");
    add_rule(&world, "at.range", "range", "at");
    add_rule(&world, "shape.nulls", "nulls", "shape");
    const struct vg_plan *plan = make(&world);
    assert_items(plan, "\"at\" | delay | tail | shape");
    assert_true(plan->time_item == 0 && plan->tally.time == 0);
    assert_int_equal(plan->tally.ncolumns, 4);
    assert_int_equal(plan->query[1].wire_oid, 701);
    assert_int_equal(plan->query[2].kind, VG_KIND_TEXT);
    assert_true(find_counted(plan, "delay")->distinct && !find_counted(plan, "delay")->top);
    assert_true(find_counted(plan, "tail")->distinct && find_counted(plan, "tail")->top);
    assert_false(find_counted(plan, "shape")->distinct || find_counted(plan, "shape")->top);
    assert_int_equal(find_counted(plan, "at")->source, 0);
    stop(&world);
}

/* Rules of one condition share a variant and its column. */
static void test_where_variants(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "all", "nulls", "delay");
    add_rule(&world, "a", "range", "delay")->where = "dist > 10";
    add_rule(&world, "b", "nulls", "tail")->where = "dist > 20";
    add_rule(&world, "c", "volume", NULL)->where = "dist > 10";
    add_rule(&world, "lost", "nulls", "rain")->where = "dist > 30";
    const struct vg_plan *plan = make(&world);
    static const size_t variants[] = {0, 1, 2, 1, 0};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(plan->bound[i].variant, variants[i]);
    assert_int_equal(plan->tally.nvariants, 3);
    assert_int_equal(plan->tally.variants[0].condition, VG_TALLY_NONE);
    assert_items(plan, "\"at\" | delay | ((\ndist > 10\n) IS TRUE) | ((\ndist > 20\n) IS TRUE) | "
                       "tail");
    assert_int_equal(plan->tally.variants[1].condition, 2);
    assert_int_equal(plan->query[2].kind, VG_KIND_BOOL);
    assert_int_equal(plan->query[2].wire_oid, 16);
    assert_int_equal(plan->tally.npredicates, 1);
    assert_int_equal(plan->tally.predicates[0].variant, 1);
    stop(&world);
}

/* A second try without an expression at fault: its rules say why, the others stay. */
static void test_rejected_where(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    const struct vg_reject reject = {"gone > 1", "column \"gone\" does not exist"};
    world.rejects = (struct vg_rejects){&reject, 1};
    add_rule(&world, "a", "nulls", "delay");
    add_rule(&world, "b", "nulls", "tail")->where = "gone > 1";
    add_rule(&world, "c", "nulls", "rain")->where = "gone > 1";
    add_rule(&world, "d", "nulls", "dist")->where = "dist > 1";
    const struct vg_plan *plan = make(&world);
    assert_bound(plan, "a !b !c d");
    assert_string_equal(plan->bound[1].problem,
                        "its where cannot be evaluated: column \"gone\" does not exist");
    assert_string_equal(plan->bound[2].problem, plan->bound[1].problem);
    assert_int_equal(plan->tally.nvariants, 2);
    assert_items(plan, "\"at\" | delay | ((\ndist > 1\n) IS TRUE) | dist");
    stop(&world);
}
static void test_predicates(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "plain", "range", "delay")->limits.bounds.has_max = true;
    struct vg_rule *both = add_rule(&world, "both", "range", "dist");
    both->limits.bounds.has_max = both->limits.warn_bounds.has_min = true;
    add_rule(&world, "listed", "allowed", "tail");
    add_rule(&world, "shares", "nulls", "tail");
    /* warn bounds of a check that judges its value need no second count of rows */
    add_rule(&world, "volume", "volume", NULL)->limits.warn_bounds.has_min = true;
    const struct vg_plan *plan = make(&world);
    static const struct {
        const char *id;
        bool warn;
        size_t source;
    } want[] = {{"plain", false, 1}, {"both", false, 2}, {"both", true, 2}, {"listed", false, 3}};
    assert_int_equal(plan->tally.npredicates, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct vg_tally_predicate *predicate = &plan->tally.predicates[i];
        assert_string_equal(predicate->rule->id, want[i].id);
        assert_int_equal(predicate->warn, want[i].warn);
        assert_int_equal(predicate->source, want[i].source);
        assert_int_equal(predicate->variant, 0);
    }
    stop(&world);
}

static void test_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "missing", "tail"};
    for (int open = 0; open <= 1; open++) {
        struct world world;
        start(&world);
        world.dataset.key = (struct vg_strings){keys, 3};
        world.dataset.private_keys = !open;
        add_rule(&world, "tail.nulls", "nulls", "tail");
        const struct vg_plan *plan = make(&world);
        assert_int_equal(plan->tally.max_keys, 10);
        assert_int_equal(plan->tally.nkeys, open ? 2 : 0);
        assert_items(plan, open ? "\"at\" | tail | id" : "\"at\" | tail");
        if (open) {
            assert_int_equal(plan->tally.keys[0], 2);
            assert_int_equal(plan->tally.keys[1], 1); /* the column that is counted too */
        }
        assert_int_equal(plan->query[1].raw, open);
        assert_false(plan->query[0].raw);
        stop(&world);
    }
}

static void test_time_column(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        enum vg_kind kind;
        uint32_t oid;
        int64_t window_us;
        const char *problem;
    } cases[] = {
        {"at", VG_KIND_TIME, 1184, VG_HOUR_US, NULL},
        {"at", VG_KIND_TIME, 1114, VG_HOUR_US, NULL},
        {"at", VG_KIND_TIME, 1082, VG_DAY_US, NULL},
        {"at", VG_KIND_TIME, 1082, VG_WEEK_US, NULL},
        {"at", VG_KIND_TIME, 1082, VG_HOUR_US, "a date column needs windows of whole days"},
        {"at", VG_KIND_TEXT, 25, VG_HOUR_US, "the time column is not a date or timestamp"},
        {"when", VG_KIND_TIME, 1184, VG_HOUR_US, "the time column does not exist"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        world.dataset.time_column = cases[i].column;
        world.dataset.schedule.window_us = cases[i].window_us;
        world.columns[0].kind = cases[i].kind;
        world.columns[0].wire_oid = cases[i].oid;
        const struct vg_plan *plan = make(&world);
        if (!vg_streq(plan->time_problem, cases[i].problem))
            fail_msg("case %zu: %s", i, plan->time_problem ? plan->time_problem : "none");
        assert_int_equal(plan->time != NULL, !cases[i].problem);
        assert_int_equal(plan->time_item, cases[i].problem ? VG_TALLY_NONE : 0);
        struct vg_window window = {0, VG_HOUR_US, false};
        struct vg_rows_of rows = vg_plan_rows(plan, &window, 5);
        assert_true(rows.range == (cases[i].problem ? NULL : &window));
        assert_true(rows.sample_percent == 5 && rows.catalog == &world.catalog);
        stop(&world);
    }
}

/* What an index would answer at once must be counted. */
static void test_time_column_without_index(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "freshness", "freshness", NULL);
    assert_null(find_counted(make(&world), "at"));
    world.columns[0].indexed_first = false;
    assert_non_null(find_counted(make(&world), "at"));
    stop(&world);
}

static void test_no_time_column(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.time_column = NULL;
    add_rule(&world, "*.nulls", "nulls", "*");
    const struct vg_plan *plan = make(&world);
    assert_true(!plan->time && !plan->time_problem);
    assert_items(plan, "\"at\" | delay | dist | tail | shape"); /* at is a column as any */
    assert_int_equal(plan->tally.time, VG_TALLY_NONE);
    stop(&world);
}

/* --- References and privacy ------------------------------------------------------------------- */

/* The grid of a number is the reference's, whichever of its rules comes first. */
static void test_grids(void **state)
{
    (void)state;
    const double q[] = {1, 2, 3};
    struct world world;
    start(&world);
    world.fine.grid = vg_grid_new(q, 3, true);
    assert_non_null(world.fine.grid);
    add_known(&world, "delay", VG_KIND_NUMBER);
    add_known(&world, "dist", VG_KIND_TEXT); /* it was text when the reference was captured */
    world.known[0].fine = world.known[1].fine = &world.fine;
    add_rule(&world, "delay.nulls", "nulls", "delay");
    add_rule(&world, "delay.drift.ks", "ks", "delay");
    add_rule(&world, "delay.range", "range", "delay");
    add_rule(&world, "dist.drift.ks", "ks", "dist");
    const struct vg_plan *plan = make(&world);
    assert_true(find_counted(plan, "delay")->grid == world.fine.grid);
    assert_null(find_counted(plan, "dist")->grid);
    stop(&world);
}

static void test_cells_of_references(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    struct vg_strings cells;
    bool all = true;
    add_rule(&world, "delay.nulls", "nulls", "delay");
    add_rule(&world, "delay.drift.ks", "ks", "delay");
    add_rule(&world, "volume", "volume", NULL);
    assert_int_equal(vg_plan_cells(&world.dataset, world.arena, &cells, &all), 0);
    assert_false(all);
    assert_int_equal(cells.n, 1);
    assert_string_equal(cells.items[0], "delay");
    add_rule(&world, "*.drift.ks", "ks", "*");
    assert_int_equal(vg_plan_cells(&world.dataset, world.arena, &cells, &all), 0);
    assert_true(all);
    stop(&world);
}

static bool is_private(const struct vg_plan *plan, const char *column)
{
    for (size_t i = 0; i < plan->private_columns.n; i++) {
        if (!strcmp(plan->private_columns.items[i], column))
            return true;
    }
    return false;
}

/* Columns that say so, all of them under "*", and the key while keys are private. */
static void test_private_columns(void **state)
{
    (void)state;
    static const struct {
        const char *listed;
        bool private_keys;
        const char *want[6];
    } cases[] = {
        {NULL, true, {"id"}},
        {NULL, false, {NULL}},
        {"tail", false, {"tail"}},
        {"tail", true, {"tail", "id"}},
        {"*", false, {"at", "id", "delay", "dist", "tail", "shape"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        world.dataset.private_keys = cases[i].private_keys;
        world.specs[0] = (struct vg_column_spec){.name = "delay"};
        world.specs[1] = (struct vg_column_spec){.name = cases[i].listed, .is_private = true};
        world.dataset.ncolumns = cases[i].listed ? 2 : 1;
        const struct vg_plan *plan = make(&world);
        size_t found = 0, wanted = 0;
        for (size_t c = 0; c < world.catalog.n; c++)
            found += is_private(plan, world.columns[c].name);
        for (; wanted < 6 && cases[i].want[wanted]; wanted++)
            assert_true(is_private(plan, cases[i].want[wanted]));
        assert_int_equal(found, wanted);
        stop(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wild_rules),
                                       cmocka_unit_test(test_lost_columns),
                                       cmocka_unit_test(test_kinds_that_do_not_fit),
                                       cmocka_unit_test(test_items),
                                       cmocka_unit_test(test_where_variants),
                                       cmocka_unit_test(test_rejected_where),
                                       cmocka_unit_test(test_predicates),
                                       cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_time_column),
                                       cmocka_unit_test(test_time_column_without_index),
                                       cmocka_unit_test(test_no_time_column),
                                       cmocka_unit_test(test_grids),
                                       cmocka_unit_test(test_cells_of_references),
                                       cmocka_unit_test(test_private_columns)};
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
