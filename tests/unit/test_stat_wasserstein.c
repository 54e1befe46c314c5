/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_wasserstein.c and checks/stat_variance.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_variance.h"
#include "checks/stat_wasserstein.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    double v, t, a2, auc, p, w1;
} random_rows[] = {
#include "tests/fixtures/drift_random.inc"
};

static struct vg_wasserstein compare(const struct samples *samples)
{
    return vg_wasserstein(&samples->counts, samples->q, &samples->ref_side, &samples->now_side);
}

static bool is_between(double lo, double x, double hi)
{
    double slack = 1e-9 * fmax(1, fabs(x));
    return lo <= x + slack && x <= hi + slack;
}

/* SciPy's distance lies within the bounds, on all values of the reference and on fewer. */
static void test_bounds_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(random_rows); i++) {
        struct samples samples = samples_case(i);
        for (size_t step = 1; step <= 4; step++) {
            samples_count(&samples, step);
            struct vg_wasserstein w1 = compare(&samples);
            if (!is_between(w1.lo, random_rows[i].w1, w1.hi)) {
                print_error("case %zu: %.17g not in [%.17g, %.17g]\n", i, random_rows[i].w1, w1.lo,
                            w1.hi);
                fail();
            }
            samples.ref_side.min = samples.ref_side.max = NAN; /* a private column's */
            struct vg_wasserstein hidden = compare(&samples);
            assert_true(is_between(hidden.lo, random_rows[i].w1, hidden.hi));
            samples.now_side.gaps = NULL; /* not counted */
            struct vg_wasserstein blunt = compare(&samples);
            assert_true(is_between(blunt.lo, random_rows[i].w1, blunt.hi));
            assert_true(is_between(blunt.lo, w1.lo, w1.hi) && is_between(w1.lo, w1.hi, blunt.hi));
        }
        samples_free(&samples);
    }
}

static double find_exact(const struct samples *samples)
{
    double sum = 0, last = 0;
    size_t i = 0, j = 0;
    while (i < samples->m || j < samples->n) {
        bool first = j == samples->n || (i < samples->m && samples->ref[i] <= samples->now[j]);
        double x = first ? samples->ref[i] : samples->now[j];
        if (i || j)
            sum +=
                fabs((double)i / (double)samples->m - (double)j / (double)samples->n) * (x - last);
        last = x;
        i += first;
        j += !first;
    }
    return sum;
}

static void fill_normal(struct samples *samples, double shift, uint64_t *seed)
{
    for (size_t i = 0; i < samples->m; i++)
        samples->ref[i] = samples_normal(seed);
    for (size_t i = 0; i < samples->n; i++)
        samples->now[i] = samples_normal(seed) + shift;
    samples_count(samples, 1);
}

/* How far the bounds are apart, of the published samples. */
static void test_widths(void **state)
{
    (void)state;
    static const struct {
        size_t m, n;
        double shift, width;
    } rows[] = {
        {2000, 500, .1, .018},
        {10000, 100000, .02, .003},
        {100, 100000, .1, .18},
        {300, 100, 20, 1e-9},
    };
    uint64_t seed = 11;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct samples samples = samples_new(rows[i].m, rows[i].n);
        fill_normal(&samples, rows[i].shift, &seed);
        struct vg_wasserstein w1 = compare(&samples);
        double exact = find_exact(&samples);
        assert_true(is_between(w1.lo, exact, w1.hi));
        print_message("m %zu, n %zu: W1 %.4g, width %.2g %%\n", rows[i].m, rows[i].n, exact,
                      100 * (w1.hi - w1.lo) / exact);
        assert_true(w1.hi - w1.lo <= rows[i].width * exact);
        samples_free(&samples);
    }
}

/* Without change the floor is passed about once in 1000, p is about uniform. */
static void test_noise_floor(void **state)
{
    (void)state;
    static const struct {
        size_t m, n;
        int shape; /* 0 normal, 1 lognormal, 2 of five values */
    } rows[] = {{2000, 200, 0}, {2000, 500, 1}, {400, 400, 2}};
    enum { DRAWS = 1500 };
    uint64_t seed = 3;
    for (size_t r = 0; r < COUNT(rows); r++) {
        size_t above = 0, below_tenth = 0, below_half = 0;
        struct samples samples = samples_new(rows[r].m, rows[r].n);
        for (size_t i = 0; i < DRAWS; i++) {
            fill_normal(&samples, 0, &seed);
            for (size_t k = 0; k < samples.m + samples.n; k++) {
                double *x = k < samples.m ? &samples.ref[k] : &samples.now[k - samples.m];
                *x = rows[r].shape == 1 ? exp(*x) : rows[r].shape == 2 ? floor(*x) : *x;
            }
            samples_count(&samples, 1);
            struct vg_wasserstein w1 = compare(&samples);
            above += w1.lo > w1.floor;
            below_tenth += w1.p < 0.1;
            below_half += w1.p < 0.5;
        }
        print_message("shape %d: %zu above the floor, p < .1 %.3f, p < .5 %.3f\n", rows[r].shape,
                      above, (double)below_tenth / DRAWS, (double)below_half / DRAWS);
        assert_true(above <= 15); /* 1.5 expected; skewed samples have more */
        assert_true(below_tenth <= DRAWS / 8 && below_half <= DRAWS * 6 / 10);
        assert_true(below_tenth >= DRAWS / 16);
        samples_free(&samples);
    }
}

