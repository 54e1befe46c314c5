/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics of drift on the samples that were published with their accuracy, against direct
 * computation from the values; and how often fixed thresholds on effect sizes are passed without
 * any change, as was published of tools that use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_divergence.h"
#include "checks/stat_edf.h"
#include "checks/stat_mann_whitney.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct direct {
    double d, v, t, a2, auc, w1;
};

/* All of them by their definitions, group of equal values by group. */
static struct direct compute(const struct samples *samples)
{
    long double m = (long double)samples->m, n = (long double)samples->n, all = m + n;
    long double up = 0, down = 0, t = 0, a2 = 0, auc = 0, w1 = 0, last = 0, d = 0;
    size_t i = 0, j = 0;
    while (i < samples->m || j < samples->n) {
        bool first = j == samples->n || (i < samples->m && samples->ref[i] <= samples->now[j]);
        double x = first ? samples->ref[i] : samples->now[j];
        long double r = 0, c = 0, before = (long double)i;
        w1 += i || j ? fabsl(d) * ((long double)x - last) : 0;
        for (; i < samples->m && samples->ref[i] <= x; i++)
            r++;
        for (; j < samples->n && samples->now[j] <= x; j++)
            c++;
        long double h = (long double)(i + j) / all;
        d = (long double)i / m - (long double)j / n;
        up = fmaxl(up, d);
        down = fmaxl(down, -d);
        t += (r + c) * d * d;
        a2 += h < 1 ? (r + c) * d * d / (h * (1 - h)) : 0;
        auc += c * (before + r / 2);
        last = x;
    }
    return (struct direct){.d = (double)fmaxl(up, down),
                           .v = (double)(up + down),
                           .t = (double)(t * m * n / all / all),
                           .a2 = (double)(a2 * m * n / all / all),
                           .auc = (double)(auc / m / n),
                           .w1 = (double)w1};
}

enum law { NORMAL, LOGNORMAL, ROUNDED, INTEGERS };

static double draw(enum law law, double shift, double unit, uint64_t *seed)
{
    if (law == INTEGERS)
        return (double)samples_below(seed, (uint64_t)unit);
    double x = samples_normal(seed) + shift;
    return law == LOGNORMAL ? exp(x) : law == ROUNDED ? floor(x / unit + .5) * unit : x;
}

static const struct published {
    size_t m, n;
    enum law law;
    double shift, unit, unit_now, width; /* of W1, relative; NAN: not published */
    bool tied;                           /* values of the window may be equal inside a gap */
} published[] = {
    {2000, 500, NORMAL, .1, 0, 0, .018, false},    {10000, 100000, NORMAL, .02, 0, 0, .003, false},
    {100, 100000, NORMAL, .1, 0, 0, .18, false},   {3000, 800, INTEGERS, 0, 20, 22, NAN, true},
    {3000, 800, ROUNDED, .1, .1, .1, NAN, true},   {3000, 800, ROUNDED, .1, .1, .05, NAN, true},
    {3000, 1000, LOGNORMAL, .2, 0, 0, NAN, false}, {300, 100, NORMAL, 20, 0, 0, 1e-12, false},
};

static void compare_squares(const struct vg_edf *edf, double want, bool tied, size_t row)
{
    double slack = 1e-12 * fmax(1, want);
    if (!tied)
        samples_assert(edf->value / want, 1, 1e-12, "T or A2", row);
    assert_true(edf->lo <= want + slack && want <= edf->hi + slack);
    if (published[row].m >= 1000 && published[row].n <= 1000) /* bounds that say something */
        assert_true(edf->hi - edf->lo <= 0.1 * want);
}

static void test_published_samples(void **state)
{
    (void)state;
    uint64_t seed = 20010101;
    for (size_t i = 0; i < COUNT(published); i++) {
        const struct published *row = &published[i];
        struct samples samples = samples_new(row->m, row->n);
        for (size_t k = 0; k < row->m; k++)
            samples.ref[k] = draw(row->law, 0, row->unit, &seed);
        for (size_t k = 0; k < row->n; k++)
            samples.now[k] = draw(row->law, row->shift, row->unit_now, &seed);
        samples_count(&samples, 1);
        struct direct want = compute(&samples);
        struct vg_ks ks;
        vg_ks_compare(&samples.counts, &ks);
        struct vg_edf v = vg_edf_kuiper(&samples.counts);
        struct vg_edf t = vg_edf_cramer_von_mises(&samples.counts);
        struct vg_edf a2 = vg_edf_anderson_darling(&samples.counts);
        struct vg_wasserstein w1 =
            vg_wasserstein(&samples.counts, samples.q, &samples.ref_side, &samples.now_side);
        samples_assert(ks.d, want.d, 4e-16, "D", i);
        samples_assert(ks.hi, want.d, 4e-16, "upper bound of D", i);
        samples_assert(v.value, want.v, 4e-16, "V", i);
        samples_assert(vg_mann_whitney(&samples.counts).auc, want.auc, 4e-16, "AUC", i);
        compare_squares(&t, want.t, row->tied, i);
        compare_squares(&a2, want.a2, row->tied, i);
        assert_true(w1.lo <= want.w1 + 1e-9 && want.w1 <= w1.hi + 1e-9);
        print_message("row %zu: T %.4g in [%.4g, %.4g], W1 %.4g, width %.2g %%\n", i, want.t, t.lo,
                      t.hi, want.w1, 100 * (w1.hi - w1.lo) / want.w1);
        if (!isnan(row->width))
            assert_true(w1.hi - w1.lo <= row->width * want.w1);
        samples_free(&samples);
    }
}

