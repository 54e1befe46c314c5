/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the statements by which checks list the rows that offend: unique, duplicates,
 * lookup, failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/ask_kit.h"

#define WINDOW                                                                                     \
    "\nFROM \"ml\".\"flights\"\n"                                                                  \
    "WHERE \"at\" >= '2001-06-12T00:00:00Z'::pg_catalog.timestamptz\n"                             \
    "  AND \"at\" < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz"

/* The statement in the kit's text; the code of the error that comes instead. */
static enum vg_code list_rows(struct ask_kit *kit)
{
    struct kit *base = &kit->base;
    struct vg_asked asked = {
        .rule = &base->rule,
        .catalog = &base->catalog,
        .column = base->rule.column ? vg_catalog_find(&base->catalog, base->rule.column) : NULL,
        .rows = &kit->rows,
        .window = kit->rows.range,
    };
    struct vg_buf buf;
    vg_buf_init(&buf, sizeof kit->text - 1);
    base->err = (struct vg_error){0};
    int rc = base->rule.type->offenders(&asked, &buf, &base->err);
    assert_false(buf.failed);
    memcpy(kit->text, buf.data, buf.len + 1);
    vg_buf_free(&buf);
    assert_int_equal(rc == 0, base->err.code == VG_OK);
    return base->err.code;
}

static void test_unique(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", "origin");
    kit.base.rule.where = "delay > 0 -- late";
    assert_int_equal(list_rows(&kit), VG_OK);
    assert_string_equal(kit.text, "SELECT * FROM (SELECT \"id\" AS k1, pg_catalog.count(*) OVER "
                                  "(PARTITION BY \"origin\") AS n, true AS w" WINDOW
                                  "\n  AND (\ndelay > 0 -- late\n)"
                                  "\n  AND (\n\"origin\" IS NOT NULL\n)) AS g\nWHERE n > 1 AND w");
    *(int *)ask_kit_param(&kit, "scope") = 1;
    *(bool *)ask_kit_param(&kit, "nulls_equal") = true;
    kit.base.rule.where = NULL;
    assert_int_equal(list_rows(&kit), VG_OK);
    assert_string_equal(kit.text, "SELECT * FROM (SELECT \"id\" AS k1, pg_catalog.count(*) OVER "
                                  "(PARTITION BY \"origin\") AS n, "
                                  "\"at\" >= '2001-06-12T00:00:00Z'::pg_catalog.timestamptz AND "
                                  "\"at\" < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz AS w"
                                  "\nFROM \"ml\".\"flights\") AS g\nWHERE n > 1 AND w");
    ask_kit_free(&kit);
}

static void test_duplicates(void **state)
{
    (void)state;
    static const char *const except[] = {"id", "at"};
    struct ask_kit kit;
    ask_kit_init(&kit, "duplicates", NULL);
    ask_kit_list(&kit, "except", except, 2);
    assert_int_equal(list_rows(&kit), VG_OK);
    ask_kit_holds(&kit,
                  "PARTITION BY \"origin\", \"delay\", \"extra\"::pg_catalog.text) AS n, true");
    ask_kit_free(&kit);
}

static void test_lookup(void **state)
{
    (void)state;
    static const char *const theirs[] = {"Code"};
    struct ask_kit kit;
    ask_kit_init(&kit, "lookup", "origin");
    *(const char **)ask_kit_param(&kit, "table") = "ml.Airports";
    ask_kit_list(&kit, "columns", theirs, 1);
    assert_int_equal(list_rows(&kit), VG_OK);
    assert_string_equal(kit.text, "SELECT * FROM (SELECT \"id\" AS k1, \"origin\" AS c1" WINDOW
                                  "\n  AND (\n\"origin\" IS NOT NULL\n)) AS d\n"
                                  "WHERE NOT EXISTS (SELECT 1 FROM \"ml\".\"airports\" AS r "
                                  "WHERE r.\"Code\" = d.c1)");
    *(const char **)ask_kit_param(&kit, "connection") = "elsewhere";
    assert_int_equal(list_rows(&kit), VG_OK);
    assert_string_equal(kit.text, ""); /* values were carried there; rows are not */
    ask_kit_free(&kit);
}

static void test_failing(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "failing", NULL);
    *(const char **)ask_kit_param(&kit, "sql") = "SELECT id FROM :table WHERE at < :until -- all";
    assert_int_equal(list_rows(&kit), VG_OK);
    assert_string_equal(kit.text, "SELECT q.\"id\" AS k1 FROM (\nSELECT id FROM \"ml\".\"flights\" "
                                  "WHERE at < '2001-06-13T00:00:00Z'::pg_catalog.timestamptz "
                                  "-- all\n) AS q");
    kit.rows.range = NULL;
    assert_int_equal(list_rows(&kit), VG_E_CONFIG);
    ask_kit_free(&kit);
}

static void test_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "origin"}, *const gone[] = {"id", "none"};
    struct ask_kit kit;
    ask_kit_init(&kit, "unique", "delay");
    kit.base.dataset.key = (struct vg_strings){keys, 2};
    assert_int_equal(list_rows(&kit), VG_OK);
    ask_kit_holds(&kit, "(SELECT \"id\" AS k1, \"origin\" AS k2, ");
    kit.base.dataset.key = (struct vg_strings){gone, 2};
    assert_int_equal(list_rows(&kit), VG_E_NOT_FOUND);
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique), cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_lookup), cmocka_unit_test(test_failing),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("check_offenders", tests, NULL, NULL);
}
