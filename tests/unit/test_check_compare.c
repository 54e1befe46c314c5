/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_compare.c, its statements and the reading of their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/ask_compare.h"
#include "tests/unit/ask_kit.h"

static const char *const valued[] = {"delay", "origin"};

static void start(struct ask_kit *kit, int what)
{
    ask_kit_init(kit, "compare", NULL);
    *(const char **)ask_kit_param(kit, "with") = "off.flights";
    *(int *)ask_kit_param(kit, "what") = what;
    if (what == VG_ASK_SUMS || what == VG_ASK_VALUES)
        ask_kit_list(kit, "columns", valued, what == VG_ASK_SUMS ? 1 : 2);
}

static void go_elsewhere(struct ask_kit *kit)
{
    *(const char **)ask_kit_param(kit, "connection") = "other";
}

static void test_totals(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, VG_ASK_SUMS);
    *(const char **)ask_kit_param(&kit, "time_column") = "seen\"at";
    *(const char **)ask_kit_param(&kit, "filter") = "ok -- only";
    kit.base.rule.where = "delay > 0";
    assert_string_equal(
        ask_kit_next(&kit),
        "SELECT * FROM (SELECT pg_catalog.count(*), pg_catalog.sum(\"delay\")::pg_catalog.float8\n"
        "FROM \"ml\".\"flights\"\n"
        "WHERE \"at\" >= '2001-06-12T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND \"at\" < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND (\ndelay > 0\n)) AS a, "
        "(SELECT pg_catalog.count(*), pg_catalog.sum(\"delay\")::pg_catalog.float8\n"
        "FROM \"off\".\"flights\"\n"
        "WHERE \"seen\"\"at\" >= '2001-06-12T00:00:00+00:00:00' AND "
        "\"seen\"\"at\" < '2001-06-13T00:00:00+00:00:00' AND"
        " pg_catalog.isfinite(\"seen\"\"at\") AND (\nok -- only\n))"
        " AS b");
    ask_kit_answer(&kit, (const char *const[]){"10", "50", "20", "40"}, 1, 4);
    assert_string_equal(ask_kit_next(&kit), "");
    kit_assert_found(ask_kit_measure(&kit), 0.2, "the sums of delay differ most");
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"10", "50", "10", "50.00000001"}};
    kit_assert_found(ask_kit_measure(&kit), 0, "the sums of 1 column are equal");
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"0", NULL, "0", NULL}};
    kit_assert_found(ask_kit_measure(&kit), 0, "the sums of 1 column are equal");
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"1", "0", "0", NULL}};
    kit_assert_found(ask_kit_measure(&kit), 1, "the sums of delay differ most");
    ask_kit_free(&kit);
}

/* Sums that are no finite numbers cannot be compared; those that are none at all can. */
static void test_odd_sums(void **state)
{
    (void)state;
    static const struct {
        const char *ours, *theirs;
        double value; /* -1: unknown */
    } rows[] = {
        {NULL, NULL, 0},        {NULL, "0", 1},
        {"3", NULL, 1},         {"NaN", "NaN", -1},
        {"Infinity", NULL, -1}, {"Infinity", "Infinity", -1},
        {"-Infinity", "5", -1}, {"5", "NaN", -1},
        {NULL, "NaN", -1},      {"1.7e308", "-1.7e308", 2},
        {"0", "-0", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const cells[] = {"2", rows[i].ours, "3", rows[i].theirs};
        struct ask_kit kit;
        start(&kit, VG_ASK_SUMS);
        ask_kit_answer(&kit, cells, 1, 4);
        const struct vg_measure *measure = ask_kit_measure(&kit);
        if (rows[i].value >= 0) {
            assert_int_equal(measure->look, VG_PASS);
            assert_true(measure->value == rows[i].value);
        } else {
            kit_assert_skipped(measure, VG_UNKNOWN, "the sum of delay: NaN or infinite");
            assert_true(isnan(measure->value) && measure->n_now == 2 && measure->n_ref == 3);
        }
        ask_kit_free(&kit);
    }
}

static void test_rows_of_two_connections(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, VG_ASK_ROWS);
    go_elsewhere(&kit);
    assert_int_equal(strncmp(ask_kit_next(&kit), "SELECT pg_catalog.count(*)\nFROM \"ml\"", 34), 0);
    assert_null(kit.connection);
    ask_kit_answer(&kit, (const char *const[]){"90"}, 1, 1);
    assert_string_equal(ask_kit_next(&kit), "SELECT pg_catalog.count(*)\nFROM \"off\".\"flights\"");
    assert_string_equal(kit.connection, "other");
    ask_kit_answer(&kit, (const char *const[]){"100"}, 1, 1);
    assert_string_equal(ask_kit_next(&kit), "");
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 0.1, "90 rows here, 100 there");
    assert_true(measure->n_ref == 100);
    ask_kit_free(&kit);
}

