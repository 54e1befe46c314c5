/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_edf.c and checks/stat_mann_whitney.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "checks/stat_edf.h"
#include "checks/stat_mann_whitney.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    double v, t, a2, auc, p, w1;
} random_rows[] = {
#include "tests/fixtures/drift_random.inc"
};
static const struct {
    size_t m, n;
    double power, shift, t, p, a2, w1;
} untied_rows[] = {
#include "tests/fixtures/drift_untied.inc"
};
struct tail {
    double x, p;
};
static const struct tail kuiper_rows[] = {
#include "tests/fixtures/kuiper.inc"
};
static const struct tail cvm_rows[] = {
#include "tests/fixtures/cvm.inc"
};
static const struct tail ad_rows[] = {
#include "tests/fixtures/ad.inc"
};

static bool holds(const struct samples *samples, double x)
{
    for (size_t i = 0; i < samples->k; i++) {
        if (samples->q[i] == x)
            return true;
    }
    return false;
}

/* Values of the current sample that are equal inside a gap. */
static bool has_ties(const struct samples *samples)
{
    for (size_t i = 1; i < samples->n; i++) {
        if (samples->now[i] == samples->now[i - 1] && !holds(samples, samples->now[i]))
            return true;
    }
    return false;
}

/* The exact value lies within the bounds, ties in gaps or not. */
static void assert_within(const struct vg_edf *edf, double exact, size_t row)
{
    double slack = 1e-12 * fmax(1, exact);
    if (edf->lo <= exact + slack && exact <= edf->hi + slack && edf->lo <= edf->value &&
        edf->value <= edf->hi)
        return;
    print_error("row %zu: %.17g not in [%.17g, %.17g]\n", row, exact, edf->lo, edf->hi);
    fail();
}

static void test_random_ties(void **state)
{
    (void)state;
    size_t squares = 0;
    for (size_t i = 0; i < COUNT(random_rows); i++) {
        struct samples samples = samples_case(i);
        struct vg_edf v = vg_edf_kuiper(&samples.counts);
        struct vg_mann_whitney auc = vg_mann_whitney(&samples.counts);
        samples_assert(v.lo, random_rows[i].v, 4e-16, "V", i);
        samples_assert(v.hi, v.lo, 4e-16, "upper bound of V", i);
        samples_assert(auc.auc, random_rows[i].auc, 4e-16, "AUC", i);
        assert_true(auc.lo == auc.auc && auc.hi == auc.auc);
        struct vg_edf t = vg_edf_cramer_von_mises(&samples.counts);
        struct vg_edf a2 = vg_edf_anderson_darling(&samples.counts);
        assert_within(&t, random_rows[i].t, i);
        assert_within(&a2, random_rows[i].a2, i);
        if (!has_ties(&samples)) {
            samples_assert(t.value, random_rows[i].t, 1e-12, "T", i);
            samples_assert(a2.value, random_rows[i].a2, 1e-12, "A2", i);
            samples_assert(auc.p, random_rows[i].p, 1e-12, "p of AUC", i);
            squares++;
        }
        samples_free(&samples);
    }
    assert_true(squares > 500);
}

static struct samples make_untied(size_t i)
{
    size_t m = untied_rows[i].m, n = untied_rows[i].n;
    struct samples samples = samples_new(m, n);
    for (size_t k = 0; k < m; k++)
        samples.ref[k] = ((double)k + .2371) / (double)m;
    for (size_t k = 0; k < n; k++)
        samples.now[k] =
            pow(((double)k + .6) / (double)n, untied_rows[i].power) + untied_rows[i].shift;
    samples_count(&samples, 1);
    return samples;
}

static void test_scipy_without_ties(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(untied_rows); i++) {
        struct samples samples = make_untied(i);
        struct vg_edf t = vg_edf_cramer_von_mises(&samples.counts);
        struct vg_edf a2 = vg_edf_anderson_darling(&samples.counts);
        samples_assert(t.value, untied_rows[i].t, 1e-12, "T", i);
        samples_assert(a2.value, untied_rows[i].a2, 1e-12, "A2", i);
        if (samples.m + samples.n >= 40)
            samples_assert(t.p, untied_rows[i].p, 1e-7, "p of T", i); /* SciPy ends its series */
        samples_free(&samples);
    }
}

