/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_tails.c against 50-digit arithmetic (mpmath: the regularised incomplete
 * beta function), and of each inverse against its tail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_ks.h"
#include "checks/stat_tails.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_near(double got, double want, double tolerance, const char *what, size_t i)
{
    if (got == want || fabs(got - want) <= tolerance * fabs(want))
        return;
    print_error("%s %zu: got %.17g, want %.17g\n", what, i, got, want);
    fail();
}

static const struct {
    double t, nu, p;
} student[] = {
    {0.5, 1, 0.70483276469913345},
    {2, 1, 0.29516723530086655},
    {1000000000.0, 1, 6.3661977236758134e-10},
    {1e+200, 1, 6.3661977236758136e-201},
    {0.1, 3, 0.92665234880080582},
    {5, 3, 0.015392438073302301},
    {3, 27, 0.0057457126426857524},
    {12, 27, 2.4817087187538937e-12},
    {1e-06, 100, 0.99999920410762613},
    {2.5, 671, 0.012656925675261634},
    {6.5, 671, 1.5674964800658322e-10},
    {20, 671, 3.7345984824496022e-70},
    {38, 671, 1.9713559115161447e-169},
    {5, 100000.0, 5.7427016786416729e-7},
    {1, 2.5, 0.40406102727827347},
};

static void test_student(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(student); i++) {
        double p = student[i].p, t = student[i].t, nu = student[i].nu;
        assert_near(vg_student_tails(t, nu), p, 2e-12, "p", i);
        assert_near(vg_student_tails(-t, nu), p, 2e-12, "p of -t", i);
        assert_near(vg_student_tails(vg_student_score(p, nu), nu), p, 1e-11, "p of its score", i);
    }
    assert_true(vg_student_tails(0, 5) == 1 && vg_student_score(1, 5) == 0);
    assert_true(isinf(vg_student_score(0, 5)) && isnan(vg_student_tails((double)NAN, 5)));
    assert_true(vg_student_tails((double)INFINITY, 5) == 0);
}

static void test_normal(void **state)
{
    (void)state;
    assert_near(vg_normal_tails(1.959963984540054), 0.05, 1e-14, "p", 0);
    assert_near(vg_normal_tails(-37), 1.1451142445049154e-299, 1e-12, "p", 1);
    for (double p = 1; p > 1e-300; p /= 7)
        assert_near(vg_normal_tails(vg_normal_score(p)), p, 1e-11, "p of its score", 0);
    assert_true(isinf(vg_normal_score(0)) && isnan(vg_normal_score((double)NAN)));
}

static void test_kolmogorov(void **state)
{
    (void)state;
    for (double p = 0.999; p > 1e-299; p /= 3)
        assert_near(vg_ks_limit(vg_ks_limit_score(p)), p, 1e-11, "p of its score", 0);
    assert_true(isinf(vg_ks_limit_score(0)) && vg_ks_limit_score(1) == 0);
}

static void test_quantiles(void **state)
{
    (void)state;
    for (size_t q = 0; q < VG_NULL_QUANTILES; q++) {
        double rest = 1 - vg_null_quantiles[q];
        assert_near(vg_ks_limit(vg_null_kolmogorov[q]), rest, 1e-13, "K", q);
        assert_near(vg_normal_tails(vg_null_normal[q]), rest, 1e-13, "Z", q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_student),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_kolmogorov),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests_name("stat_tails", tests, NULL, NULL);
}
