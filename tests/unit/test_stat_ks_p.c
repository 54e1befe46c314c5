/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the p-values of checks/stat_ks.c against R and SciPy (tests/fixtures/). Tolerances:
 * exact p 1e-12 absolute with ties (R), 1e-6 relative without (SciPy); the limit law 1e-13
 * relative. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checks/stat_ks.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_close(double got, double want, double tolerance, const char *what, size_t i)
{
    if (!(fabs(got - want) <= tolerance)) {
        print_error("%s %zu: got %.17g, want %.17g\n", what, i, got, want);
        fail();
    }
}

static double find_exact(const struct vg_ks_counts *counts, int64_t c)
{
    struct vg_error err;
    double p = NAN;
    assert_true(isfinite(vg_ks_cost(counts, c)));
    assert_int_equal(vg_ks_exact(counts, c, &p, &err), 0);
    return p;
}

/* --- p --- */

static const struct {
    size_t m, n, top;
    uint64_t ref[40], now[40];
    double d, p;
} tied[] = {
#include "tests/fixtures/ks_ties.inc"
};

static void test_p_with_ties_is_rs(void **state)
{
    (void)state;
    assert_int_equal(COUNT(tied), 40);
    for (size_t i = 0; i < COUNT(tied); i++) {
        struct vg_ks_counts counts = {tied[i].ref, tied[i].now, tied[i].top, false};
        struct vg_ks ks;
        double p = NAN;
        vg_ks_compare(&counts, &ks);
        assert_int_equal(ks.m, tied[i].m);
        assert_int_equal(ks.n, tied[i].n);
        assert_close(ks.d, tied[i].d, 4e-16, "D of case", i);
        assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_FEW_STEPS, &p, NULL), 0);
        assert_close(p, tied[i].p, 1e-12, "p of case", i);
        /* The samples swapped, and as cells of a grid whose gaps are empty: the same. */
        assert_close(
            find_exact(&(struct vg_ks_counts){tied[i].now, tied[i].ref, tied[i].top, false}, ks.c),
            p, 1e-13, "p of swapped case", i);
        uint64_t ref[81] = {0}, now[81] = {0};
        for (size_t j = 0; j < tied[i].top; j++) {
            ref[2 * j + 1] = tied[i].ref[j];
            now[2 * j + 1] = tied[i].now[j];
        }
        struct vg_ks_counts cells = {ref, now, 2 * tied[i].top + 1, true};
        assert_close(find_exact(&cells, ks.c), p, 0, "p from cells of case", i);
        /* Values taken as distinct can only raise it. */
        uint64_t m = tied[i].m, n = tied[i].n;
        assert_true(find_exact(&(struct vg_ks_counts){&m, &n, 1, true}, ks.c) >= p - 1e-13);
    }
}

static const struct {
    uint64_t m, n;
    int64_t c;
    double p;
} untied[] = {
#include "tests/fixtures/ks_exact.inc"
};

static void test_p_without_ties_is_scipys(void **state)
{
    (void)state;
    assert_true(COUNT(untied) > 30);
    assert_close(untied[4].p, 4.822818e-2, 5e-9, "published p of row", 4);
    for (size_t i = 0; i < COUNT(untied); i++) {
        struct vg_ks_counts counts = {&untied[i].m, &untied[i].n, 1, true};
        double p = find_exact(&counts, untied[i].c);
        assert_close(p, untied[i].p, 1e-6 * untied[i].p, "p of row", i);
    }
}

enum { MOST_CELLS = 15, MOST_VALUES = 2000 };

/* The mass of the states that lie at or beyond c after k + 1 values; it leaves u. */
static double take_beyond(double *u, int64_t m, int64_t n, int64_t k, int64_t c)
{
    double p = 0;
    for (int64_t i = 0; i <= m; i++) {
        if (llabs(i * (m + n) - (k + 1) * m) < c)
            continue;
        p += u[i];
        u[i] = 0;
    }
    return p;
}

