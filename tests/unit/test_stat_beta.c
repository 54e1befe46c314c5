/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_beta.c against closed forms of the incomplete beta function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_beta.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static double find_beta(double a, double b, double x)
{
    double front = a * log(x) + b * log1p(-x) - lgamma(a) - lgamma(b) + lgamma(a + b);
    return exp(front) * vg_beta_fraction(a, b, x) / a;
}

/* I_x(a, 1) = x^a, I_x(1, b) = 1 - (1-x)^b, I_x(1/2, 1/2) = 2/pi asin sqrt x, and a sum of
 * binomials. */
static void test_closed_forms(void **state)
{
    (void)state;
    const double half = 0.3183098861837907 * 2;
    const struct {
        double a, b, x, want;
    } rows[] = {
        {3, 1, 0.5, 0.125},
        {200, 1, 0.9, pow(0.9, 200)},
        {1, 7, 0.1, 1 - pow(0.9, 7)},
        {0.5, 0.5, 0.25, half * asin(0.5)},
        {2, 3, 0.3, 1 - pow(0.7, 4) - 4 * 0.3 * pow(0.7, 3)},
        {0.5, 0.5, 1e-300, half * 1e-150},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double got = find_beta(rows[i].a, rows[i].b, rows[i].x);
        if (!(fabs(got - rows[i].want) <= 1e-12 * rows[i].want))
            fail_msg("%zu: got %.17g, want %.17g", i, got, rows[i].want);
    }
}

/* At x = (a + 1) / (a + b) the first denominator is 0. */
static void test_denominators_that_vanish(void **state)
{
    (void)state;
    for (double a = 1; a < 50; a++) {
        for (double b = 1; b < 50; b++) {
            double f = vg_beta_fraction(a, b, (a + 1) / (a + b));
            if (!isfinite(f))
                fail_msg("%g and %g: %g", a, b, f);
        }
    }
    assert_true(isfinite(vg_beta_fraction(1, 3, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_denominators_that_vanish),
    };
    return cmocka_run_group_tests_name("stat_beta", tests, NULL, NULL);
}