/* --- No change: how often a fixed threshold of 0.1 is passed --- */

enum { M = 10000, SIZES = 5 };
static const size_t sizes[SIZES] = {100, 200, 500, 1000, 2000};

static double draw_shape(int shape, uint64_t *seed)
{
    double x = samples_normal(seed), sum = 0;
    for (int k = 0; k < 3 && shape == 2; k++)
        sum += pow(samples_normal(seed), 2);
    return shape == 0 ? x : shape == 1 ? exp(x) : x / sqrt(sum / 3);
}

static double find_deviation(const double *x, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - sum) * (x[i] - sum) / (double)(n - 1);
    return sqrt(squares);
}

static void assert_share(size_t above, size_t draws, double want, size_t size)
{
    double share = (double)above / (double)draws;
    if (fabs(share - want) > .08)
        print_error("n %zu: %.3f, published %.2f\n", size, share, want);
    assert_true(fabs(share - want) <= .08);
}

enum { EACH = 10, REFERENCES = 30 }; /* a reference serves ten draws */

static void count_wasserstein(int shape, uint64_t *seed, size_t above[SIZES])
{
    struct samples samples = samples_new(M, sizes[SIZES - 1]);
    for (size_t k = 0; k < REFERENCES * SIZES * EACH; k++) {
        for (size_t i = 0; i < M && k % (SIZES * EACH) == 0; i++)
            samples.ref[i] = draw_shape(shape, seed);
        samples.n = sizes[k % SIZES];
        for (size_t i = 0; i < samples.n; i++)
            samples.now[i] = draw_shape(shape, seed);
        samples_count(&samples, 1);
        struct vg_wasserstein w1 =
            vg_wasserstein(&samples.counts, samples.q, &samples.ref_side, &samples.now_side);
        above[k % SIZES] += (w1.lo + w1.hi) / 2 >= .1 * find_deviation(samples.ref, M);
    }
    samples_free(&samples);
}

static void test_wasserstein_without_change(void **state)
{
    (void)state;
    static const double shares[3][SIZES] = {
        {.68, .34, .06, .01, .00}, {.66, .30, .05, .00, .00}, {.91, .54, .12, .01, .00}};
    uint64_t seed = 12;
    for (int shape = 0; shape < 3; shape++) {
        size_t above[SIZES] = {0};
        count_wasserstein(shape, &seed, above);
        for (size_t s = 0; s < SIZES; s++)
            assert_share(above[s], REFERENCES * EACH, shares[shape][s], sizes[s]);
    }
}

enum { DRAWS = 1600, MOST_BINS = 200 };

static void fill(uint64_t *bins, size_t nbins, size_t rows, uint64_t *seed)
{
    for (size_t i = 0; i < nbins; i++)
        bins[i] = 0;
    for (size_t i = 0; i < rows; i++)
        bins[samples_below(seed, nbins)]++;
}

static size_t count_jensen_shannon(size_t nbins, size_t rows, uint64_t *seed)
{
    uint64_t ref[MOST_BINS], now[MOST_BINS];
    size_t above = 0;
    for (size_t k = 0; k < DRAWS; k++) {
        if (k % EACH == 0)
            fill(ref, nbins, M, seed);
        fill(now, nbins, rows, seed);
        struct vg_bins bins = {.ref = ref, .now = now, .n = nbins};
        vg_bins_sum(&bins);
        above += vg_divergence_js(&bins) >= .1;
    }
    return above;
}

static void test_jensen_shannon_without_change(void **state)
{
    (void)state;
    static const struct {
        size_t bins;
        double shares[SIZES];
    } rows[] = {{8, {.38, .01, .00, 0, 0}},
                {20, {1.00, .68, .01, 0, 0}},
                {50, {1.00, 1.00, .90, .02, 0}},
                {200, {1.00, 1.00, 1.00, 1.00, 1.00}}};
    uint64_t seed = 13;
    for (size_t i = 0; i < COUNT(rows) * SIZES; i++) {
        size_t row = i / SIZES, s = i % SIZES;
        assert_share(count_jensen_shannon(rows[row].bins, sizes[s], &seed), DRAWS,
                     rows[row].shares[s], sizes[s]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_samples),
        cmocka_unit_test(test_wasserstein_without_change),
        cmocka_unit_test(test_jensen_shannon_without_change),
    };
    return cmocka_run_group_tests_name("stat_published", tests, NULL, NULL);
}
