/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_proportion.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_proportion.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    uint64_t x, n, y, m;
    double fisher, less, more, share, binomial, binomial_less, binomial_more, lo, hi;
} rows[] = {
#include "tests/fixtures/drift_fisher.inc"
};

static void test_scipy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_proportion_tails two =
            vg_proportion_fisher(rows[i].x, rows[i].n, rows[i].y, rows[i].m);
        struct vg_proportion_tails one =
            vg_proportion_binomial(rows[i].x, rows[i].n, rows[i].share);
        double lo, hi;
        vg_proportion_interval(rows[i].x, rows[i].n, 0.95, &lo, &hi);
        /* SciPy's weights are logarithms of factorials: about 1e-9 of the larger counts. */
        samples_assert(two.two_sided, rows[i].fisher, 1e-9, "Fisher's p", i);
        samples_assert(two.less, rows[i].less, 1e-9, "P(X <= x)", i);
        samples_assert(two.more, rows[i].more, 1e-9, "P(X >= x)", i);
        samples_assert(one.two_sided, rows[i].binomial, 1e-9, "binomial p", i);
        samples_assert(one.less, rows[i].binomial_less, 1e-12, "binomial P(X <= x)", i);
        samples_assert(one.more, rows[i].binomial_more, 1e-12, "binomial P(X >= x)", i);
        samples_assert(lo, rows[i].lo, 1e-9, "lower end", i);
        samples_assert(hi, rows[i].hi, 1e-9, "upper end", i);
    }
}

/* The lady tasting tea: 3 of 4, and 4 of 4, as Fisher has them. */
static void test_fishers_own_example(void **state)
{
    (void)state;
    samples_assert(vg_proportion_fisher(3, 4, 1, 4).more, 17 / 70.0, 1e-15, "p", 0);
    samples_assert(vg_proportion_fisher(3, 4, 1, 4).two_sided, 34 / 70.0, 1e-15, "p", 1);
    samples_assert(vg_proportion_fisher(4, 4, 0, 4).more, 1 / 70.0, 1e-15, "p", 2);
}

static void test_small_tails_keep_their_digits(void **state)
{
    (void)state;
    /* No marked row among 50 of 100, all 50 among the others: 1 of C(100, 50) ways. */
    double ways = 100891344545564193334812497256.0;
    samples_assert(vg_proportion_fisher(0, 50, 50, 50).less * ways, 1, 1e-12, "P(X <= 0)", 0);
    samples_assert(vg_proportion_binomial(1000, 1000, 0.6).more / pow(0.6, 1000), 1, 1e-11,
                   "P(X >= n)", 1);
}

static void test_ends(void **state)
{
    (void)state;
    double lo, hi;
    assert_true(vg_proportion_fisher(0, 0, 3, 9).two_sided == 1);
    assert_true(vg_proportion_fisher(3, 9, 0, 0).two_sided == 1);
    assert_true(vg_proportion_fisher(0, 9, 0, 9).two_sided == 1);
    assert_true(vg_proportion_fisher(9, 9, 9, 9).two_sided == 1);
    assert_true(vg_proportion_binomial(0, 0, 0.5).two_sided == 1);
    assert_true(vg_proportion_binomial(0, 9, 0).two_sided == 1);
    assert_true(vg_proportion_binomial(1, 9, 0).two_sided == 0);
    assert_true(vg_proportion_binomial(1, 9, 0).less == 1);
    assert_true(vg_proportion_binomial(1, 9, 0).more == 0);
    assert_true(vg_proportion_binomial(9, 9, 1).two_sided == 1);
    assert_true(vg_proportion_binomial(8, 9, 1).less == 0);
    vg_proportion_interval(0, 0, 0.95, &lo, &hi);
    assert_true(lo == 0 && hi == 1);
    vg_proportion_interval(5, 5, 0.95, &lo, &hi);
    assert_true(hi == 1 && fabs(lo - pow(0.025, 0.2)) < 1e-12);
}

static void test_huge_counts(void **state)
{
    (void)state;
    uint64_t many = 10000000000;
    assert_true(vg_proportion_fisher(many / 2, many, many / 2, many).two_sided == 1);
    assert_true(vg_proportion_fisher(0, many, many, many).two_sided == 0);
    /* 3 standard deviations: the normal law is good here. */
    double p =
        vg_proportion_fisher(many / 2 + 150000, many, many / 2 - 150000 + 87868, many).two_sided;
    assert_true(p > 0 && p < 1);
    double z = vg_proportion_binomial(many / 2 + 150000, many, 0.5).more;
    assert_true(fabs(z / 0.0013498980316 - 1) < 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scipy),
        cmocka_unit_test(test_fishers_own_example),
        cmocka_unit_test(test_small_tails_keep_their_digits),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_huge_counts),
    };
    return cmocka_run_group_tests_name("stat_proportion", tests, NULL, NULL);
}
