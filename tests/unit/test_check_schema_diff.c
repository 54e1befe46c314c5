/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema_diff.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "checks/check_schema_diff.h"
#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { MOST = 32 };
struct seen {
    size_t n;
    char text[MOST][160];
};

/* "breaking: column id is missing" */
static void see(void *arg, const struct vg_schema_difference *d)
{
    static const char *const classes[] = {"safe", "lossy", "breaking"};
    struct seen *seen = arg;
    char words[120];
    assert_true(seen->n < MOST);
    vg_schema_tell(d, words, sizeof words);
    snprintf(seen->text[seen->n++], 160, "%s: %s", classes[d->class], words);
}

struct given {
    const struct vg_reference *reference;
    const struct vg_catalog *then, *last;
    int64_t now_us, ahead_us;
};

static void expect_of(const struct kit *kit, const struct given *given, const char *const *rows,
                      size_t n)
{
    struct seen seen = {0};
    struct vg_schema_view view = {
        .dataset = &kit->dataset,
        .now = &kit->catalog,
        .reference = given->reference,
        .then = given->then,
        .last = given->last,
        .now_us = given->now_us,
        .ahead_us = given->ahead_us,
        .arena = kit->arena,
        .each = see,
        .arg = &seen,
    };
    vg_schema_compare(&view);
    assert_false(view.failed);
    for (size_t i = 0; i < n && i < seen.n; i++)
        assert_string_equal(seen.text[i], rows[i]);
    assert_int_equal(seen.n, n);
}

static void expect(const struct kit *kit, const struct vg_reference *reference,
                   const char *const *rows, size_t n)
{
    const struct given given = {.reference = reference};
    expect_of(kit, &given, rows, n);
}
#define EXPECT_OF(kit, given, ...)                                                                 \
    do {                                                                                           \
        static const char *const rows[] = {__VA_ARGS__};                                           \
        expect_of(kit, given, rows, COUNT(rows));                                                  \
    } while (0)
#define EXPECT(kit, reference, ...)                                                                \
    do {                                                                                           \
        static const char *const rows[] = {__VA_ARGS__};                                           \
        expect(kit, reference, rows, COUNT(rows));                                                 \
    } while (0)

static void start(struct kit *kit)
{
    kit_init(kit, "nulls", "delay");
    kit_column(kit, "id", "bigint", VG_KIND_NUMBER)->not_null = true;
    kit_column(kit, "at", "timestamp with time zone", VG_KIND_TIME);
    kit_column(kit, "delay", "double precision", VG_KIND_NUMBER);
}

static void test_without_reference(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "leg", "leg"};
    struct kit kit;
    start(&kit);
    expect(&kit, NULL, NULL, 0);
    struct vg_column_spec specs[] = {{.name = "*", .type = "text"},
                                     {.name = "delay", .type = "float4"},
                                     {.name = "at", .type = "timestamptz"},
                                     {.name = "gone"}};
    struct vg_rule rules[] = {{.column = "delay"},   {.column = "*"},    {.column = NULL},
                              {.column = "carrier"}, {.column = "gone"}, {.column = "carrier"}};
    kit.dataset.columns = specs;
    kit.dataset.ncolumns = COUNT(specs);
    kit.dataset.rules = rules;
    kit.dataset.nrules = COUNT(rules);
    kit.dataset.key = (struct vg_strings){keys, COUNT(keys)};
    kit.dataset.time_column = "when";
    EXPECT(&kit, NULL, "safe: column delay is double precision, not float4",
           "breaking: column gone is missing", "breaking: column carrier is missing",
           "breaking: column leg is missing", "breaking: column when is missing");
    kit_free(&kit);
}

