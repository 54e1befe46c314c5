/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/sql_cast.c: which casts are the last operation, and what is one SELECT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sql.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_casts(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *inner; /* NULL: no cast to be sure of */
        uint32_t oid;
    } cases[] = {
        {"(payload->>'amount')::float8", "(payload->>'amount')", 701},
        {"  (payload->>'amount') :: double   precision ", "(payload->>'amount')", 701},
        {"((payload->>'a')::INT)", "(payload->>'a')", 23},
        {"x::pg_catalog.bool", "x", 16},
        {"t.x::date", "t.x", 1082},
        {"\"odd :: name\"::numeric", "\"odd :: name\"", 1700},
        {"tags[1]::bigint", "tags[1]", 20},
        {"(addr).zip::smallint", "(addr).zip", 21},
        {"trim(x)::timestamptz", "trim(x)", 1184},
        {"x::text::float4", "x::text", 700},
        {"(x)::timestamp without time zone", "(x)", 1114},
        {"CAST(payload->>'day' AS date)", "payload->>'day'", 1082},
        {"cast( a || b as timestamp with time zone )", "a || b", 1184},
        {"(f('a)::int'))::int8", "(f('a)::int'))", 20},
        /* the cast belongs to a part only */
        {"payload->>'amount'::float8", NULL, 0},
        {"a || b::float8", NULL, 0},
        {"-x::float8", NULL, 0},
        {"NOT (x)::bool", NULL, 0},
        {"NOT x::bool", NULL, 0},
        {"(x)::float8 * 2", NULL, 0},
        {"(a)::float8 + (b)::float8", NULL, 0},
        {"CASE WHEN a THEN b END::int", NULL, 0},
        {"CAST(a AS int) + CAST(b AS int)", NULL, 0},
        {"'5'::int", NULL, 0},
        /* types whose conversion stays the server's */
        {"(x)::numeric(10,2)", NULL, 0},
        {"(x)::timestamp(3)", NULL, 0},
        {"(x)::text", NULL, 0},
        {"(x)::int[]", NULL, 0},
        {"(x)::interval", NULL, 0},
        {"CAST(x AS varchar)", NULL, 0},
        /* what is doubtful */
        {"(x)/* a */::int", NULL, 0},
        {"(x)::int -- a", NULL, 0},
        {"::int", NULL, 0},
        {"x", NULL, 0},
        {"", NULL, 0},
        {"(x", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_sql_cast cast;
        bool found = vg_sql_cast_of(cases[i].expression, &cast);
        if (found != (cases[i].inner != NULL))
            fail_msg("%s: %s", cases[i].expression, found ? "a cast" : "no cast");
        if (!found)
            continue;
        assert_int_equal(cast.oid, cases[i].oid);
        assert_int_equal(cast.len, strlen(cases[i].inner));
        assert_memory_equal(cast.inner, cases[i].inner, cast.len);
    }
}

static void test_queries(void **state)
{
    (void)state;
    static const char *const good[] = {
        "SELECT 1",
        " select a, b from t",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION (SELECT 2)",
        "-- what it is\nSELECT ';', $$;$$ /* ; */",
        "VALUES (1)",
        "TABLE ml.flights",
    };
    static const struct {
        const char *query, *words;
    } bad[] = {
        {"DELETE FROM t", "one SELECT"},
        {"selection", "one SELECT"},
        {"", "one SELECT"},
        {"SELECT 1;", "semicolon"},
        {"SELECT 1; DROP TABLE t", "semicolon"},
        {"SELECT (1", "not closed"},
        {"SELECT 1) AS x, (SELECT 2", "not opened"},
        {"SELECT 'x", "not closed"},
        {"SELECT 1 /* x", "not closed"},
        {"/* x", "not closed"},
    };
    for (size_t i = 0; i < COUNT(good); i++)
        assert_null(vg_sql_query_fault(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *fault = vg_sql_query_fault(bad[i].query);
        if (!fault || !strstr(fault, bad[i].words))
            fail_msg("%s: %s", bad[i].query, fault ? fault : "no fault");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests_name("sql_cast", tests, NULL, NULL);
}
