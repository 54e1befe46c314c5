/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_lookup.c and its statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks/ask_lookup.h"
#include "tests/unit/ask_kit.h"

static void start(struct ask_kit *kit, const char *column, const char *table)
{
    ask_kit_init(kit, "lookup", column);
    *(const char **)ask_kit_param(kit, "table") = table;
}

static void test_names_of_tables(void **state)
{
    (void)state;
    static const struct {
        const char *written, *quoted; /* NULL: refused */
    } rows[] = {
        {"ml.flights", "\"ml\".\"flights\""},
        {"ML.Flights_2$", "\"ml\".\"flights_2$\""},
        {"\"My Schema\".\"T.\"\"x\"\"\"", "\"My Schema\".\"T.\"\"x\"\"\""},
        {"ml.\"a; DROP TABLE x --\"", "\"ml\".\"a; DROP TABLE x --\""},
        {"fl\303\274ge.t", "\"fl\303\274ge\".\"t\""},
        {"flights", NULL},
        {"a.b.c", NULL},
        {"", NULL},
        {".", NULL},
        {"ml.", NULL},
        {"ml.flights x", NULL},
        {"ml.\"t", NULL},
        {"ml.t; --", NULL},
        {"\"\".t", NULL},
        {"ml.(SELECT 1)", NULL},
        {"ml.a234567890123456789012345678901234567890123456789012345678901234", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vg_buf buf;
        assert_int_equal(!vg_ask_table_fault(rows[i].written), rows[i].quoted != NULL);
        if (!rows[i].quoted)
            continue;
        vg_buf_init(&buf, 1000);
        vg_ask_put_table(&buf, rows[i].written);
        assert_string_equal(buf.data, rows[i].quoted);
        vg_buf_free(&buf);
    }
}

static void test_one_connection(void **state)
{
    (void)state;
    static const char *const theirs[] = {"co\"de"};
    struct ask_kit kit;
    start(&kit, "origin", "ml.airports");
    ask_kit_list(&kit, "columns", theirs, 1);
    assert_string_equal(
        ask_kit_next(&kit),
        "WITH d AS (SELECT \"origin\" AS c1, pg_catalog.count(*) AS n,"
        " pg_catalog.min(pg_catalog.left(pg_catalog.concat_ws(', ',"
        " coalesce(\"id\"::pg_catalog.text, 'null')), 100) COLLATE pg_catalog.\"C\") AS k\n"
        "FROM \"ml\".\"flights\"\n"
        "WHERE \"at\" >= '2001-06-12T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND \"at\" < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND (\n\"origin\" IS NOT NULL\n)\n"
        "GROUP BY \"origin\"),\n"
        "m AS (SELECT n, k FROM d WHERE NOT EXISTS (SELECT 1 FROM \"ml\".\"airports\" AS r"
        " WHERE r.\"co\"\"de\" = d.c1))\n"
        "SELECT 0 AS o, (SELECT coalesce(pg_catalog.sum(n), 0) FROM d) AS tested,"
        " (SELECT coalesce(pg_catalog.sum(n), 0) FROM m) AS offending,\n"
        "  (SELECT pg_catalog.count(*) FROM m) AS groups, NULL::pg_catalog.text AS k\n"
        "UNION ALL (SELECT 1, NULL, n, NULL, k FROM m ORDER BY k LIMIT 10)\nORDER BY o, k");
    *(const char **)ask_kit_param(&kit, "connection") = "warehouse"; /* the dataset's own */
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "NOT EXISTS");
    assert_null(kit.connection);
    ask_kit_answer(
        &kit, (const char *const[]){"0", "8", "2", "1", NULL, "1", NULL, "2", NULL, "17"}, 2, 5);
    assert_string_equal(ask_kit_next(&kit), "");
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 0.25,
                     "2 of 8 rows hold one of 1 value that ml.airports does not have");
    assert_int_equal(measure->nkeys, 1);
    kit.nanswers = 0;
    kit.base.dataset.private_keys = true;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "NULL::pg_catalog.text AS k\nFROM");
    assert_null(strstr(kit.text, "UNION ALL"));
    ask_kit_free(&kit);
}

static void test_two_connections(void **state)
{
    (void)state;
    static const char *const distinct[] = {
        "0", "3", "8",  "20", NULL, NULL,  "1", "5", NULL, NULL, "17", "O'Hare",
        "2", "2", NULL, NULL, "18", "a\\", "3", "1", NULL, NULL, "19", "'); DROP TABLE x; --"};
    static const char *const missing[] = {"2", "3"};
    static const char *const theirs[] = {"code"};
    struct ask_kit kit;
    start(&kit, "origin", "ref.airports");
    ask_kit_list(&kit, "columns", theirs, 1);
    *(const char **)ask_kit_param(&kit, "connection") = "other";
    assert_non_null(strstr(ask_kit_next(&kit), "(\"origin\")::pg_catalog.text AS c1"));
    ask_kit_holds(&kit, "s.n <= 9999 AND s.bytes <= 1000000");
    assert_null(kit.connection);
    ask_kit_answer(&kit, distinct, 4, 6);
    assert_string_equal(
        ask_kit_next(&kit),
        "SELECT v.i FROM (SELECT i, c1::pg_catalog.text AS c1 FROM (VALUES (1, 'O''Hare'),"
        " (2, E'a\\\\'), (3, '''); DROP TABLE x; --')) AS x(i, c1)) AS v\n"
        "WHERE NOT EXISTS (SELECT 1 FROM \"ref\".\"airports\" AS r WHERE \"code\" = v.c1)\n"
        "ORDER BY v.i");
    assert_string_equal(kit.connection, "other");
    ask_kit_answer(&kit, missing, 2, 1);
    assert_string_equal(ask_kit_next(&kit), "");
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 3.0 / 8,
                     "3 of 8 rows hold one of 2 values that ref.airports does not have");
    assert_int_equal(measure->nkeys, 2);
    assert_string_equal(measure->keys[1], "19");
    static const char *const odd[] = {"99", "-1"}; /* places that there are not */
    kit.answers[1] = (struct vg_rows){2, 1, odd};
    assert_true(ask_kit_measure(&kit)->value == 0);
    ask_kit_free(&kit);
}