static void test_against_the_reference(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    struct vg_reference_column known[] = {
        {.name = "id", .type = "bigint", .not_null = true},
        {.name = "at", .type = "timestamp with time zone"},
        {.name = "delay", .type = "double precision"},
    };
    struct vg_reference reference = {.columns = known, .ncolumns = 3};
    kit.dataset.time_column = "at";
    expect(&kit, &reference, NULL, 0);

    known[0].not_null = false;
    known[1].not_null = true;
    known[2].type = "text";
    known[2].kind = VG_KIND_TEXT;
    EXPECT(&kit, &reference, "safe: column id is now NOT NULL",
           "lossy: column at is no longer NOT NULL",
           "breaking: column delay is double precision, was text");
    kit.dataset.reference.kind = VG_REF_TABLE;
    EXPECT(&kit, &reference, "breaking: column delay is double precision, was text");

    /* A declared type overrides the reference's, whichever of them the table has. */
    struct vg_column_spec spec = {.name = "delay", .type = "float8"};
    kit.dataset.columns = &spec;
    kit.dataset.ncolumns = 1;
    expect(&kit, &reference, NULL, 0);
    spec.type = "integer"; /* it would hold every integer */
    EXPECT(&kit, &reference, "breaking: column delay is double precision, not integer");
    spec.type = "numeric(5,2)";
    EXPECT(&kit, &reference, "breaking: column delay is double precision, not numeric(5,2)");
    spec.type = "float8";

    known[1].name = "departed";
    EXPECT(&kit, &reference, "lossy: column departed is missing");
    kit.dataset.time_column = NULL; /* now nobody names it */
    EXPECT(&kit, &reference, "lossy: column departed is missing", "safe: column at is unexpected");
    static const char *const excluded[] = {"at"};
    kit.dataset.reference.exclude = (struct vg_strings){excluded, 1};
    EXPECT(&kit, &reference, "lossy: column departed is missing");
    kit_free(&kit);
}

static void test_told_once(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    struct vg_reference_column known[] = {{.name = "gone", .type = "text"}};
    struct vg_reference reference = {.columns = known, .ncolumns = 1};
    struct vg_column_spec spec = {.name = "gone", .type = "text"};
    struct vg_rule rule = {.column = "gone"};
    kit.dataset.columns = &spec;
    kit.dataset.ncolumns = 1;
    kit.dataset.rules = &rule;
    kit.dataset.time_column = "gone";
    EXPECT(&kit, &reference, "breaking: column gone is missing", "safe: column id is unexpected",
           "safe: column at is unexpected", "safe: column delay is unexpected");
    EXPECT(&kit, NULL, "breaking: column gone is missing");
    kit_free(&kit);
}

static void test_who_uses_a_column(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    struct vg_reference_column known[] = {{.name = "a", .type = "text", .kind = VG_KIND_TEXT},
                                          {.name = "b", .type = "integer", .kind = VG_KIND_NUMBER}};
    struct vg_reference reference = {.columns = known, .ncolumns = 2};
    kit.catalog.n = 0;
    EXPECT(&kit, &reference, "lossy: column a is missing", "lossy: column b is missing",
           "breaking: column delay is missing");
    struct vg_rule rules[] = {{.column = "*", .type = vg_check_find("ks")}};
    kit.dataset.rules = rules;
    EXPECT(&kit, &reference, "lossy: column a is missing", "breaking: column b is missing");
    rules[0].type = vg_check_find("nulls");
    EXPECT(&kit, &reference, "breaking: column a is missing", "breaking: column b is missing");
    kit_free(&kit);
}

static void copy_catalog(const struct kit *kit, struct vg_catalog *out,
                         struct vg_catalog_column columns[KIT_COLUMNS])
{
    *out = kit->catalog;
    memcpy(columns, kit->columns, sizeof kit->columns);
    out->columns = columns;
}

