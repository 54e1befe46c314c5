/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_stale.c and its statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql_feast.h"
#include "tests/unit/ask_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void start(struct ask_kit *kit, const char *column, const char *by)
{
    ask_kit_init(kit, "stale", column);
    *(const char **)ask_kit_param(kit, "by") = by;
}

static void test_statement(void **state)
{
    (void)state;
    struct ask_kit kit;
    start(&kit, "delay", "at");
    const char *text = ask_kit_next(&kit);
    assert_non_null(strstr(text, "pg_catalog.max(t)"));
    assert_non_null(strstr(text, "\"delay\" IS NOT NULL"));
    assert_non_null(strstr(text, "WHERE t > '-infinity' AND t <= '"));
    ask_kit_free(&kit);
    start(&kit, NULL, "at");
    assert_null(strstr(ask_kit_next(&kit), "IS NOT NULL"));
    ask_kit_free(&kit);
}

static void test_columns_that_cannot_serve(void **state)
{
    (void)state;
    static const struct {
        const char *by, *message;
    } rows[] = {{"nothing", "does not exist"}, {"delay", "is no time column"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ask_kit kit;
        start(&kit, NULL, rows[i].by);
        ask_kit_refused(&kit);
        assert_non_null(strstr(kit.base.err.msg, rows[i].message));
        ask_kit_free(&kit);
    }
    struct vg_column_spec secret = {.name = "at", .is_private = true};
    struct ask_kit kit;
    start(&kit, NULL, "at");
    kit.base.dataset.columns = &secret;
    kit.base.dataset.ncolumns = 1;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    assert_non_null(strstr(kit.base.err.msg, "is private"));
    ask_kit_free(&kit);
}

static void test_ages(void **state)
{
    (void)state;
    char then[32];
    struct ask_kit kit;
    start(&kit, NULL, "at");
    int64_t now_us = kit.base.evidence.now_us;
    snprintf(then, sizeof then, "%lld", (long long)(now_us - INT64_C(7200000000)));
    const char *const cells[] = {then, NULL};
    ask_kit_answer(&kit, cells, 1, 2);
    kit_assert_found(ask_kit_measure(&kit), 7200, "newest at is 2h old");
    ask_kit_free(&kit);

    start(&kit, NULL, "at");
    ask_kit_answer(&kit, cells, 0, 2);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    assert_true(isinf(measure->value) && strstr(measure->why, "no row with at up to now"));
    ask_kit_free(&kit);
}

/* The text of values and keys: no byte of a name can end a literal. */
static void test_sql_of_feast(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t oid;
        enum vg_kind kind;
        bool known;
    } types[] = {
        {"double precision", 701, VG_KIND_NUMBER, true},
        {"real[]", 1021, VG_KIND_NUMBER, true},
        {"text", 25, VG_KIND_TEXT, true},
        {"bytea", 0, VG_KIND_OTHER, true},
        {"bytea[]", 1001, VG_KIND_NUMBER, true},
        {"timestamptz", 1184, VG_KIND_TIME, true},
        {"boolean", 16, VG_KIND_BOOL, true},
        {"date", 0, VG_KIND_OTHER, false},
        {"jsonb", 0, VG_KIND_OTHER, false},
        {"[]", 0, VG_KIND_OTHER, false},
        {"", 0, VG_KIND_OTHER, false},
        {"real[][]", 0, VG_KIND_OTHER, false},
    };
    for (size_t i = 0; i < COUNT(types); i++) {
        struct vg_feast_type type;
        assert_int_equal(vg_feast_type(types[i].name, &type), types[i].known);
        assert_int_equal(type.oid, types[i].oid);
        assert_int_equal(type.kind, types[i].kind);
    }
    static const char *const names[] = {"a'b\\", "c"};
    const struct vg_strings keys = {names, 2};
    struct vg_buf out;
    vg_buf_init(&out, 1 << 16);
    vg_feast_put_key(&out, "\"k\"", &keys, 1, 20);
    assert_non_null(strstr(out.data, "'\\x0200000002000000040000006127625c020000000100000063'"));
    assert_null(strstr(out.data, "a'b"));
    vg_buf_clear(&out);
    vg_feast_put_value(&out, "\"v\"", 1021);
    assert_string_equal(out.data, "\"v\"");
    vg_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statement),
        cmocka_unit_test(test_columns_that_cannot_serve),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_sql_of_feast),
    };
    return cmocka_run_group_tests_name("check_stale", tests, NULL, NULL);
}