/* p by the recursion over all states without band or buffer. */
static double find_naively(const struct vg_ks_counts *counts, int64_t m, int64_t n, int64_t c)
{
    static double u[MOST_VALUES];
    double p = 0;
    int64_t k = 0;
    memset(u, 0, sizeof u);
    u[0] = 1;
    for (size_t g = 0; g < counts->cells; g++) {
        int64_t size = (int64_t)(counts->ref[g] + counts->now[g]);
        for (int64_t v = 0; v < size; v++, k++) {
            double left = (double)(m + n - k);
            for (int64_t i = k < m ? k + 1 : m; i >= 0; i--)
                u[i] = u[i] * (double)(n - k + i < 0 ? 0 : n - k + i) / left +
                       (i ? u[i - 1] * (double)(m - i + 1) / left : 0);
            bool ends = v + 1 == size || (counts->gaps && g % 2 == 0);
            p += ends ? take_beyond(u, m, n, k, c) : 0;
        }
    }
    return p;
}

/* Cells of any size and kind, and any c, attained or not. */
static void test_p_of_random_cells(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t i = 0; i < 2000; i++) {
        uint64_t ref[MOST_CELLS], now[MOST_CELLS], sizes[4];
        int64_t m = 0, n = 0;
        for (size_t s = 0; s < 4; s++)
            sizes[s] = (seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407) >> 33;
        size_t cells = 1 + sizes[0] % MOST_CELLS;
        for (size_t g = 0; g < cells; g++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            ref[g] = (seed >> 33) % (1 + sizes[1] % 30);
            now[g] = (seed >> 45) % (1 + sizes[2] % 90);
            m += (int64_t)ref[g];
            n += (int64_t)now[g];
        }
        if (!m || !n)
            continue;
        struct vg_ks_counts counts = {ref, now, cells, i % 2 == 0};
        int64_t c = 1 + (int64_t)(sizes[3] % (uint64_t)(m * n)) / (i % 3 ? 8 : 1);
        double naive = fmin(find_naively(&counts, m, n, c), 1);
        assert_close(find_exact(&counts, c), naive, 1e-12 * naive, "p of case", i);
    }
}

static void test_p_of_equal_groups(void **state)
{
    (void)state;
    static const struct {
        uint64_t m, n, groups;
        double p;
    } rows[] = {
        {10000, 10000, 50, 3.036e-2}, {500, 10000, 50, 3.243e-2}, {1000, 100000, 100, 3.754e-2}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t m = rows[i].m, n = rows[i].n, ref[100], now[100];
        double mn = (double)m * (double)n;
        for (size_t g = 0; g < rows[i].groups; g++) {
            ref[g] = m / rows[i].groups;
            now[g] = n / rows[i].groups;
        }
        struct vg_ks_counts counts = {ref, now, rows[i].groups, false};
        int64_t c = (int64_t)ceil(1.3581 * sqrt(mn * (double)(m + n)));
        assert_close(find_exact(&counts, c), rows[i].p, 5e-6, "p of row", i);
    }
}

/* The smallest probabilities: all of one sample before the other, 2 / binomial(m + n, n). */
static void test_p_of_the_farthest_tail(void **state)
{
    (void)state;
    static const uint64_t sizes[][2] = {{5, 3}, {40, 200}, {450, 500}, {60, 20000}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        double m = (double)sizes[i][0], n = (double)sizes[i][1];
        double want = log(2) + lgamma(m + 1) + lgamma(n + 1) - lgamma(m + n + 1);
        struct vg_ks_counts counts = {&sizes[i][0], &sizes[i][1], 1, true};
        double p = find_exact(&counts, (int64_t)(m * n));
        assert_true(p > 0);
        assert_close(log(p), want, 1e-9 * fabs(want) + 1e-12, "log p of row", i);
    }
}

static void test_p_is_one_at_nought(void **state)
{
    (void)state;
    const uint64_t ref[5] = {0, 3, 0, 4, 0}, gap[5] = {2, 0, 7, 0, 1};
    assert_close(find_exact(&(struct vg_ks_counts){ref, ref, 5, true}, 0), 1, 0, "p of", 0);
    assert_close(find_exact(&(struct vg_ks_counts){gap, gap, 5, true}, 0), 1, 0, "p of", 1);
    assert_close(find_exact(&(struct vg_ks_counts){ref, gap, 5, true}, 1), 1, 1e-15, "p of", 2);
}