/* One column named by the file and one that is not, each kind of change. */
static void test_values_and_labels(void **state)
{
    (void)state;
    static const uint64_t three[] = {1, 2, 3}, four[] = {1, 4, 2, 3}, turned[] = {3, 2, 1},
                          two[] = {1, 9};
    struct kit kit;
    struct vg_catalog then;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &then, columns);
    const struct given given = {.then = &then};
    expect_of(&kit, &given, NULL, 0);
    kit.columns[0].value_hash = columns[1].value_hash = 5;
    kit.columns[2].value_hash = 5, columns[2].value_hash = 6;
    EXPECT_OF(&kit, &given, "safe: column id has a default now",
              "safe: column at has no default any more", "lossy: column delay has another default");
    kit.columns[2].generated = columns[2].generated = 's';
    kit.columns[0].identity = 'a', columns[1].identity = 'd';
    EXPECT_OF(&kit, &given, "safe: column id has a default now",
              "safe: column id is an identity now", "safe: column at has no default any more",
              "safe: column at is no longer an identity",
              "lossy: column delay is generated by another expression");
    kit_free(&kit);
    start(&kit);
    copy_catalog(&kit, &then, columns);
    kit.columns[0].generated = columns[1].generated = kit.columns[2].generated = 's';
    columns[2].generated = 'v';
    kit.columns[2].collation = "C", columns[2].collation = "default";
    EXPECT_OF(&kit, &given, "safe: column id is generated now",
              "safe: column at is no longer generated",
              "lossy: column delay is generated in another way",
              "lossy: column delay has another collation");
    kit_free(&kit);
    start(&kit);
    copy_catalog(&kit, &then, columns);
    for (size_t i = 0; i < 3; i++)
        columns[i].labels = three, columns[i].nlabels = 3;
    kit.columns[0].labels = four, kit.columns[0].nlabels = 4;
    kit.columns[1].labels = turned, kit.columns[1].nlabels = 3;
    kit.columns[2].labels = two, kit.columns[2].nlabels = 2;
    EXPECT_OF(&kit, &given, "safe: column id has more labels than it had",
              "safe: column at has its labels in another order",
              "breaking: column delay lost 2 of its 3 labels");
    kit.columns[2].nlabels = 0; /* no enum any more: its type tells */
    kit.columns[1].labels = kit.columns[0].labels = three;
    kit.columns[0].nlabels = 3;
    expect_of(&kit, &given, NULL, 0);
    struct vg_catalog_column moved = kit.columns[0];
    kit.columns[0] = kit.columns[2], kit.columns[2] = moved;
    EXPECT_OF(&kit, &given, "safe: column at stands elsewhere");
    kit_free(&kit);
}

static void test_constraints(void **state)
{
    (void)state;
    static const char *const id[] = {"id"}, *const delay[] = {"delay"}, *const gone[] = {"gone"};
    struct kit kit;
    struct vg_catalog then;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &then, columns);
    const struct given given = {.then = &then};
    struct vg_catalog_constraint was[] = {
        {'p', true, "t_pkey", 1, id, 1},   {'c', true, "late", 2, delay, 1},
        {'f', true, "known", 3, id, 1},    {'u', true, "lost", 4, gone, 1},
        {'c', true, "whole", 5, NULL, 0},  {'c', false, "never valid", 6, delay, 1},
        {'x', true, "apart", 7, delay, 1},
    };
    then.constraints = was;
    then.nconstraints = COUNT(was);
    struct vg_catalog_constraint now[COUNT(was)];
    memcpy(now, was, sizeof was);
    kit.catalog.constraints = now;
    kit.catalog.nconstraints = COUNT(now);
    expect_of(&kit, &given, NULL, 0);
    now[1].name = "renamed"; /* what it says counts */
    now[4].valid = false;
    now[6].hash = 70;
    EXPECT_OF(&kit, &given, "lossy: constraint whole is no longer validated",
              "lossy: constraint apart says something else");
    kit.catalog.nconstraints = 0;
    EXPECT_OF(&kit, &given, "safe: constraint t_pkey is gone", "lossy: constraint late is gone",
              "safe: constraint known is gone", "lossy: constraint whole is gone",
              "lossy: constraint never valid is gone", "lossy: constraint apart is gone");
    kit.dataset.key = (struct vg_strings){id, 1};
    then.nconstraints = 1;
    EXPECT_OF(&kit, &given, "breaking: constraint t_pkey is gone");
    then.nconstraints = 0;
    now[0].valid = false;
    kit.catalog.nconstraints = 2;
    EXPECT_OF(&kit, &given, "safe: constraint t_pkey is new and not validated",
              "safe: constraint renamed is new");
    kit_free(&kit);
}

