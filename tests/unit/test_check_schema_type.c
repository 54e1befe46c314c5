/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema_type.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "checks/check_schema_type.h"

#define OTHER    VG_KIND_OTHER
#define NUMBER   VG_KIND_NUMBER
#define TIME     VG_KIND_TIME
#define BOOL     VG_KIND_BOOL
#define TEXT     VG_KIND_TEXT
#define SAFE     VG_SCHEMA_SAFE
#define LOSSY    VG_SCHEMA_LOSSY
#define BREAKING VG_SCHEMA_BREAKING

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

/* Each change there and, where it differs, back. */
static void test_changes(void **state)
{
    (void)state;
    static const struct {
        const char *was, *is;
        enum vg_kind was_kind, is_kind;
        enum vg_schema_class there, back;
    } rows[] = {
        {"smallint", "integer", NUMBER, NUMBER, SAFE, LOSSY},
        {"integer", "bigint", NUMBER, NUMBER, SAFE, LOSSY},
        {"int4[]", "int8[]", OTHER, OTHER, SAFE, LOSSY},
        {"int4[]", "float8[]", OTHER, OTHER, LOSSY, LOSSY},
        {"real", "double precision", NUMBER, NUMBER, SAFE, LOSSY},
        /* whole, decimal and floating numbers are read as different things */
        {"smallint", "real", NUMBER, NUMBER, LOSSY, LOSSY},
        {"integer", "real", NUMBER, NUMBER, LOSSY, LOSSY},
        {"smallint", "double precision", NUMBER, NUMBER, LOSSY, LOSSY},
        {"int", "double precision", NUMBER, NUMBER, LOSSY, LOSSY},
        {"bigint", "double precision", NUMBER, NUMBER, LOSSY, LOSSY},
        {"smallint", "numeric", NUMBER, NUMBER, LOSSY, LOSSY},
        {"integer", "numeric", NUMBER, NUMBER, LOSSY, LOSSY},
        {"bigint", "numeric(18)", NUMBER, NUMBER, LOSSY, LOSSY},
        {"real", "numeric", NUMBER, NUMBER, LOSSY, LOSSY},
        {"numeric(4,2)", "double precision", NUMBER, NUMBER, LOSSY, LOSSY},
        {"numeric(10,2)", "numeric(12,2)", NUMBER, NUMBER, SAFE, LOSSY},
        {"numeric(10,2)", "numeric(12,4)", NUMBER, NUMBER, SAFE, LOSSY},
        {"numeric(10,2)", "numeric(10,4)", NUMBER, NUMBER, LOSSY, LOSSY},
        {"numeric(10,2)", "numeric", NUMBER, NUMBER, SAFE, LOSSY},
        {"varchar(10)", "varchar(20)", TEXT, TEXT, SAFE, LOSSY},
        {"varchar(10)", "varchar", TEXT, TEXT, SAFE, LOSSY},
        {"varchar(10)", "text", TEXT, TEXT, SAFE, LOSSY},
        {"varchar", "text", TEXT, TEXT, SAFE, SAFE},
        {"varchar(63)", "name", TEXT, TEXT, SAFE, SAFE},
        {"name", "varchar(20)", TEXT, TEXT, LOSSY, SAFE},
        {"char(3)", "character(3)", TEXT, TEXT, SAFE, SAFE},
        {"char(3)", "char(5)", TEXT, TEXT, LOSSY, LOSSY},
        {"char(3)", "text", TEXT, TEXT, LOSSY, LOSSY},
        {"uuid", "text", TEXT, TEXT, LOSSY, LOSSY},
        {"public.mood", "text", TEXT, TEXT, LOSSY, LOSSY},
        {"public.mood", "varchar(10)", TEXT, TEXT, LOSSY, LOSSY},
        {"public.mood", "public.temper", TEXT, TEXT, LOSSY, LOSSY},
        {"date", "timestamp", TIME, TIME, LOSSY, LOSSY},
        {"date", "timestamptz", TIME, TIME, LOSSY, LOSSY},
        {"date[]", "timestamptz[]", OTHER, OTHER, LOSSY, LOSSY},
        {"timestamp", "timestamptz", TIME, TIME, LOSSY, LOSSY},
        {"timestamp(0)", "timestamp", TIME, TIME, SAFE, LOSSY},
        {"timestamptz(3)", "timestamptz(6)", TIME, TIME, SAFE, LOSSY},
        {"bit varying(8)", "bit varying(16)", OTHER, OTHER, SAFE, LOSSY},
        {"bit(8)", "bit(16)", OTHER, OTHER, LOSSY, LOSSY},
        {"time(3)", "time", OTHER, OTHER, SAFE, LOSSY},
        {"jsonb", "json", OTHER, OTHER, LOSSY, LOSSY},
        {"jsonb", "text", OTHER, TEXT, BREAKING, BREAKING},
        {"jsonb", "jsonb[]", OTHER, OTHER, BREAKING, BREAKING},
        {"jsonb", "integer", OTHER, NUMBER, BREAKING, BREAKING},
        {"text", "double precision", TEXT, NUMBER, BREAKING, BREAKING},
        {"text", "timestamptz", TEXT, TIME, BREAKING, BREAKING},
        {"text", "boolean", TEXT, BOOL, BREAKING, BREAKING},
        {"date", "integer", TIME, NUMBER, BREAKING, BREAKING},
        {"boolean", "smallint", BOOL, NUMBER, BREAKING, BREAKING},
        {"public.mood", "integer", TEXT, NUMBER, BREAKING, BREAKING},
        {"json", "text", OTHER, TEXT, BREAKING, BREAKING},
        {"integer", "text", NUMBER, TEXT, BREAKING, BREAKING},
        {"integer", "integer[]", NUMBER, OTHER, BREAKING, BREAKING},
        {"integer", "timestamptz", NUMBER, TIME, BREAKING, BREAKING},
        {"boolean", "integer", BOOL, NUMBER, BREAKING, BREAKING},
        {"interval", "integer", OTHER, NUMBER, BREAKING, BREAKING},
        {"", "integer", OTHER, NUMBER, BREAKING, BREAKING},
        {"numeric(", "numeric(,)", NUMBER, NUMBER, SAFE, SAFE}, /* no modifiers in either */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_schema_typed was = {rows[i].was, rows[i].was_kind};
        struct vg_schema_typed is = {rows[i].is, rows[i].is_kind};
        if (vg_schema_type_change(&was, &is) != rows[i].there)
            fail_msg("%s to %s", rows[i].was, rows[i].is);
        if (vg_schema_type_change(&is, &was) != rows[i].back)
            fail_msg("%s to %s", rows[i].is, rows[i].was);
    }
}

static void test_changes_of_long_names(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct vg_schema_typed a = {name, TEXT}, b = {"text", TEXT}, c = {"text", OTHER};
    assert_int_equal(vg_schema_type_change(&a, &b), LOSSY);
    assert_int_equal(vg_schema_type_change(&c, &a), BREAKING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_different),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_changes_of_long_names),
    };
    return cmocka_run_group_tests_name("check_schema_type", tests, NULL, NULL);
}
