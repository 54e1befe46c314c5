/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of statements, and that bounds are converted for naive columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sql.h"

static const struct vg_zone_step step = {INT64_MIN, 2 * VG_HOUR_US};
static const struct vg_zone plus_two = {"Etc/GMT-2", &step, 1};
static struct vg_catalog_column columns[] = {
    {.name = "at", .quoted = "\"at\"", .wire_oid = 1184, .kind = VG_KIND_TIME},
    {.name = "id", .quoted = "id", .wire_oid = 20, .kind = VG_KIND_NUMBER},
};
static const struct vg_catalog catalog = {
    .relkind = 'r', .quoted = "ml.\"My Table\"", .columns = columns, .n = 2};
static const char *const key_items[] = {"id"};

static struct vg_dataset dataset = {.id = "d", .time_column = "at", .zone = &plus_two};
static const struct vg_window window = {0, VG_DAY_US, false};

static struct vg_rows_of make_rows(uint32_t wire_oid)
{
    columns[0].wire_oid = wire_oid;
    return (struct vg_rows_of){
        .dataset = &dataset, .catalog = &catalog, .time = &columns[0], .range = &window};
}

static void test_copy(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        const char *bounds;
    } cases[] = {
        {1184, "\"at\" >= '1970-01-01T00:00:00Z'::pg_catalog.timestamptz\n"
               "  AND \"at\" < '1970-01-02T00:00:00Z'::pg_catalog.timestamptz"},
        {1114, "\"at\" >= '1970-01-01T02:00:00'::pg_catalog.timestamp\n"
               "  AND \"at\" < '1970-01-02T02:00:00'::pg_catalog.timestamp"},
        {1082, "\"at\" >= '1970-01-01'::pg_catalog.date\n"
               "  AND \"at\" < '1970-01-02'::pg_catalog.date"},
    };
    const char *const items[] = {"id", "\"at\""};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_rows_of rows = make_rows(cases[i].oid);
        char expect[400];
        snprintf(
            expect, sizeof expect,
            "COPY (SELECT id, \"at\"\nFROM ml.\"My Table\"\nWHERE %s) TO STDOUT (FORMAT binary)",
            cases[i].bounds);
        assert_string_equal(vg_sql_copy(&rows, items, 2, false, arena), expect);
        vg_arena_free(arena);
    }
}

/* A filter that ends in a comment or holds quotes stays inside its own lines and parentheses. */
static void test_filter(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_rows_of rows = make_rows(1184);
    rows.range = NULL;
    dataset.filter = "kind = 'a' -- only these";
    rows.filter = "b OR c";
    assert_string_equal(vg_sql_count(&rows, arena),
                        "SELECT pg_catalog.count(*)\nFROM ml.\"My Table\"\nWHERE (\nkind = 'a' -- "
                        "only these\n)\n  AND (\nb OR c\n)");
    dataset.filter = NULL;
    vg_arena_free(arena);
}

static void test_sample(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_rows_of rows = make_rows(1184);
    const char *const items[] = {"id"};
    rows.sample_percent = 25;
    rows.range = NULL;
    const char *blocks = vg_sql_copy(&rows, items, 1, false, arena);
    assert_non_null(strstr(blocks, "TABLESAMPLE BERNOULLI (25)"));
    dataset.key = (struct vg_strings){key_items, 1};
    const char *hashed = vg_sql_copy(&rows, items, 1, false, arena);
    assert_null(strstr(hashed, "TABLESAMPLE"));
    assert_non_null(strstr(hashed, "& 1048575) < 262144"));
    assert_null(strstr(vg_sql_count(&rows, arena), "1048575")); /* volume counts exactly */
    dataset.key = (struct vg_strings){0};
    vg_arena_free(arena);
}

static void test_newest(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_rows_of rows = make_rows(1114);
    const char *sql = vg_sql_newest(&rows, 0, arena);
    assert_non_null(strstr(sql, "\"at\" <= '1970-01-01T02:00:00'::pg_catalog.timestamp"));
    assert_non_null(strstr(sql, "> '-infinity'"));
    assert_int_equal(vg_sql_instant(&rows, 2 * VG_HOUR_US), 0); /* its wall clock back */
    rows = make_rows(1184);
    assert_int_equal(vg_sql_instant(&rows, 5), 5);
    vg_arena_free(arena);
}

static void test_condition(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
    } cases[] = {
        {"a > 1", true},
        {"(a > 1) OR (b IN (1, 2))", true},
        {"kind = ')' -- only :) these", true},
        {"kind = 'it''s (' /* ( /* nested */ ( */", true},
        {"\"odd)name\" IS NULL", true},
        {"x = E'\\')' AND y", true},
        {"x = $t$ ) ' $t$", true},
        {"x = $\xc3\xa9$ ) ' $\xc3\xa9$", true},
        {"x = $1 AND a$b$c > 1", true},
        {"f(a, b)", true},
        {"1=1) or (1=1", false},
        {"true), true, (true", false},
        {"true, true", false},
        {"(a > 1", false},
        {"a > 1; drop table t", false},
        {"kind = 'open", false},
        {"a > 1 /* open", false},
        {"x = $t$ open", false},
        {"x = $\xc3\xa9$ ' $\xc3\xa9$) OR (y = $t$ ' $t$", false},
        {"x = '\\' ) OR '1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if ((vg_sql_condition_fault(cases[i].text) == NULL) != cases[i].fine)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),      cmocka_unit_test(test_filter),
        cmocka_unit_test(test_sample),    cmocka_unit_test(test_newest),
        cmocka_unit_test(test_condition),
    };
    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
