/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of tables as rule files write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pg/name.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *schema, *table;
    } cases[] = {
        {"t", "", "t"},
        {"ml.delay", "ml", "delay"},
        {"ML.Delay", "ml", "delay"},
        {"\"ML\".Delay", "ML", "delay"},
        {"\"a.b\".\"c\"\"d\"", "a.b", "c\"d"},
        {"\"\"\"\"", "", "\""},
        {"\" \".\"line\nfeed\"", " ", "line\nfeed"},
        {"\u00c4rger.\U0001f600", "\u00c4rger", "\U0001f600"},
        {"_x$1.2y", "_x$1", "2y"},
        {A63 ".\"" A63 "\"", A63, A63},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_pg_name name;
        struct vg_error err;
        assert_int_equal(vg_pg_name_parse(cases[i].text, &name, &err), 0);
        assert_string_equal(name.schema, cases[i].schema);
        assert_string_equal(name.table, cases[i].table);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "empty"},
        {".", "empty"},
        {"a.", "empty"},
        {".a", "empty"},
        {"\"\"", "empty"},
        {"a.b.c", "more than two parts"},
        {"a b", "double quotes"},
        {"a;b", "double quotes"},
        {"a-b", "double quotes"},
        {" a", "empty"},
        {"a ", "double quotes"},
        {"\"a", "not closed"},
        {"\"a\"\"", "not closed"},
        {"\"a\"b", "double quotes"},
        {A63 "a", "63 bytes"},
        {"a.\"" A63 "a\"", "63 bytes"},
        {"a\xff", "UTF-8"},
        {"a'", "double quotes"},
        {"a--b", "double quotes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_pg_name name;
        struct vg_error err = {0};
        assert_int_equal(vg_pg_name_parse(cases[i].text, &name, &err), -1);
        assert_int_equal(err.code, VG_E_CONFIG);
        if (!strstr(err.msg, cases[i].why))
            fail_msg("%s: %s", cases[i].text, err.msg);
        assert_true(err.hint[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("pg_name", tests, NULL, NULL);
}
