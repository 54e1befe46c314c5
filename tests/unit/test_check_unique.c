/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_unique.c, checks/check_duplicates.c and the statement of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/ask_kit.h"

static void test_the_statement_of_one_column(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", "origin");
    kit.base.rule.where = "delay > 0 -- late";
    assert_string_equal(
        ask_kit_next(&kit),
        "WITH g AS (SELECT pg_catalog.count(*) AS n, pg_catalog.count(*) AS w,\n"
        "  pg_catalog.min(pg_catalog.left(pg_catalog.concat_ws(', ', "
        "coalesce(\"origin\"::pg_catalog.text, 'null')), 100) COLLATE pg_catalog.\"C\") AS k\n"
        "FROM \"ml\".\"flights\"\n"
        "WHERE \"at\" >= '2001-06-12T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND \"at\" < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz\n"
        "  AND (\ndelay > 0 -- late\n)\n"
        "  AND (\n\"origin\" IS NOT NULL\n)\n"
        "GROUP BY \"origin\")\n"
        "SELECT 0 AS o, coalesce(pg_catalog.sum(w), 0) AS tested,"
        " coalesce(pg_catalog.sum(w) FILTER (WHERE n > 1), 0) AS offending,\n"
        "  pg_catalog.count(*) FILTER (WHERE n > 1 AND w > 0) AS groups,"
        " NULL::pg_catalog.text AS k\nFROM g\n"
        "UNION ALL (SELECT 1, NULL, n, NULL, k FROM g WHERE n > 1 AND w > 0\n"
        "ORDER BY k LIMIT 10)\nORDER BY o, k");
    assert_null(kit.connection);
    ask_kit_answer(&kit, (const char *const[]){"0", "5", "0", "0", NULL}, 1, 5);
    assert_string_equal(ask_kit_next(&kit), "");
    ask_kit_free(&kit);
}

static void test_the_columns_of_a_dataset(void **state)
{
    (void)state;
    static const char *const two[] = {"origin", "extra"}, *const wrong[] = {"id", "none"};
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", NULL);
    assert_non_null(strstr(ask_kit_next(&kit), "GROUP BY \"id\")"));
    ask_kit_list(&kit, "columns", two, 2);
    assert_non_null(strstr(ask_kit_next(&kit), "GROUP BY \"origin\", \"extra\"::pg_catalog.text)"));
    ask_kit_holds(&kit, "\"origin\" IS NOT NULL AND \"extra\" IS NOT NULL");
    *(bool *)ask_kit_param(&kit, "nulls_equal") = true;
    assert_null(strstr(ask_kit_next(&kit), "IS NOT NULL"));
    ask_kit_list(&kit, "columns", wrong, 2);
    assert_int_equal(ask_kit_refused(&kit), VG_E_NOT_FOUND);
    assert_string_equal(kit.base.err.msg, "column none does not exist in ml.flights");
    kit.base.columns[2].unreadable = true;
    ask_kit_list(&kit, "columns", two, 2);
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    kit.base.dataset.key.n = 0;
    ask_kit_list(&kit, "columns", NULL, 0);
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_free(&kit);
}

static void test_beyond_the_window(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", "id");
    *(int *)ask_kit_param(&kit, "scope") = 1;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pg_catalog.count(*) FILTER (WHERE \"at\" >= '2001-06-12T00:00:00Z'"
                        "::pg_catalog.timestamptz AND \"at\" < '2001-06-13T00:00:00Z'"
                        "::pg_catalog.timestamptz) AS w");
    ask_kit_holds(&kit, "FROM \"ml\".\"flights\"\nWHERE (\n\"id\" IS NOT NULL\n)\nGROUP BY");
    kit.rows.time = NULL; /* a state is read whole anyway */
    kit.rows.range = NULL;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pg_catalog.count(*) AS w");
    ask_kit_free(&kit);
}

