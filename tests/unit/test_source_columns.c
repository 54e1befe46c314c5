/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/loop/source*.c: what becomes of a relation's columns, and the plan made of them. The server
 * is one that knows the types of a few expressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/loop/source.h"
#include "agent/plan.h"
#include "pgvigil/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct vg_catalog_column base_columns[] = {
    {.name = "id", .quoted = "id", .type = "bigint", .wire_oid = 20, .kind = VG_KIND_NUMBER},
    {.name = "secret",
     .quoted = "secret",
     .type = "text",
     .wire_oid = 25,
     .kind = VG_KIND_TEXT,
     .unreadable = true},
    {.name = "n", .quoted = "n", .type = "text", .wire_oid = 25, .kind = VG_KIND_TEXT},
    {.name = "v", .quoted = "v", .type = "text", .wire_oid = 25, .kind = VG_KIND_TEXT},
};

struct fake {
    struct vg_source base;
    const char *refused; /* an expression, or NULL */
    int described;
    const char *const *names; /* that the rows carry */
    size_t nnames;
};

struct vg_session {
    struct fake *fake;
};

static int read_catalog(struct vg_session *session, const char *table, struct vg_arena *arena,
                        const struct vg_catalog **out, struct vg_error *err)
{
    (void)session;
    (void)err;
    assert_string_equal(table, "ml.\"odd.t\"");
    struct vg_catalog *catalog = vg_arena_alloc(arena, sizeof *catalog);
    struct vg_catalog_column *own = vg_arena_array(arena, COUNT(base_columns), sizeof *own);
    memcpy(own, base_columns, sizeof base_columns);
    *catalog = (struct vg_catalog){
        .relkind = 'r', .quoted = "ml.\"odd.t\"", .columns = own, .n = COUNT(base_columns)};
    *out = catalog;
    return 0;
}

/* Each "(\n" of the SELECT list is a column: float8 where its last cast says so, else text. */
static int describe(struct vg_session *session, const char *select, struct vg_arena *arena,
                    struct vg_described **out, size_t *n, struct vg_error *err)
{
    const char *end = strstr(select, "\nFROM");
    session->fake->described++;
    if (session->fake->refused && strstr(select, session->fake->refused))
        return vg_fail(err, VG_E_QUERY, "no %s here", session->fake->refused);
    *out = vg_arena_array(arena, 16, sizeof **out);
    *n = 0;
    assert_non_null(end);
    for (const char *p = strstr(select, "(\n"); p && p < end; p = strstr(p + 1, "(\n")) {
        const char *close = strstr(p, "\n)");
        bool number = !strncmp(close - 6, "float8", 6);
        (*out)[(*n)++] = (struct vg_described){.name = "c",
                                               .quoted = "c",
                                               .type = number ? "double precision" : "text",
                                               .oid = number ? 701 : 25,
                                               .kind = number ? VG_KIND_NUMBER : VG_KIND_TEXT};
    }
    return 0;
}

static int ask(struct vg_session *session, const char *sql, int64_t timeout_us,
               struct vg_arena *arena, struct vg_rows *out, struct vg_error *err)
{
    (void)arena;
    (void)err;
    assert_true(timeout_us == 7);
    assert_non_null(strstr(sql, "SELECT DISTINCT n::pg_catalog.text"));
    assert_non_null(strstr(sql, "(\nid > 5\n)"));
    *out = (struct vg_rows){session->fake->nnames, 1, session->fake->names};
    return 0;
}

static const struct vg_source_ops ops = {.catalog = read_catalog, .describe = describe, .ask = ask};

struct world {
    struct vg_arena *arena;
    struct fake fake;
    struct vg_session session;
    struct vg_column_spec specs[4];
    struct vg_dataset dataset;
    const struct vg_catalog *catalog;
    struct vg_error err;
};

static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new(), .fake.base.ops = &ops};
    world->session.fake = &world->fake;
    world->specs[0] =
        (struct vg_column_spec){.name = "amount", .expr = "(v)::float8", .type = "float8"};
    world->specs[1] =
        (struct vg_column_spec){.name = "say \"x\"", .expr = "v || n", .type = "text"};
    world->specs[2] = (struct vg_column_spec){.name = "id"};
    world->dataset = (struct vg_dataset){.id = "d",
                                         .table = "ml.\"odd.t\"",
                                         .zone = &vg_utc,
                                         .columns = world->specs,
                                         .ncolumns = 3};
}

static int look(struct world *world, const struct vg_reference *reference)
{
    return vg_source_columns(&world->fake.base, &world->session, &world->dataset, reference,
                             world->arena, &world->catalog, &world->err);
}

static void test_a_plain_table_stays_as_it_is(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.ncolumns = 0;
    assert_int_equal(look(&world, NULL), 0);
    assert_string_equal(world.catalog->quoted, "ml.\"odd.t\"");
    assert_int_equal(world.catalog->n, COUNT(base_columns));
    assert_int_equal(world.fake.described, 0);
    vg_arena_free(world.arena);
}