/* After an upgrade the server may write the same expression in another way. */
static void test_expressions_of_another_server(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_catalog then;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &then, columns);
    kit.columns[2].value_hash = 5, columns[2].value_hash = 6;
    struct vg_catalog_constraint was = {'c', true, "late", 2, NULL, 0}, now = was;
    then.constraints = &was, kit.catalog.constraints = &now;
    then.nconstraints = kit.catalog.nconstraints = 1;
    now.hash = 3;
    const struct given given = {.then = &then};
    then.server_version = 140012, kit.catalog.server_version = 140003;
    EXPECT_OF(&kit, &given, "lossy: column delay has another default",
              "lossy: constraint late says something else");
    kit.catalog.server_version = 150000;
    expect_of(&kit, &given, NULL, 0);
    now.name = "other";
    EXPECT_OF(&kit, &given, "lossy: constraint late is gone", "safe: constraint other is new");
    kit_free(&kit);
}

static void test_last_look(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_catalog last;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &last, columns);
    struct given given = {.last = &last};
    expect_of(&kit, &given, NULL, 0);
    columns[0].name = "number";
    columns[1].not_null = true;
    columns[2].type = "text", columns[2].kind = VG_KIND_TEXT;
    kit.columns[2].not_null = kit.columns[2].unreadable = true;
    EXPECT_OF(&kit, &given, "lossy: column number is missing since the last look",
              "safe: column at is no longer NOT NULL since the last look",
              "breaking: column delay is double precision, was text at the last look",
              "safe: column delay is now NOT NULL since the last look",
              "breaking: column delay can no longer be read since the last look",
              "safe: column id is unexpected since the last look");
    /* The reference knows at and delay, and neither number nor id. */
    struct vg_reference_column known[] = {
        {.name = "at", .type = "timestamptz"},
        {.name = "delay", .type = "double precision", .not_null = true}};
    struct vg_reference reference = {.columns = known, .ncolumns = 2};
    given.reference = &reference;
    EXPECT_OF(&kit, &given, "breaking: column delay can no longer be read",
              "safe: column id is unexpected",
              "lossy: column number is missing since the last look");
    kit_free(&kit);
}

/* What the rule file computes is no column of the table: its structure does not hold it. */
static void test_computed_columns(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_catalog before;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &before, columns);
    before.n = 2;
    kit.dataset.nrules = 0;
    kit.columns[2].computed = true;
    const struct given last = {.last = &before};
    expect_of(&kit, &last, NULL, 0);
    kit.columns[2] = (struct vg_catalog_column){.name = "feature", .type = "text", .route = 1};
    expect_of(&kit, &last, NULL, 0);
    /* It is no longer computed; the reference had it. */
    struct vg_reference_column known[] = {{.name = "id", .type = "bigint", .not_null = true},
                                          {.name = "at", .type = "timestamptz"},
                                          {.name = "ratio", .type = "text"}};
    struct vg_reference reference = {.columns = known, .ncolumns = 3};
    struct given given = {.reference = &reference, .then = &before};
    kit.catalog.n = 2;
    expect_of(&kit, &given, NULL, 0);
    given.then = NULL;
    EXPECT_OF(&kit, &given, "lossy: column ratio is missing");
    kit_free(&kit);
}

static void test_row_security(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_catalog before;
    struct vg_catalog_column columns[KIT_COLUMNS];
    start(&kit);
    copy_catalog(&kit, &before, columns);
    const struct given none = {0}, then = {.then = &before}, last = {.last = &before};
    kit.catalog.row_security = true;
    EXPECT_OF(&kit, &none, "lossy: row-level security may hide rows from the role");
    EXPECT_OF(&kit, &then, "breaking: row-level security may hide rows from the role");
    EXPECT_OF(&kit, &last,
              "breaking: row-level security may hide rows from the role since the last look");
    before.row_security = true;
    expect_of(&kit, &then, NULL, 0);
    EXPECT_OF(&kit, &last, "lossy: row-level security may hide rows from the role");
    kit.catalog.row_security = false;
    expect_of(&kit, &none, NULL, 0);
    EXPECT_OF(&kit, &then, "lossy: row-level security no longer hides rows");
    EXPECT_OF(&kit, &last, "lossy: row-level security no longer hides rows since the last look");
    kit_free(&kit);
}