static void test_degenerate_samples(void **state)
{
    (void)state;
    const double q[1] = {5}, wide[2] = {-1.7e308, 1.7e308};
    const uint64_t ref[5] = {0, 40, 0, 60, 0}, now[5] = {0, 0, 0, 50, 0}, none[5] = {0, 0, 0, 0, 0};
    const uint64_t one[3] = {0, 300, 0}, above[3] = {0, 0, 9};
    struct vg_wasserstein_side five = {5, 5, 5, NULL}, seven = {7, 7, 7, NULL};
    struct vg_wasserstein_side unknown = {NAN, NAN, NAN, NULL};
    struct vg_ks_counts same = {one, one, 3, true}, apart = {one, above, 3, true};
    struct vg_wasserstein w1 = vg_wasserstein(&same, q, &five, &five);
    assert_true(w1.lo == 0 && w1.hi == 0 && w1.p == 1 && w1.floor == 0);
    w1 = vg_wasserstein(&apart, q, &five, &seven);
    assert_true(w1.lo == 2 && w1.hi == 2 && w1.p == 0 && w1.floor == 0);
    w1 = vg_wasserstein(&(struct vg_ks_counts){one, none, 3, true}, q, &five, &unknown);
    assert_true(isnan(w1.lo) && isnan(w1.hi) && isnan(w1.p) && isnan(w1.floor));
    w1 = vg_wasserstein(&(struct vg_ks_counts){ref, now, 5, true}, wide, &unknown, &unknown);
    assert_true(!isfinite(w1.lo)); /* beyond double: the check says so */
}

/* --- variance --- */

static void test_log_variance(void **state)
{
    (void)state;
    struct vg_log_variance same = vg_log_variance(3, 100, 3, 1000, 3);
    assert_true(same.value == 0 && same.p == 1);
    struct vg_log_variance more = vg_log_variance(1.1, 500, 1, 50000, 3);
    samples_assert(more.value, 2 * log(1.1), 1e-14, "value", 0);
    /* z = .19062 / sqrt(2 / 500 + 2 / 50000) */
    samples_assert(more.p, erfc(2 * log(1.1) / sqrt(0.004 + 0.00004) / M_SQRT2), 1e-12, "p", 0);
    assert_true(isnan(vg_log_variance(1, 5, 2, 5, (double)NAN).p));
    assert_true(fabs(vg_log_variance(1e300, 9, 1e-300, 9, 3).value - 4 * 300 * log(10)) < 1e-9);
    assert_true(isfinite(vg_log_variance(1e308, 9, 1e-308, 9, 3).value));
}

static void test_kurtosis(void **state)
{
    (void)state;
    double q[3] = {-1, 0, 1}, far[3] = {-1e308, 0, 1e308}, one[1] = {4};
    uint64_t cells[7] = {0, 1, 0, 2, 0, 1, 0}, all[3] = {0, 9, 0};
    struct vg_grid grid = {.n = 3, .q = q};
    struct vg_distribution distribution = {.grid = &grid, .cells = cells, .n = 4};
    samples_assert(vg_kurtosis(&distribution), 2, 1e-14, "kurtosis", 0); /* .5 / .25 */
    grid.q = far;
    samples_assert(vg_kurtosis(&distribution), 2, 1e-14, "kurtosis", 1);
    struct vg_grid constant = {.n = 1, .q = one};
    struct vg_distribution point = {.grid = &constant, .cells = all, .n = 9};
    assert_true(isnan(vg_kurtosis(&point)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_hold),  cmocka_unit_test(test_widths),
        cmocka_unit_test(test_noise_floor),  cmocka_unit_test(test_degenerate_samples),
        cmocka_unit_test(test_log_variance), cmocka_unit_test(test_kurtosis),
    };
    return cmocka_run_group_tests_name("stat_wasserstein", tests, NULL, NULL);
}