static void test_keys_of_one_connection(void **state)
{
    (void)state;
    static const char *const cells[] = {"0", "20", "3", "1", NULL, "1", NULL, NULL, NULL, "7"};
    static const struct {
        int missing;
        const char *wrong, *why;
    } rows[] = {{VG_ASK_EITHER, "WHERE NOT (ours AND theirs))", "3 of 20 keys on one side only"},
                {VG_ASK_THEIRS, "WHERE NOT theirs),\n", "3 of 20 keys missing there"},
                {VG_ASK_OURS, "WHERE NOT ours)", "3 of 20 keys missing here"}};
    for (size_t i = 0; i < 3; i++) {
        struct ask_kit kit;
        start(&kit, VG_ASK_KEYS);
        *(int *)ask_kit_param(&kit, "missing") = rows[i].missing;
        ask_kit_next(&kit);
        ask_kit_holds(&kit, rows[i].wrong);
        ask_kit_holds(&kit, "FROM (SELECT DISTINCT \"id\" AS k1, true AS h\nFROM \"ml\"");
        ask_kit_holds(&kit, "FULL JOIN (SELECT DISTINCT \"id\" AS k1, true AS h\nFROM \"off\"."
                            "\"flights\"\nWHERE \"id\" IS NOT NULL) AS b ON a.k1 = b.k1");
        ask_kit_answer(&kit, cells, 2, 5);
        const struct vg_measure *measure = ask_kit_measure(&kit);
        kit_assert_found(measure, 0.15, rows[i].why);
        assert_int_equal(measure->nkeys, 1);
        kit.nanswers = 0;
        kit.base.dataset.private_keys = true;
        assert_null(strstr(ask_kit_next(&kit), "UNION ALL"));
        ask_kit_free(&kit);
    }
}

static void test_keys_of_two_connections(void **state)
{
    (void)state;
    static const char *const ours[] = {"0", "2", "55", "3", "5", "9", "8191", "1", "-4"};
    static const char *const theirs[] = {"0", "2", "55", "3",    "4", "8",
                                         "9", "2", "2",  "8191", "1", "5"};
    struct ask_kit kit;
    start(&kit, VG_ASK_KEYS);
    go_elsewhere(&kit);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "SELECT h & 8191 AS b, pg_catalog.count(*), pg_catalog.sum(h)");
    ask_kit_holds(&kit, "FROM (SELECT \"id\" AS k1\nFROM \"ml\".\"flights\"");
    ask_kit_answer(&kit, ours, 3, 3);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "FROM (SELECT \"id\" AS k1\nFROM \"off\".\"flights\"");
    ask_kit_answer(&kit, theirs, 4, 3);
    assert_string_equal(ask_kit_next(&kit), "");
    /* bucket 3: one of ours; 9: two of theirs; 8191: one of each. 8 + 3 keys in all. */
    kit_assert_found(ask_kit_measure(&kit), 5.0 / 11,
                     "at least 5 of 11 keys on one side only, by hashes on two connections");
    *(int *)ask_kit_param(&kit, "missing") = VG_ASK_THEIRS;
    kit_assert_found(ask_kit_measure(&kit), 2.0 / 11,
                     "at least 2 of 11 keys missing there, by hashes on two connections");
    *(int *)ask_kit_param(&kit, "missing") = VG_ASK_EITHER;
    kit.answers[1] = kit.answers[0];
    kit_assert_found(ask_kit_measure(&kit), 0,
                     "0 of 8 keys on one side only, by hashes on two connections");
    static const char *const odd[] = {"-1", "2", "55", "8192", "4", "8", NULL, "2", "2"};
    kit.answers[0] = kit.answers[1] = (struct vg_rows){3, 3, odd};
    assert_true(ask_kit_measure(&kit)->n_now == 0);
    kit.base.dataset.private_keys = true;
    kit.nanswers = 1;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pg_catalog.sha256(pg_catalog.convert_to(\"id\"::pg_catalog.text");
    ask_kit_free(&kit);
}