/* Exact within the cost, the limit law above it; at the seam they agree within 5 %. */
static void test_choice_of_the_law(void **state)
{
    (void)state;
    const uint64_t m = 10000, small = 10000, large = 10000000;
    struct vg_ks_counts counts = {&m, &small, 1, true};
    struct vg_ks ks = {.m = m, .n = small, .d = .0193, .c = 1930000};
    double p = 0;
    assert_true(vg_ks_cost(&counts, ks.c) < VG_KS_MOST_STEPS);
    assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
    assert_close(p, 4.822818e-2, 1e-8, "p of row", 0);
    assert_true(p != vg_ks_limit(sqrt(5000) * .0193));
    const uint64_t beyond = 1000000001;
    assert_true(isinf(vg_ks_cost(&(struct vg_ks_counts){&beyond, &m, 1, true}, 1)));
    assert_true(isinf(vg_ks_cost(&(struct vg_ks_counts){&m, &beyond, 1, true}, 1)));
    counts.now = &large;
    ks = (struct vg_ks){.m = m, .n = large, .d = .0136, .c = 1360000000};
    assert_true(vg_ks_cost(&counts, ks.c) > VG_KS_MOST_STEPS);
    assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
    double mn = (double)m * (double)large;
    assert_close(p, vg_ks_limit(sqrt(mn / (double)(m + large)) * .0136), 0, "p of row", 1);
}

/* The estimate may not fall below the work that a naive walk over all states would count. */
static void test_cost_is_an_upper_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tied); i++) {
        struct vg_ks_counts counts = {tied[i].ref, tied[i].now, tied[i].top, false};
        struct vg_ks ks;
        vg_ks_compare(&counts, &ks);
        int64_t m = (int64_t)tied[i].m, n = (int64_t)tied[i].n, k = 0, lo = 0, hi = 0;
        double cells = 0;
        for (size_t g = 0; g < tied[i].top; g++) {
            int64_t size = (int64_t)(tied[i].ref[g] + tied[i].now[g]);
            for (int64_t v = 0; v < size; v++) {
                k++;
                hi = hi < m && hi < k ? hi + 1 : hi;
                lo = k - n > lo ? k - n : lo;
                cells += (double)(hi - lo + 1);
            }
            while (lo <= hi && llabs(lo * (m + n) - k * m) >= ks.c)
                lo++;
            while (lo <= hi && llabs(hi * (m + n) - k * m) >= ks.c)
                hi--;
            if (lo > hi)
                break;
        }
        if (m <= n) /* the program walks over the smaller sample */
            assert_true(vg_ks_cost(&counts, ks.c) >= cells);
    }
}

/* Under a threshold p is only shown: 10 000 x 10 000 is left to the limit law. Near a limit on p it
 * is exact, far from one only where ties could still decide. */