/* Nothing but counts where keys or the column are private, or none are wanted. */
static void test_no_values_of_private_columns(void **state)
{
    (void)state;
    struct vg_column_spec secret = {.name = "origin", .is_private = true};
    static const char *const names[] = {"origin", "delay"};
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", NULL);
    ask_kit_list(&kit, "columns", names, 2);
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "UNION ALL");
    kit.base.dataset.max_offending = 0;
    assert_null(strstr(ask_kit_next(&kit), "UNION ALL"));
    kit.base.dataset.max_offending = 10;
    kit.base.dataset.private_keys = true;
    assert_null(strstr(ask_kit_next(&kit), "UNION ALL"));
    kit.base.dataset.private_keys = false;
    kit.base.dataset.columns = &secret;
    kit.base.dataset.ncolumns = 1;
    ask_kit_next(&kit);
    assert_null(strstr(kit.text, "UNION ALL"));
    assert_null(strstr(kit.text, "::pg_catalog.text, 'null')"));
    ask_kit_free(&kit);
}

static void test_the_share(void **state)
{
    (void)state;
    static const char *const cells[] = {"0",  "400", "6", "2",  NULL, "1",  NULL, "4",
                                        NULL, "ORD", "1", NULL, "2",  NULL, "SFO"};
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", "origin");
    kit_assert_skipped(ask_kit_measure(&kit), VG_UNKNOWN, "it was not asked");
    ask_kit_answer(&kit, cells, 3, 5);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 0.015,
                     "6 of 400 rows hold one of 2 values that occur more than once in the window");
    assert_true(measure->n_now == 400 && measure->nkeys == 2);
    assert_string_equal(measure->keys[0], "ORD");
    assert_string_equal(measure->keys[1], "SFO");
    kit.base.evidence.answers_why = "permission denied";
    kit_assert_skipped(ask_kit_measure(&kit), VG_UNKNOWN, "permission denied");
    kit.base.evidence.answers_why = NULL;
    kit.answers[0] = (struct vg_rows){1, 5, (const char *const[]){"0", "0", "0", "0", NULL}};
    measure = ask_kit_measure(&kit);
    assert_true(measure->n_now == 0 && isnan(measure->value) && !measure->nkeys);
    kit.answers[0] = (struct vg_rows){1, 5, (const char *const[]){"0", "4", "2", "1", NULL}};
    kit_assert_found(ask_kit_measure(&kit), 0.5,
                     "2 of 4 rows hold one of 1 value that occur more than once in the window");
    ask_kit_free(&kit);
}

static void test_duplicates(void **state)
{
    (void)state;
    static const char *const except[] = {"id", "at"}, *const wrong[] = {"none"};
    struct ask_kit kit;
    ask_kit_init(&kit, "duplicates", NULL);
    kit.base.columns[3].unreadable = true;
    assert_non_null(strstr(ask_kit_next(&kit), "GROUP BY \"id\", \"at\", \"origin\","
                                               " \"extra\"::pg_catalog.text)"));
    assert_null(strstr(kit.text, "IS NOT NULL"));
    ask_kit_list(&kit, "except", except, 2);
    assert_non_null(strstr(ask_kit_next(&kit), "GROUP BY \"origin\", \"extra\"::pg_catalog.text)"));
    ask_kit_holds(&kit, "coalesce(\"id\"::pg_catalog.text, 'null')"); /* the key is still shown */
    ask_kit_list(&kit, "except", wrong, 1);
    assert_int_equal(ask_kit_refused(&kit), VG_E_NOT_FOUND);
    ask_kit_list(&kit, "except", NULL, 0);
    for (size_t i = 0; i < kit.base.catalog.n; i++)
        kit.base.columns[i].unreadable = true;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    ask_kit_answer(&kit, (const char *const[]){"0", "10", "5", "2", NULL}, 1, 5);
    kit_assert_found(ask_kit_measure(&kit), 0.5,
                     "5 of 10 rows are copies of each other, of 2 different rows");
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_statement_of_one_column),
        cmocka_unit_test(test_the_columns_of_a_dataset),
        cmocka_unit_test(test_beyond_the_window),
        cmocka_unit_test(test_no_values_of_private_columns),
        cmocka_unit_test(test_the_share),
        cmocka_unit_test(test_duplicates),
    };
    return cmocka_run_group_tests_name("check_unique", tests, NULL, NULL);
}
