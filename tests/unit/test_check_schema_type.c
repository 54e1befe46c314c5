/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema_type.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "checks/check_schema_type.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_same(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"int8", "bigint"},
        {"BIGSERIAL", "bigint"},
        {"int", "integer"},
        {"\t int8  ", "bigint"},
        {"int4", "integer"},
        {"serial", "integer"},
        {"int2", "smallint"},
        {"float8", "double precision"},
        {"Double  Precision", "double precision"},
        {"float", "double precision"},
        {"float(53)", "double precision"},
        {"float(24)", "real"},
        {"float4", "real"},
        {"pg_catalog.float4", "real"},
        {"bool", "boolean"},
        {"decimal(10, 2)", "numeric(10,2)"},
        {"numeric(10)", "numeric(10,0)"},
        {"dec", "numeric"},
        {"varchar", "character varying"},
        {"varchar(20)", "character varying(20)"},
        {"VARCHAR ( 20 )", "character varying(20)"},
        {"char varying(20)", "character varying(20)"},
        {"char", "character(1)"},
        {"character", "character(1)"},
        {"char(7)", "character(7)"},
        {"bpchar", "bpchar"},
        {"bpchar(7)", "character(7)"},
        {"bit", "bit(1)"},
        {"varbit(9)", "bit varying(9)"},
        {"timestamptz", "timestamp with time zone"},
        {"timestamptz(3)", "timestamp(3) with time zone"},
        {"timestamp", "timestamp without time zone"},
        {"timestamp(0)", "timestamp(0) without time zone"},
        {"timestamp  with time zone", "timestamptz"},
        {"timetz", "time with time zone"},
        {"time", "time without time zone"},
        {"int4[]", "integer[]"},
        {"timestamptz[]", "timestamp with time zone[]"},
        {"varchar(5)[]", "character varying(5)[]"},
        {"text", "TEXT"},
        {"public.\"My Type\"", "public.\"My Type\""},
        {"Public.mood", "public.mood"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!vg_schema_type_same(rows[i][0], rows[i][1]) ||
            !vg_schema_type_same(rows[i][1], rows[i][0]))
            fail_msg("%s is not %s", rows[i][0], rows[i][1]);
    }
}

static void test_different(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"integer", "bigint"},
        {"integer", "integer[]"},
        {"numeric", "numeric(10,2)"},
        {"numeric(10,2)", "numeric(10,4)"},
        {"varchar(20)", "character varying(21)"},
        {"varchar", "text"},
        {"char", "text"},
        {"timestamptz", "timestamp without time zone"},
        {"timestamp", "timestamp with time zone"},
        {"timestamp(3)", "timestamp without time zone"},
        {"date", "timestamp"},
        {"float(24)", "float(25)"},
        {"\"char\"", "char"},
        {"public.\"Mood\"", "public.\"mood\""},
        {"public.\"Mood\"", "public.mood"},
        {"public.mood", "private.mood"},
        {"", "text"},
        {"(", ")"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (vg_schema_type_same(rows[i][0], rows[i][1]) ||
            vg_schema_type_same(rows[i][1], rows[i][0]))
            fail_msg("%s is taken for %s", rows[i][0], rows[i][1]);
    }
}

static void test_long_names(void **state)
{
    (void)state;
    char a[400], b[400];
    memset(a, 'x', sizeof a - 1);
    a[sizeof a - 1] = '\0';
    memcpy(b, a, sizeof b);
    assert_true(vg_schema_type_same(a, b));
    b[300] = 'y';
    assert_false(vg_schema_type_same(a, b));
    assert_false(vg_schema_type_same(a, "text"));
    a[127] = '\0'; /* the longest that is looked into */
    assert_false(vg_schema_type_same(a, "text"));
    for (size_t open = 0; open < 127; open++) {
        memset(a, open % 2 ? '(' : '"', 127);
        a[open] = ')';
        assert_false(vg_schema_type_same(a, "text"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_different),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests_name("check_schema_type", tests, NULL, NULL);
}