static void test_expressions(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    assert_int_equal(look(&world, NULL), 0);
    assert_int_equal(world.fake.described, 1);
    assert_string_equal(world.catalog->quoted, "(SELECT id, n, v, (\n(v)::float8\n) AS \"amount\","
                                               " (\n(v)\n)::pg_catalog.text AS \"pgvigil text 1\","
                                               " (\nv || n\n) AS \"say \"\"x\"\"\"\n"
                                               "FROM ml.\"odd.t\") AS \"odd.t\"");
    const struct vg_catalog_column *amount = vg_catalog_find(world.catalog, "amount");
    assert_true(amount->computed && amount->cast_oid == 701 && amount->kind == VG_KIND_NUMBER);
    assert_string_equal(amount->scan, "\"pgvigil text 1\"");
    assert_string_equal(amount->quoted, "\"amount\"");
    const struct vg_catalog_column *said = vg_catalog_find(world.catalog, "say \"x\"");
    assert_true(said->computed && !said->cast_oid && !said->scan && said->kind == VG_KIND_TEXT);
    assert_false(vg_catalog_find(world.catalog, "id")->computed);
    vg_arena_free(world.arena);
}

static void test_the_time_column_is_converted_by_the_server(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.time_column = "amount";
    assert_int_equal(look(&world, NULL), 0);
    const struct vg_catalog_column *amount = vg_catalog_find(world.catalog, "amount");
    assert_true(!amount->cast_oid && !amount->scan);
    vg_arena_free(world.arena);
}

static void test_one_bad_expression_costs_itself_only(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.fake.refused = "v || n";
    assert_int_equal(look(&world, NULL), 0);
    assert_int_equal(world.fake.described, 3);
    const struct vg_catalog_column *said = vg_catalog_find(world.catalog, "say \"x\"");
    assert_string_equal(said->problem, "no v || n here");
    assert_string_equal(said->type, "text");
    assert_null(strstr(world.catalog->quoted, "v || n"));
    assert_int_equal(vg_catalog_find(world.catalog, "amount")->cast_oid, 701);
    vg_arena_free(world.arena);
}

static void test_sampling_needs_a_table_or_a_key(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.sample.mode = VG_SAMPLE_PERCENT;
    assert_int_equal(look(&world, NULL), -1);
    assert_int_equal(world.err.code, VG_E_CONFIG);
    world.dataset.ncolumns = 0;
    assert_int_equal(look(&world, NULL), 0);
    vg_arena_free(world.arena);
}

/* --- Long sources ----------------------------------------------------------------------------- */

static void start_long(struct world *world)
{
    start(world);
    world->dataset.long_source = (struct vg_long_source){.name = "n", .value = "amount"};
    world->specs[1] = (struct vg_column_spec){.name = "it's"};
    world->specs[2] = (struct vg_column_spec){.name = "*"};
}

static void expect_name(const struct world *world, const char *name, uint32_t route)
{
    const struct vg_catalog_column *column = vg_catalog_find(world->catalog, name);
    assert_non_null(column);
    assert_true(column->computed && column->route == route && column->cast_oid == 701);
    assert_string_equal(column->scan, "\"pgvigil text 1\"");
    assert_string_equal(column->type, "double precision");
}

static void test_names_of_file_and_reference(void **state)
{
    (void)state;
    struct world world;
    struct vg_reference_column known[] = {{.name = "id"},
                                          {.name = "speed", .computed = true},
                                          {.name = "amount", .computed = true},
                                          {.name = "it's", .computed = true}};
    struct vg_reference reference = {.columns = known, .ncolumns = COUNT(known)};
    start_long(&world);
    assert_int_equal(look(&world, NULL), 0);
    assert_string_equal(world.catalog->names, "n");
    expect_name(&world, "it's", 1);
    assert_null(vg_catalog_find(world.catalog, "speed"));
    assert_int_equal(look(&world, &reference), 0);
    expect_name(&world, "speed", 1);
    expect_name(&world, "it's", 2);
    const struct vg_catalog_column *column = vg_catalog_find(world.catalog, "it's");
    assert_string_equal(column->only, "(n::pg_catalog.text = 'it''s')");
    assert_string_equal(column->quoted,
                        "(CASE WHEN (n::pg_catalog.text = 'it''s') THEN \"amount\" END)");
    assert_int_equal(vg_catalog_find(world.catalog, "amount")->route, 0);
    vg_arena_free(world.arena);
}

static int capture(struct world *world)
{
    struct vg_source_rows rows = {.filter = "id > 5", .timeout_us = 7};
    return vg_source_captured(&world->fake.base, &world->session, &world->dataset, &rows,
                              world->arena, &world->catalog, &world->err);
}

