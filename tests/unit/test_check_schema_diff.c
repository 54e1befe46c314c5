/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema_diff.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "checks/check_schema_diff.h"
#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { MOST = 32 };
struct seen {
    size_t n;
    char text[MOST][96];
};

static void see(void *arg, const struct vg_schema_difference *d)
{
    static const char *const names[] = {"missing", "unexpected", "type", "nullability"};
    struct seen *seen = arg;
    assert_true(seen->n < MOST);
    char *out = seen->text[seen->n++];
    if (d->kind == VG_SCHEMA_TYPE)
        snprintf(out, 96, "type %s: %s, %s %s", d->column, d->is, d->declared ? "declared" : "was",
                 d->wanted);
    else
        snprintf(out, 96, "%s %s%s", names[d->kind], d->column, d->not_null ? " now" : "");
}

static void expect(const struct kit *kit, const struct vg_reference *reference,
                   const char *const *rows, size_t n)
{
    struct seen seen = {0};
    vg_schema_compare(&kit->dataset, &kit->catalog, reference, see, &seen);
    for (size_t i = 0; i < n && i < seen.n; i++)
        assert_string_equal(seen.text[i], rows[i]);
    assert_int_equal(seen.n, n);
}
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
    EXPECT(&kit, NULL, "type delay: double precision, declared float4", "missing gone",
           "missing carrier", "missing leg", "missing when");
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
    known[2].type = "integer";
    EXPECT(&kit, &reference, "nullability id now", "nullability at",
           "type delay: double precision, was integer");
    kit.dataset.reference.kind = VG_REF_TABLE;
    EXPECT(&kit, &reference, "type delay: double precision, was integer");

    /* A declared type overrides the reference's, whichever of them the table has. */
    struct vg_column_spec spec = {.name = "delay", .type = "float8"};
    kit.dataset.columns = &spec;
    kit.dataset.ncolumns = 1;
    expect(&kit, &reference, NULL, 0);
    spec.type = "integer";
    EXPECT(&kit, &reference, "type delay: double precision, declared integer");

    known[1].name = "departed";
    EXPECT(&kit, &reference, "missing departed", "type delay: double precision, declared integer");
    kit.dataset.time_column = NULL; /* now nobody names it */
    EXPECT(&kit, &reference, "missing departed", "type delay: double precision, declared integer",
           "unexpected at");
    static const char *const excluded[] = {"at"};
    kit.dataset.reference.exclude = (struct vg_strings){excluded, 1};
    EXPECT(&kit, &reference, "missing departed", "type delay: double precision, declared integer");
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
    EXPECT(&kit, &reference, "missing gone", "unexpected id", "unexpected at", "unexpected delay");
    EXPECT(&kit, NULL, "missing gone");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_reference),
        cmocka_unit_test(test_against_the_reference),
        cmocka_unit_test(test_told_once),
    };
    return cmocka_run_group_tests_name("check_schema_diff", tests, NULL, NULL);
}
