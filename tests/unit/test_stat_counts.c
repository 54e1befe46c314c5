/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_counts.c against 50-digit arithmetic (mpmath: all weights of the
 * beta-binomial law summed), and of limits against p. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>

#include "checks/stat_counts.h"
#include "checks/stat_tails.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    double n, share, variance, count, p;
} exact[] = {
    {2, 0.3, 1.1, 0, 0.51100000000000003},
    {30, 0.01, 1.0, 3, 0.00354030721842431},
    {504, 0.01, 1.02, 5, 0.95665533108980628},
    {504, 0.01, 1.02, 30, 6.8858018989907403e-14},
    {504, 0.01, 1.0, 0, 0.0063115798023972737},
    {504, 0.99, 1.3, 504, 0.011950259945433321},
    {504, 0.99, 3.0, 440, 2.4004020829719132e-10},
    {12096, 0.005, 1.5, 61, 0.92894914708398649},
    {12096, 0.005, 1.5, 160, 3.3656601054309512e-16},
    {12096, 0.005, 8.0, 3, 2.7936431429697938e-6},
    {3000, 0.02, 40.0, 300, 0.0028966667369977266},
    {600, 0.1, 400.0, 0, 0.65356735660703373},
    {600, 0.1, 590.0, 600, 0.089913632067136991},
    {600, 0.1, 590.0, 60, 0.20663232553776936},
    {2000, 0.04, 1.0, 400, 3.9436415661616378e-155},
    {12096, 0.008, 1.0, 1500, 0}, /* 7e-1216 */
};

static void test_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(exact); i++) {
        struct vg_count_law law = {exact[i].n, exact[i].share, exact[i].variance};
        struct vg_count_law other = {exact[i].n, 1 - exact[i].share, exact[i].variance};
        double p = vg_count_mid_p(&law, exact[i].count), want = exact[i].p;
        double mirrored = vg_count_mid_p(&other, exact[i].n - exact[i].count);
        if (fabs(p - want) > 1e-11 * want || fabs(mirrored - want) > 1e-9 * want) {
            print_error("%zu: got %.17g and %.17g, want %.17g\n", i, p, mirrored, want);
            fail();
        }
    }
    struct vg_count_law one = {1, 0.5, 1}, none = {0, 0.5, 1};
    assert_true(vg_count_mid_p(&one, 1) == 1 && vg_count_mid_p(&none, 0) == 1);
}

/* What is called usual is so, for every count of laws of all shapes; and the common ones are. */
static void test_usual(void **state)
{
    (void)state;
    const double rows[] = {2, 30, 504, 3000}, shares[] = {1e-9, 0.003, 0.04, 0.3, 0.98},
                 variances[] = {1, 1.3, 6, 40, 400};
    for (size_t i = 0; i < COUNT(rows) * COUNT(shares) * COUNT(variances); i++) {
        struct vg_count_law law = {rows[i % COUNT(rows)], shares[i / COUNT(rows) % COUNT(shares)],
                                   variances[i / COUNT(rows) / COUNT(shares)]};
        double n = law.n, centre = floor(n * law.share);
        for (double count = fmax(0, centre - 300); count <= fmin(n, centre + 300); count++) {
            double p = vg_count_mid_p(&law, count);
            if (!vg_count_is_usual(&law, count, fmax(p * (1 + 1e-9), 1e-290)))
                continue;
            print_error("law of %g rows, share %g, variance %g: count %g with p %g\n", n, law.share,
                        law.variance, count, p);
            fail();
        }
    }
    struct vg_count_law law = {504, 0.04, 1.3}, one = {1, 0.5, 1};
    double sd = sqrt(504 * 0.04 * 0.96 * 1.3);
    assert_true(vg_count_is_usual(&law, round(504 * 0.04 - 2 * sd), 1e-4));
    assert_true(vg_count_is_usual(&law, round(504 * 0.04 + 2 * sd), 1e-4));
    assert_true(vg_count_is_usual(&one, 0, 1) && vg_count_is_usual(&law, 20, 0));
}

/* The arcsine scale: at the mean 0, and the p of five deviations for a large count. */
static void test_score(void **state)
{
    (void)state;
    struct vg_count_law law = {1000000, 0.25, 1};
    assert_true(vg_count_score(&law, 250000) < 0.001);
    double five = 250000 + 5 * sqrt(1000000 * 0.25 * 0.75);
    assert_true(fabs(vg_count_score(&law, five) - 5) < 0.01);
    law.variance = 4;
    assert_true(fabs(vg_count_score(&law, five) - 2.5) < 0.005);
    assert_true(fabs(vg_count_p(&law, five) - vg_normal_tails(vg_count_score(&law, five))) == 0);
}

/* A count beyond the limit is below p, one at it is not: on both sides, of both laws. */
static void check_limits(const struct vg_count_law *law, double p)
{
    double up = vg_count_limit(law, p, 1), down = vg_count_limit(law, p, -1);
    assert_true(up > 0 && down < 0);
    for (double count = 0; count <= law->n; count += law->n > 1000 ? 7 : 1) {
        double value = count / law->n - law->share;
        bool beyond = value > up || value < down;
        if (beyond != (vg_count_p(law, count) < p)) {
            print_error("law of %g rows, p %g, count %g\n", law->n, p, count);
            fail();
        }
    }
}

static void test_limits(void **state)
{
    (void)state;
    const struct vg_count_law laws[] = {
        {504, 0.01, 1.1}, {504, 0.3, 1.5}, {12000, 0.001, 6}, {12000, 0.97, 2}, {30, 0.2, 1.01}};
    for (size_t i = 0; i < COUNT(laws); i++) {
        for (double p = 0.3; p > 1e-30; p /= 10)
            check_limits(&laws[i], p);
        assert_true(isinf(vg_count_limit(&laws[i], 0, 1)) && vg_count_limit(&laws[i], 0, -1) < 0);
    }
}

/* Finite, in 0 .. 1 and quick for rows near 2^53 and variances of any size. */
static void test_hostile(void **state)
{
    (void)state;
    const double rows[] = {2, 30, 1e6, 1e12, 0x1p53}, variances[] = {1, 1.5, 100, 2000};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(variances); j++) {
            struct vg_count_law law = {rows[i], fmin(0.5, 50 / rows[i]), variances[j]};
            for (double count = 0; count <= 200 && count <= rows[i]; count += 10) {
                double p = vg_count_p(&law, count);
                assert_true(p >= 0 && p <= 1);
            }
            double p = vg_count_p(&law, rows[i]);
            assert_true(p >= 0 && p <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),  cmocka_unit_test(test_usual),   cmocka_unit_test(test_score),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests_name("stat_counts", tests, NULL, NULL);
}