static void test_exact_p_only_where_it_decides(void **state)
{
    (void)state;
    const uint64_t half[3] = {5000, 0, 5000}, low[3] = {5100, 0, 4900}, atoms[3] = {0, 5000, 5000};
    struct vg_ks_counts plain = {half, low, 3, true}, shared = {atoms, atoms, 3, true};
    struct vg_ks ks = {.m = 10000, .n = 10000, .d = .0193, .c = 1930000};
    double p = 0, limit = vg_ks_limit_p(&ks);
    assert_close(limit, vg_ks_limit(sqrt(5000) * .0193), 0, "p of row", 0);
    assert_int_equal(vg_ks_p(&plain, &ks, VG_KS_FEW_STEPS, &p, NULL), 0);
    assert_close(p, limit, 0, "p of row", 1);
    static const struct {
        double least, most;
        bool exact, exact_tied;
    } rows[] = {{.05, .05, true, true},    {.013, .013, true, true}, {.01, .01, false, true},
                {1e-9, 1e-9, false, true}, {.09, .09, true, true},   {.1, .1, false, false},
                {1e-8, .05, true, true},   {1e-8, .001, false, true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool exact = vg_ks_steps(&plain, &ks, rows[i].least, rows[i].most) == VG_KS_MOST_STEPS;
        bool with = vg_ks_steps(&shared, &ks, rows[i].least, rows[i].most) == VG_KS_MOST_STEPS;
        if (exact != rows[i].exact || with != rows[i].exact_tied)
            print_error("row %zu: exact %d, with ties %d\n", i, exact, with);
        assert_true(exact == rows[i].exact && with == rows[i].exact_tied);
    }
}

static void test_exact_p_is_affordable(void **state)
{
    (void)state;
    const uint64_t m = 10000;
    struct vg_ks_counts counts = {&m, &m, 1, true};
    find_exact(&counts, 1930000);
    assert_true(vg_ks_cost(&counts, 1930000) <= VG_KS_MOST_STEPS); /* about 10 ms */
}

/* --- limit law --- */

static const struct {
    double z, q;
} kolmogorov[] = {
#include "tests/fixtures/kolmogorov.inc"
};

static void test_limit_is_scipys(void **state)
{
    (void)state;
    assert_int_equal(COUNT(kolmogorov), 120);
    for (size_t i = 0; i < COUNT(kolmogorov); i++) {
        double q = kolmogorov[i].q;
        assert_close(vg_ks_limit(kolmogorov[i].z), q, 1e-13 * q, "Q_K of row", i);
    }
    assert_close(vg_ks_limit(0), 1, 0, "Q_K at", 0);
    assert_close(vg_ks_limit(-1), 1, 0, "Q_K at", 1);
    assert_close(vg_ks_limit(1e-5), 1, 0, "Q_K at", 2);
    assert_close(vg_ks_limit(1e5), 0, 0, "Q_K at", 3);
    static const double quantiles[][2] = {{.5, .8276}, {.75, 1.0192}, {.9, 1.2238}, {.95, 1.3581}};
    for (size_t i = 0; i < COUNT(quantiles); i++)
        assert_close(vg_ks_limit(quantiles[i][1]), 1 - quantiles[i][0], 5e-5, "quantile", i);
}

/* Ratio of the limit law to the exact p, and of Stephens's correction of it, which this program
 * does not use: the published figures. */
static void test_limit_against_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t m, n;
        int64_t c;
        double ratio, unit, stephens, stephens_unit;
    } rows[] = {{20, 20, 180, 1.04, .01, .69, .01},
                {100, 100, 2000, 1.01, .01, .86, .01},
                {100, 100, 3300, 1.16, .01, .76, .01},
                {100, 1000, 14300, 1.09, .01, .98, .01},
                {100, 1000, 33600, 1.88, .01, 1.07, .01},
                {500, 10000, 311000, 1.04, .01, .996, .001},
                {500, 10000, 733500, 1.19, .01, .94, .01},
                {10000, 10000, 1930000, 1.000, .001, .987, .001},
                {10000, 10000, 4530000, 1.006, .001, .94, .01},
                {9973, 10007, 1918127, 1.019, .001, 1.006, .001},
                {9973, 10007, 4519883, 1.051, .001, .98, .01},
                {500, 100000, 3046500, 1.043, .001, 1.000, .001},
                {500, 100000, 7176000, 1.20, .01, .95, .01}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_ks_counts counts = {&rows[i].m, &rows[i].n, 1, true};
        double m = (double)rows[i].m, n = (double)rows[i].n, d = (double)rows[i].c / (m * n);
        double root = sqrt(m * n / (m + n)), exact = find_exact(&counts, rows[i].c);
        double stephens = vg_ks_limit((root + .12 + .11 / root) * d) / exact;
        assert_close(vg_ks_limit(root * d) / exact, rows[i].ratio, 0.51 * rows[i].unit,
                     "ratio of row", i);
        assert_close(stephens, rows[i].stephens, 0.51 * rows[i].stephens_unit,
                     "Stephens's ratio of row", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p_with_ties_is_rs),
        cmocka_unit_test(test_p_without_ties_is_scipys),
        cmocka_unit_test(test_p_of_random_cells),
        cmocka_unit_test(test_p_of_equal_groups),
        cmocka_unit_test(test_p_of_the_farthest_tail),
        cmocka_unit_test(test_p_is_one_at_nought),
        cmocka_unit_test(test_choice_of_the_law),
        cmocka_unit_test(test_cost_is_an_upper_bound),
        cmocka_unit_test(test_exact_p_only_where_it_decides),
        cmocka_unit_test(test_exact_p_is_affordable),
        cmocka_unit_test(test_limit_is_scipys),
        cmocka_unit_test(test_limit_against_exact),
    };
    return cmocka_run_group_tests_name("stat_ks_p", tests, NULL, NULL);
}
