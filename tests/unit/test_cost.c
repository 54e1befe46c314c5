/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cost in what EXPLAIN writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/loop/cost.h"

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double cost;
    } cases[] = {
        {"Seq Scan on flights  (cost=0.00..35.50 rows=2550 width=4)", 35.5},
        {"Seq Scan on \"(cost=1..2\"  (cost=0.00..35.50 rows=2550 width=4)", 35.5},
        {"Result  (cost=10000000000.00..10000000000.01 rows=1 width=4)", 10000000000.01},
        {"Seq Scan on flights", -1},
        {"Seq Scan  (cost=12)", -1},
        {"Seq Scan  (cost=0.00..)", -1},
        {"Seq Scan  (cost=0.00..1.2.3 rows", -1},
        {"", -1},
        {NULL, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(vg_cost_read(cases[i].line) == cases[i].cost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};
    return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