/* On fewer thresholds the exact values lie between the bounds. */
static void test_bounds_on_a_coarse_grid(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(untied_rows); i++) {
        struct samples samples = make_untied(i);
        struct vg_edf v = vg_edf_kuiper(&samples.counts);
        struct vg_edf t = vg_edf_cramer_von_mises(&samples.counts);
        struct vg_edf a2 = vg_edf_anderson_darling(&samples.counts);
        struct vg_mann_whitney auc = vg_mann_whitney(&samples.counts);
        samples_count(&samples, 3);
        struct vg_edf coarse_v = vg_edf_kuiper(&samples.counts);
        struct vg_edf coarse_t = vg_edf_cramer_von_mises(&samples.counts);
        struct vg_edf coarse_a2 = vg_edf_anderson_darling(&samples.counts);
        struct vg_mann_whitney coarse = vg_mann_whitney(&samples.counts);
        double slack = 1e-12;
        assert_true(coarse_v.lo <= v.lo + slack && v.lo <= coarse_v.hi + slack);
        assert_within(&coarse_t, t.value, i);
        assert_within(&coarse_a2, a2.value, i);
        assert_true(coarse.lo <= auc.auc + slack && auc.auc <= coarse.hi + slack);
        assert_true(coarse.p >= auc.p * (1 - 1e-9) || coarse.p >= auc.p - 1e-12);
        samples_free(&samples);
    }
}

static void test_limit_laws(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kuiper_rows); i++) {
        double p = vg_edf_kuiper_limit(kuiper_rows[i].x);
        samples_assert(p / kuiper_rows[i].p, 1, 1e-12, "Kuiper's law", i);
    }
    for (size_t i = 0; i < COUNT(cvm_rows); i++)
        samples_assert(vg_edf_cramer_von_mises_limit(cvm_rows[i].x), cvm_rows[i].p, 1e-12,
                       "Cramer and von Mises's law", i);
    for (size_t i = 0; i < COUNT(ad_rows); i++)
        samples_assert(vg_edf_anderson_darling_limit(ad_rows[i].x), ad_rows[i].p, 1e-8,
                       "Anderson and Darling's law", i);
    assert_true(vg_edf_kuiper_limit(0) == 1 && vg_edf_cramer_von_mises_limit(-1) == 1);
    assert_true(vg_edf_anderson_darling_limit(0) == 1);
    /* Far out one eigenvalue is left: 1 / pi^2 and 1 / 2. */
    double cvm = vg_edf_cramer_von_mises_limit(60) / vg_edf_cramer_von_mises_limit(59);
    double ad = vg_edf_anderson_darling_limit(600) / vg_edf_anderson_darling_limit(599);
    assert_true(fabs(cvm / exp(-M_PI * M_PI / 2) - 1) < 0.01);
    assert_true(fabs(ad / exp(-1) - 1) < 0.01);
}

static struct vg_ks_counts make_counts(const uint64_t *ref, const uint64_t *now, size_t cells)
{
    return (struct vg_ks_counts){ref, now, cells, true};
}

