/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_metric.c, checks/check_failing.c and their statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/ask_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define FROM     "'2001-06-12T00:00:00Z'::pg_catalog.timestamptz"
#define UNTIL    "'2001-06-13T00:00:00Z'::pg_catalog.timestamptz"

static void start(struct ask_kit *kit, const char *check, const char *sql)
{
    ask_kit_init(kit, check, NULL);
    *(const char **)ask_kit_param(kit, "sql") = sql;
}

static void test_placeholders(void **state)
{
    (void)state;
    static const struct {
        const char *written, *sent;
    } rows[] = {
        {"SELECT 1", "SELECT 1"},
        {"SELECT max(x) FROM :table WHERE at>=:from AND at<:until",
         "SELECT max(x) FROM \"ml\".\"flights\" WHERE at>=" FROM " AND at<" UNTIL},
        {"SELECT x::from, a[1:from], ':from', \":until\", $$:table$$ -- :from",
         "SELECT x::from, a[1:from], ':from', \":until\", $$:table$$ -- :from"},
        {"SELECT :from/* :until */+:untilled+:from_x+:FROM",
         "SELECT " FROM "/* :until */+:untilled+:from_x+:FROM"},
        {"SELECT E'\\':from', (:from)", "SELECT E'\\':from', (" FROM ")"},
        {":from:until", FROM ":until"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ask_kit kit;
        start(&kit, "metric", rows[i].written);
        ask_kit_next(&kit);
        assert_int_equal(strncmp(kit.text, "SELECT * FROM (\n", 16), 0);
        size_t n = strlen(rows[i].sent);
        assert_int_equal(strncmp(kit.text + 16, rows[i].sent, n), 0);
        assert_string_equal(kit.text + 16 + n, "\n) AS q\nLIMIT 2");
        ask_kit_free(&kit);
    }
}

/* What stands in quotes is sent as it is, which nobody means. */
static void test_placeholders_in_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *said;
    } rows[] = {
        {"SELECT count(*) FROM :table WHERE at >= ':from'", "x: :from stands in quotes"},
        {"SELECT '[:from,:until)'::tstzrange", "x: :from stands in quotes"},
        {"SELECT E'\\':until'", "x: :until stands in quotes"},
        {"SELECT count(*) FROM \":table\"", "x: :table stands in quotes"},
        {"SELECT $a$ :until $a$", "x: :until stands in quotes"},
        {"SELECT count(*) FROM :table WHERE at >= :from -- not ':from'", NULL},
        {"SELECT 1 /* ':from' */", NULL},
        {"SELECT 'a::from', '::table', ':from_x', 'x:from'", NULL},
        {"SELECT ':from", NULL}, /* never closed: said by the lookup */
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        struct ask_kit kit;
        struct vg_diags diags = {0};
        start(&kit, i % 2 ? "failing" : "metric", rows[i / 2].sql);
        kit.base.rule.id = "x";
        kit.base.rule.loc = (struct vg_loc){"f.yaml", 7, 3};
        kit.base.rule.type->validate(&kit.base.rule, &diags);
        assert_int_equal(diags.n, rows[i / 2].said != NULL);
        if (diags.n) {
            assert_non_null(strstr(diags.items[0].msg, rows[i / 2].said));
            assert_non_null(diags.items[0].hint);
            assert_int_equal(diags.items[0].loc.line, 7);
        }
        vg_diags_free(&diags);
        ask_kit_free(&kit);
    }
}

static void test_no_window(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, "metric", "SELECT ':from'");
    kit.rows.range = NULL;
    kit.rows.time = NULL;
    ask_kit_next(&kit);
    *(const char **)ask_kit_param(&kit, "sql") = "SELECT :until";
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    assert_non_null(strstr(kit.base.err.msg, ":until has no value"));
    ask_kit_free(&kit);
}

static void test_one_number(void **state)
{
    (void)state;
    static const struct {
        const char *cells[2];
        size_t nrows, ncols;
        enum vg_verdict look;
        double value;
        const char *why;
    } rows[] = {
        {{"12.5"}, 1, 1, VG_PASS, 12.5, "12.5"},
        {{"-1e3"}, 1, 1, VG_PASS, -1000, "-1000"},
        {{NULL}, 1, 1, VG_NODATA, NAN, "the statement returns NULL"},
        {{"abc"}, 1, 1, VG_UNKNOWN, NAN, "what the statement returns is not a number"},
        {{"t"}, 1, 1, VG_UNKNOWN, NAN, "is not a number"},
        {{"NaN"}, 1, 1, VG_UNKNOWN, NAN, "is not a number"},
        {{"Infinity"}, 1, 1, VG_UNKNOWN, NAN, "is not a number"},
        {{"1", "2"}, 2, 1, VG_UNKNOWN, NAN, "more than one row"},
        {{"1", "2"}, 1, 2, VG_UNKNOWN, NAN, "more than one column"},
        {{NULL}, 0, 1, VG_UNKNOWN, NAN, "no row"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ask_kit kit;
        start(&kit, "metric", "SELECT 1");
        ask_kit_answer(&kit, rows[i].cells, rows[i].nrows, rows[i].ncols);
        assert_string_equal(ask_kit_next(&kit), "");
        const struct vg_measure *measure = ask_kit_measure(&kit);
        kit_assert_skipped(measure, rows[i].look, rows[i].why);
        assert_true(isnan(rows[i].value) ? isnan(measure->value) : measure->value == rows[i].value);
        assert_null(strstr(measure->why, "abc"));
        ask_kit_free(&kit);
    }
}

static void test_failing_rows(void **state)
{
    (void)state;
    struct vg_column_spec secret = {.name = "delay", .is_private = true};
    static const char *const cells[] = {"0", "3", NULL, "1", NULL, "17", "1", NULL, "19"};
    struct ask_kit kit;
    start(&kit, "failing", "SELECT id, x FROM :table");
    assert_string_equal(
        ask_kit_next(&kit),
        "WITH q (k) AS (SELECT * FROM (\nSELECT id, x FROM \"ml\".\"flights\"\n) AS x)\n"
        "SELECT 0 AS o, pg_catalog.count(*) AS n, NULL::pg_catalog.text AS k FROM q\n"
        "UNION ALL (SELECT 1, NULL, pg_catalog.left(q.k::pg_catalog.text, 100) FROM q\n"
        "ORDER BY 3 LIMIT 10)\nORDER BY o, k");
    ask_kit_answer(&kit, cells, 3, 3);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 3, "3 failing rows");
    assert_int_equal(measure->nkeys, 2);
    assert_string_equal(measure->keys[1], "19");
    kit.nanswers = 0;
    kit.base.dataset.columns = &secret; /* nobody knows what the first column holds */
    kit.base.dataset.ncolumns = 1;
    assert_string_equal(
        ask_kit_next(&kit),
        "WITH q AS (SELECT * FROM (\nSELECT id, x FROM \"ml\".\"flights\"\n) AS x)\n"
        "SELECT 0 AS o, pg_catalog.count(*) AS n, NULL::pg_catalog.text AS k"
        " FROM q");
    ask_kit_answer(&kit, (const char *const[]){"0", "1", NULL}, 1, 3);
    kit_assert_found(ask_kit_measure(&kit), 1, "1 failing row");
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_placeholders), cmocka_unit_test(test_placeholders_in_quotes),
        cmocka_unit_test(test_no_window),    cmocka_unit_test(test_one_number),
        cmocka_unit_test(test_failing_rows),
    };
    return cmocka_run_group_tests_name("check_metric", tests, NULL, NULL);
}