/* It is 2001-06-13, and rows of the next two days must have a partition. */
static void test_partitions(void **state)
{
    (void)state;
#define RANGE(from, to) "FOR VALUES FROM (" from ") TO (" to ")"
    static const struct {
        const char *bounds[3];
        const char *found;
    } rows[] = {
        {{NULL}, "breaking: no partition takes rows of 2001-06-13T00:00:00Z"},
        {{RANGE("'2001-06-01'", "'2001-07-01'")}, NULL},
        {{RANGE("'2001-06-01'", "'2001-06-15'")}, NULL},
        {{RANGE("'2001-06-01 00:00:00+00'", "'2001-06-15 00:00:00+00'")}, NULL},
        {{RANGE("'2001-06-01'", "'2001-06-14 12:00:00'")},
         "lossy: no partition takes rows of 2001-06-14T12:00:00Z"},
        {{RANGE("'2001-06-14'", "'2001-07-01'"), RANGE("'2001-06-13'", "'2001-06-14'")}, NULL},
        {{RANGE("'2001-06-14'", "'2001-07-01'")},
         "breaking: no partition takes rows of 2001-06-13T00:00:00Z"},
        {{RANGE("'2001-06-13'", "'2001-06-14'"), RANGE("'2001-06-14 06:00:00'", "'2001-07-01'")},
         "lossy: no partition takes rows of 2001-06-14T00:00:00Z"},
        {{RANGE("'2001-06-13'", "'2001-06-14'"), "DEFAULT"}, NULL},
        {{RANGE("MINVALUE", "'2001-06-14'"), RANGE("'2001-06-14'", "MAXVALUE")}, NULL},
        {{RANGE("'-infinity'", "'infinity'")}, NULL},
        {{RANGE("'2001-06-13', 4", "'2001-07-01', 'x'")}, NULL},
        {{RANGE("'2001-05-01'", "'2001-06-01'"), "FOR VALUES IN (1)"}, NULL}, /* not understood */
        {{RANGE("'99999-01-01'", "'0044-03-15 BC'")}, NULL},
        {{"FOR VALUES FROM ('2001-06-13"}, NULL},
        {{""}, NULL},
    };
    struct kit kit;
    start(&kit);
    struct given given = {.now_us = kit.evidence.now_us, .ahead_us = 2 * VG_DAY_US};
    given.now_us -= given.now_us % VG_DAY_US;
    kit.catalog.range_column = "at";
    kit.dataset.time_column = "at";
    for (size_t i = 0; i < COUNT(rows); i++) {
        kit.catalog.bounds = rows[i].bounds;
        for (kit.catalog.nbounds = 0; kit.catalog.nbounds < 3; kit.catalog.nbounds++) {
            if (!rows[i].bounds[kit.catalog.nbounds])
                break;
        }
        expect_of(&kit, &given, &rows[i].found, rows[i].found != NULL);
    }
    kit.catalog.nbounds = 0;
    kit.dataset.time_column = "delay"; /* it is partitioned by something else */
    expect_of(&kit, &given, NULL, 0);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_reference),
        cmocka_unit_test(test_against_the_reference),
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_who_uses_a_column),
        cmocka_unit_test(test_values_and_labels),
        cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_expressions_of_another_server),
        cmocka_unit_test(test_last_look),
        cmocka_unit_test(test_computed_columns),
        cmocka_unit_test(test_row_security),
        cmocka_unit_test(test_partitions),
    };
    return cmocka_run_group_tests_name("check_schema_diff", tests, NULL, NULL);
}
