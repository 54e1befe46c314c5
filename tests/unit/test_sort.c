/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/base/sort.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "pgvigil/sort.h"

static void test_doubles(void **state)
{
    (void)state;
    double x[] = {3, -(double)INFINITY, 1e-320, (double)INFINITY, -1e308, 3, 0, 1e308};
    vg_sort_doubles(x, sizeof x / sizeof *x);
    for (size_t i = 1; i < sizeof x / sizeof *x; i++)
        assert_true(x[i - 1] <= x[i]);
    assert_true(isinf(x[0]) && x[2] == 0 && x[4] == 3 && x[5] == 3);
    vg_sort_doubles(NULL, 0);
    double one = 7;
    vg_sort_doubles(&one, 1);
    assert_true(one == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_doubles)};
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