static void test_too_many_and_none(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, "origin", "ref.airports");
    *(const char **)ask_kit_param(&kit, "connection") = "other";
    ask_kit_answer(&kit, (const char *const[]){"0", "20000", "90000", "5", NULL, NULL}, 1, 6);
    assert_string_equal(ask_kit_next(&kit), "");
    kit_assert_skipped(ask_kit_measure(&kit), VG_UNKNOWN, "20000 distinct values are too many");
    kit.answers[0] = (struct vg_rows){1, 6, (const char *const[]){"0", "0", "0", "0", NULL, NULL}};
    assert_string_equal(ask_kit_next(&kit), "");
    assert_true(ask_kit_measure(&kit)->n_now == 0);
    ask_kit_free(&kit);
}

static void test_types_that_travel(void **state)
{
    (void)state;
    static const char *const own[] = {"id", "at", "delay", "extra"};
    static const char *const cells[] = {
        "0",   "1", "1", "9",  NULL, NULL, NULL, NULL,
        NULL,  "1", "1", NULL, NULL, NULL, "5",  "2001-06-12 00:00:00+00",
        "0.5", "{}"};
    struct vg_column_spec secret = {.name = "delay", .is_private = true};
    struct ask_kit kit;
    start(&kit, NULL, "ref.t");
    ask_kit_list(&kit, "own", own, 4);
    *(const char **)ask_kit_param(&kit, "connection") = "other";
    ask_kit_answer(&kit, cells, 2, 9);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "SELECT i, c1::pg_catalog.int8 AS c1, c2::pg_catalog.timestamptz AS c2,"
                        " c3::pg_catalog.float8 AS c3, c4 AS c4 FROM");
    ask_kit_holds(&kit, "\"id\" = v.c1 AND \"at\" = v.c2 AND \"delay\" = v.c3 AND"
                        " \"extra\"::pg_catalog.text = v.c4");
    kit.base.dataset.columns = &secret;
    kit.base.dataset.ncolumns = 1;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "SELECT i, c1 AS c1, c2 AS c2, c3 AS c3, c4 AS c4 FROM");
    ask_kit_holds(&kit, "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to("
                        "\"delay\"::pg_catalog.text, 'UTF8')), 'hex') = v.c3");
    kit.nanswers = 0;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to("
                        "\"delay\"::pg_catalog.text, 'UTF8')), 'hex'))::pg_catalog.text AS c3");
    ask_kit_free(&kit);
}

/* json has no equality: it is grouped and compared as text, jsonb is not. */
static void test_types_without_equality(void **state)
{
    (void)state;
    static const char *const own[] = {"extra"};
    for (int json = 0; json < 2; json++) {
        const char *cast = json ? "::pg_catalog.text" : "";
        char words[200];
        struct ask_kit kit;
        start(&kit, NULL, "ref.t");
        ask_kit_list(&kit, "own", own, 1);
        for (size_t i = 0; i < kit.base.catalog.n; i++) {
            if (json && !strcmp(kit.base.columns[i].name, "extra"))
                kit.base.columns[i].wire_oid = 114;
        }
        ask_kit_next(&kit);
        snprintf(words, sizeof words, "WITH d AS (SELECT \"extra\"%s AS c1, ", cast);
        ask_kit_holds(&kit, words);
        snprintf(words, sizeof words, "GROUP BY \"extra\"%s),", cast);
        ask_kit_holds(&kit, words);
        snprintf(words, sizeof words, "r.\"extra\"%s = d.c1", cast);
        ask_kit_holds(&kit, words);
        *(const char **)ask_kit_param(&kit, "connection") = "other";
        ask_kit_next(&kit);
        snprintf(words, sizeof words, "GROUP BY \"extra\"%s),", cast);
        ask_kit_holds(&kit, words);
        ask_kit_free(&kit);
    }
}

static void test_faults(void **state)
{
    (void)state;
    static const char *const two[] = {"a", "b"};
    struct ask_kit kit;
    start(&kit, NULL, "flights");
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_holds(&kit, "search_path");
    ask_kit_free(&kit);
    start(&kit, NULL, "ml.flights");
    ask_kit_list(&kit, "own", two, 2);
    assert_int_equal(ask_kit_faults(&kit), 0);
    ask_kit_list(&kit, "columns", two, 1);
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_holds(&kit, "each of our columns needs one");
    ask_kit_free(&kit);
    start(&kit, "origin", "ml.flights");
    assert_int_equal(ask_kit_faults(&kit), 0);
    ask_kit_list(&kit, "own", two, 1);
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_tables),
        cmocka_unit_test(test_one_connection),
        cmocka_unit_test(test_two_connections),
        cmocka_unit_test(test_too_many_and_none),
        cmocka_unit_test(test_types_that_travel),
        cmocka_unit_test(test_types_without_equality),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("check_lookup", tests, NULL, NULL);
}