static void test_values_of_one_connection(void **state)
{
    (void)state;
    static const char *const cells[] = {"0", "20", "3",  "0",  NULL, "1",  "2",
                                        "1", NULL, NULL, NULL, "7",  NULL, NULL};
    struct ask_kit kit;
    start(&kit, VG_ASK_VALUES);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "(a.c1 IS DISTINCT FROM b.c1) AS d1");
    ask_kit_holds(&kit, "JOIN (SELECT \"id\" AS k1, \"delay\" AS c1, \"origin\" AS c2\n"
                        "FROM \"off\".\"flights\"\nWHERE \"id\" IS NOT NULL) AS b ON a.k1 = b.k1");
    *(double *)ask_kit_param(&kit, "relative") = 0.01;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "(a.c1 IS DISTINCT FROM b.c1 AND NOT coalesce(pg_catalog.abs(");
    ask_kit_holds(&kit, "'0.01'::pg_catalog.float8 * greatest(");
    ask_kit_holds(&kit, "(a.c2 IS DISTINCT FROM b.c2) AS d2"); /* text has no tolerance */
    ask_kit_answer(&kit, cells, 2, 7);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 0.15, "3 of 20 keys of both differ, most in origin (2)");
    assert_int_equal(measure->nkeys, 1);
    ask_kit_free(&kit);
}

static void test_values_of_two_connections(void **state)
{
    (void)state;
    static const char *const sample[] = {"0",   NULL,     NULL, NULL, NULL, "1",  "k1", "17",
                                         "0.5", "O'Hare", "2",  "k2", "18", NULL, NULL};
    static const char *const found[] = {"0", "2",  "1",  "0",  NULL, "1",  "0",
                                        "1", NULL, NULL, NULL, "2",  NULL, NULL};
    struct vg_column_spec secret = {.name = "delay", .is_private = true};
    struct ask_kit kit;
    start(&kit, VG_ASK_VALUES);
    go_elsewhere(&kit);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "FROM t WHERE i <= 2000) AS a\nWHERE bytes <= 1000000\nORDER BY i");
    ask_kit_answer(&kit, sample, 3, 5);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "SELECT i, c1::pg_catalog.int8 AS k1, c2::pg_catalog.float8 AS c1,"
                        " c3::pg_catalog.text AS c2\nFROM (VALUES (1, '17', '0.5', 'O''Hare'),"
                        " (2, '18', NULL, NULL)) AS x(i, c1, c2, c3)) AS a\nJOIN (SELECT");
    assert_string_equal(kit.connection, "other");
    ask_kit_answer(&kit, found, 2, 7);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 0.5, "1 of 2 sampled keys of both differ, most in delay (1)");
    assert_string_equal(measure->keys[0], "k2");
    kit.nanswers = 1;
    kit.answers[0].nrows = 1; /* nothing of ours */
    assert_string_equal(ask_kit_next(&kit), "");
    assert_true(ask_kit_measure(&kit)->n_now == 0);
    kit.nanswers = 0;
    kit.base.dataset.columns = &secret;
    kit.base.dataset.ncolumns = 1;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    ask_kit_free(&kit);
}

static void test_faults(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, VG_ASK_VALUES);
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(double *)ask_kit_param(&kit, "tolerance") = -1;
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(double *)ask_kit_param(&kit, "tolerance") = 1;
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(int *)ask_kit_param(&kit, "what") = VG_ASK_SUMS;
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(double *)ask_kit_param(&kit, "tolerance") = 0;
    assert_int_equal(ask_kit_faults(&kit), 0);
    kit.base.dataset.key.n = 0;
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(int *)ask_kit_param(&kit, "what") = VG_ASK_VALUES;
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_list(&kit, "on", valued, 1);
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(const char **)ask_kit_param(&kit, "filter") = "a) OR (b";
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(const char **)ask_kit_param(&kit, "with") = "flights";
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_odd_sums),
        cmocka_unit_test(test_rows_of_two_connections),
        cmocka_unit_test(test_keys_of_one_connection),
        cmocka_unit_test(test_keys_of_two_connections),
        cmocka_unit_test(test_values_of_one_connection),
        cmocka_unit_test(test_values_of_two_connections),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("check_compare", tests, NULL, NULL);
}