static void test_degenerate_samples(void **state)
{
    (void)state;
    const uint64_t none[3] = {0, 0, 0}, one[3] = {0, 7, 0}, above[3] = {0, 0, 9};
    struct vg_ks_counts empty = make_counts(one, none, 3), same = make_counts(one, one, 3);
    struct vg_ks_counts apart = make_counts(one, above, 3);
    assert_true(isnan(vg_edf_kuiper(&empty).lo) && isnan(vg_edf_kuiper(&empty).p));
    assert_true(isnan(vg_edf_cramer_von_mises(&empty).lo));
    assert_true(isnan(vg_edf_anderson_darling(&empty).hi));
    assert_true(isnan(vg_mann_whitney(&empty).auc) && isnan(vg_mann_whitney(&empty).p));
    assert_true(vg_edf_kuiper(&same).lo == 0 && vg_edf_kuiper(&same).p == 1);
    assert_true(vg_edf_cramer_von_mises(&same).hi == 0);
    assert_true(vg_edf_anderson_darling(&same).hi == 0);
    assert_true(isnan(vg_edf_anderson_darling(&same).p)); /* one value: no law */
    assert_true(vg_mann_whitney(&same).auc == 0.5 && vg_mann_whitney(&same).p == 1);
    assert_true(vg_edf_kuiper(&apart).lo == 1 && vg_mann_whitney(&apart).auc == 1);
    assert_true(vg_mann_whitney(&apart).p < 0.01);
}

/* Counts near the largest: everything stays finite, and equal samples do not differ. */
static void test_huge_counts(void **state)
{
    (void)state;
    const uint64_t ref[5] = {0, 5000000000, 0, 5000000000, 0};
    const uint64_t now[5] = {10000000000, 0, 0, 0, 0};
    struct vg_ks_counts same = make_counts(ref, ref, 5), apart = make_counts(ref, now, 5);
    assert_true(vg_edf_kuiper(&same).lo == 0 && vg_edf_anderson_darling(&same).lo == 0);
    assert_true(vg_mann_whitney(&same).auc == 0.5 && vg_mann_whitney(&same).p == 1);
    struct vg_edf a2 = vg_edf_anderson_darling(&apart), t = vg_edf_cramer_von_mises(&apart);
    assert_true(isfinite(a2.value) && a2.lo <= a2.value && isfinite(a2.hi));
    assert_true(isfinite(t.value) && t.lo <= t.value && t.value <= t.hi);
    assert_true(vg_edf_kuiper(&apart).lo == 1 && vg_mann_whitney(&apart).auc == 0);
    assert_true(vg_mann_whitney(&apart).p == 0);
    /* G rises to 1 over half of the values, F afterwards in two steps: the mean of (F - G)^2 is
     * (1/3 + 1/2 (1/4 + 0)) / 2, times m n / N. */
    assert_true(fabs(t.value / 5e9 / ((1 / 3.0 + 1 / 8.0) / 2) - 1) < 1e-6);
}

/* The blocks of a long gap give what its values give one by one. */
static void test_long_gap(void **state)
{
    (void)state;
    const uint64_t ref[5] = {0, 300, 0, 200, 0}, now[5] = {10, 0, 400000, 0, 90000};
    struct vg_ks_counts counts = make_counts(ref, now, 5);
    double m = 500, n = 490010, all = m + n;
    long double sum = 0, a2 = 0, r = 0, c = 0;
    for (size_t i = 0; i < 5; i++) {
        for (uint64_t k = 0; k < now[i]; k++) {
            c++;
            long double d = r / m - c / n, h = (r + c) / all;
            sum += d * d;
            a2 += h < 1 ? d * d / (h * (1 - h)) : 0;
        }
        r += ref[i];
        if (ref[i]) {
            long double d = r / m - c / n, h = (r + c) / all;
            sum += d * d * ref[i];
            a2 += h < 1 ? d * d / (h * (1 - h)) * ref[i] : 0;
        }
    }
    double t = (double)(sum * m * n / all / all), want = (double)(a2 * m * n / all / all);
    samples_assert(vg_edf_cramer_von_mises(&counts).value / t, 1, 1e-9, "T", 0);
    samples_assert(vg_edf_anderson_darling(&counts).value / want, 1, 1e-6, "A2", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_ties),
        cmocka_unit_test(test_scipy_without_ties),
        cmocka_unit_test(test_bounds_on_a_coarse_grid),
        cmocka_unit_test(test_limit_laws),
        cmocka_unit_test(test_degenerate_samples),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_long_gap),
    };
    return cmocka_run_group_tests_name("stat_edf", tests, NULL, NULL);
}