static void test_names_of_the_rows(void **state)
{
    (void)state;
    struct world world;
    static const char *const few[] = {"speed", NULL, "it's", "v"};
    static const char *many[VG_LONG_NAMES + 1];
    start_long(&world);
    world.fake.names = few;
    world.fake.nnames = COUNT(few);
    assert_int_equal(capture(&world), 0);
    expect_name(&world, "it's", 1);
    expect_name(&world, "speed", 2);
    assert_int_equal(vg_catalog_find(world.catalog, "v")->route, 0); /* the source has one */
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = vg_arena_printf(world.arena, "f%zu", i);
    world.fake.names = many;
    world.fake.nnames = VG_LONG_NAMES - 1; /* and the one of the file */
    assert_int_equal(capture(&world), 0);
    expect_name(&world, "f498", VG_LONG_NAMES);
    world.fake.nnames = COUNT(many);
    assert_int_equal(capture(&world), -1);
    assert_int_equal(world.err.code, VG_E_LIMIT);
    vg_arena_free(world.arena);
}

static void test_long_columns_must_be_there(void **state)
{
    (void)state;
    static const struct vg_long_source wrong[] = {{.name = "nothing", .value = "v"},
                                                  {.name = "n", .value = "nothing"},
                                                  {.name = "id", .value = "v"}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct world world;
        start_long(&world);
        world.dataset.long_source = wrong[i];
        assert_int_equal(look(&world, NULL), -1);
        assert_int_equal(world.err.code, VG_E_CONFIG);
        vg_arena_free(world.arena);
    }
}

/* --- The plan of such columns ----------------------------------------------------------------- */

static void test_plan(void **state)
{
    (void)state;
    struct world world;
    struct vg_plan plan;
    struct vg_rule rules[4];
    static const char *const key[] = {"amount"};
    start_long(&world);
    world.specs[2] = (struct vg_column_spec){.name = "speed"};
    const char *columns[] = {"it's", "speed", "amount", NULL};
    const char *checks[] = {"range", "nulls", "cast", "unknown_names"};
    for (size_t i = 0; i < 4; i++)
        rules[i] = (struct vg_rule){.id = checks[i],
                                    .column = columns[i],
                                    .dataset = &world.dataset,
                                    .type = vg_check_find(checks[i])};
    rules[0].limits.bounds.has_min = true;
    world.dataset.rules = rules;
    world.dataset.nrules = 4;
    world.dataset.key = (struct vg_strings){key, 1};
    assert_int_equal(look(&world, NULL), 0);
    assert_int_equal(
        vg_plan_make(&world.dataset, world.catalog, NULL, NULL, world.arena, &plan, &world.err), 0);
    /* three columns and the key read one item; names are the other */
    assert_int_equal(plan.nitems, 2);
    assert_string_equal(plan.items[0], "\"pgvigil text 1\"");
    assert_true(plan.query[0].wire_oid == 25 && plan.query[0].cast_oid == 701 && plan.query[0].raw);
    assert_string_equal(plan.items[1], "n");
    assert_int_equal(plan.tally.names, 1);
    assert_int_equal(plan.tally.routes->n, 2);
    assert_int_equal(plan.tally.ncolumns, 3);
    assert_int_equal(plan.tally.columns[0].route, 1);
    assert_int_equal(plan.tally.columns[1].route, 2);
    assert_int_equal(plan.tally.columns[2].route, 0);
    assert_int_equal(plan.tally.npredicates, 2);
    assert_true(plan.tally.predicates[0].route == 1 && plan.tally.predicates[1].unrouted);
    struct vg_strings expressions;
    assert_int_equal(vg_plan_expressions(&plan, world.arena, &expressions), 0);
    assert_int_equal(expressions.n, 1);
    /* rejected: its rules are unknown, and it is no key */
    struct vg_reject reject = {expressions.items[0], "some value"};
    struct vg_rejects rejects = {&reject, 1};
    assert_int_equal(
        vg_plan_make(&world.dataset, world.catalog, NULL, &rejects, world.arena, &plan, &world.err),
        0);
    assert_string_equal(plan.bound[0].problem, "column it's cannot be computed: some value");
    assert_non_null(plan.bound[2].problem);
    assert_null(plan.bound[3].problem);
    assert_true(plan.nitems == 1 && plan.tally.nkeys == 0);
    vg_arena_free(world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_table_stays_as_it_is),
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_the_time_column_is_converted_by_the_server),
        cmocka_unit_test(test_one_bad_expression_costs_itself_only),
        cmocka_unit_test(test_sampling_needs_a_table_or_a_key),
        cmocka_unit_test(test_names_of_file_and_reference),
        cmocka_unit_test(test_names_of_the_rows),
        cmocka_unit_test(test_long_columns_must_be_there),
        cmocka_unit_test(test_plan),
    };
    return cmocka_run_group_tests_name("source_columns", tests, NULL, NULL);
}
