/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of D and its bounds in checks/stat_ks.c against SciPy (tests/fixtures/) and against
 * direct computation; D within 4e-16. The p-values: test_stat_ks_p.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/stat_ks.h"
#include "pgvigil/sort.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { MOST = 64 };

static void assert_close(double got, double want, double tolerance, const char *what, size_t i)
{
    if (!(fabs(got - want) <= tolerance)) {
        print_error("%s %zu: got %.17g, want %.17g\n", what, i, got, want);
        fail();
    }
}

/* --- random numbers: splitmix64, as in tests/fixtures/ks_scipy.py --- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double draw_unit(uint64_t *state)
{
    return ((double)(draw(state) >> 11) + 0.5) * 0x1p-53;
}

static double draw_normal(uint64_t *state)
{
    double u = draw_unit(state);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * draw_unit(state));
}

/* --- counting samples by hand --- */

/* The cell of x: 2 i - [x = q_i], i thresholds <= x. */
static size_t find_cell(const double *q, size_t k, double x)
{
    size_t lo = 0, hi = k;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (q[mid] <= x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return 2 * lo - (lo && q[lo - 1] == x);
}

static void count_cells(const double *q, size_t k, const double *x, size_t n, uint64_t *cells)
{
    memset(cells, 0, (2 * k + 1) * sizeof *cells);
    for (size_t i = 0; i < n; i++)
        cells[find_cell(q, k, x[i])]++;
}

/* D of two sorted samples by the definition, at every pooled value. */
static double find_distance(const double *x, size_t m, const double *y, size_t n)
{
    size_t i = 0, j = 0;
    double d = 0;
    while (i < m || j < n) {
        double v = j >= n || (i < m && x[i] <= y[j]) ? x[i] : y[j];
        while (i < m && x[i] <= v)
            i++;
        while (j < n && y[j] <= v)
            j++;
        d = fmax(d, fabs((double)i / (double)m - (double)j / (double)n));
    }
    return d;
}

static size_t drop_repeats(double *sorted, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (!k || sorted[k - 1] != sorted[i])
            sorted[k++] = sorted[i];
    }
    return k;
}

/* --- D --- */

static const double random_d[] = {
#include "tests/fixtures/ks_random.inc"
};

struct sample_pair {
    double ref[MOST], now[MOST];
    size_t m, n;
};

static void draw_pair(uint64_t seed, struct sample_pair *out)
{
    uint64_t state = seed;
    out->m = 1 + draw(&state) % 39;
    out->n = 1 + draw(&state) % 39;
    uint64_t top = 2 + draw(&state) % 28;
    double divisor = (double)(1 << draw(&state) % 3);
    for (size_t i = 0; i < out->m; i++)
        out->ref[i] = (double)(draw(&state) % top) / 2;
    for (size_t i = 0; i < out->n; i++)
        out->now[i] = (double)(draw(&state) % top) / divisor;
    vg_sort_doubles(out->ref, out->m);
    vg_sort_doubles(out->now, out->n);
}

static void test_d_is_scipys(void **state)
{
    (void)state;
    assert_int_equal(COUNT(random_d), 3000);
    for (size_t i = 0; i < COUNT(random_d); i++) {
        struct sample_pair pair;
        uint64_t ref[2 * MOST + 1], now[2 * MOST + 1];
        double q[MOST];
        draw_pair(i, &pair);
        memcpy(q, pair.ref, sizeof q);
        size_t k = drop_repeats(q, pair.m);
        count_cells(q, k, pair.ref, pair.m, ref);
        count_cells(q, k, pair.now, pair.n, now);
        struct vg_ks ks;
        vg_ks_compare(&(struct vg_ks_counts){ref, now, 2 * k + 1, true}, &ks);
        assert_int_equal(ks.m, pair.m);
        assert_int_equal(ks.n, pair.n);
        assert_close(ks.d, random_d[i], 4e-16, "D of case", i);
        assert_true(ks.hi == ks.d);
        assert_close((double)ks.c, random_d[i] * (double)(pair.m * pair.n), 1e-9, "c of case", i);
    }
}

/* Any subset of the thresholds bounds D, and D is reached from below and above. */
static void test_bounds_hold_on_any_subset(void **state)
{
    (void)state;
    size_t open = 0;
    for (size_t i = 0; i < COUNT(random_d); i++) {
        struct sample_pair pair;
        uint64_t ref[2 * MOST + 1], now[2 * MOST + 1], seed = 77000 + i;
        double q[MOST];
        draw_pair(i, &pair);
        size_t k = 0, all = pair.m;
        memcpy(q, pair.ref, sizeof q);
        all = drop_repeats(q, all);
        for (size_t j = 0; j < all; j++) {
            if (draw(&seed) % 3 == 0)
                q[k++] = q[j];
        }
        count_cells(q, k, pair.ref, pair.m, ref);
        count_cells(q, k, pair.now, pair.n, now);
        struct vg_ks ks;
        vg_ks_compare(&(struct vg_ks_counts){ref, now, 2 * k + 1, true}, &ks);
        assert_true(ks.d <= random_d[i] + 4e-16);
        assert_true(ks.hi >= random_d[i] - 4e-16);
        uint64_t delta = 0; /* largest reference mass between neighbouring thresholds */
        for (size_t j = 0; j < 2 * k + 1; j += 2)
            delta = ref[j] > delta ? ref[j] : delta;
        assert_true(ks.hi - ks.d <= (double)delta / (double)pair.m + 4e-16);
        open += ks.hi > ks.d;
    }
    assert_true(open > 1000);
}

static void test_direction(void **state)
{
    (void)state;
    static const struct {
        uint64_t ref[3], now[3];
        double d, up, down;
        int direction;
    } rows[] = {
        {{4, 0, 0}, {0, 0, 4}, 1, 1, 0, 1},       {{0, 0, 4}, {4, 0, 0}, 1, 0, 1, -1},
        {{2, 1, 1}, {2, 1, 1}, 0, 0, 0, 0},       {{1, 2, 1}, {2, 0, 2}, 0.25, 0.25, 0.25, 0},
        {{1, 3, 0}, {1, 0, 3}, 0.75, 0.75, 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_ks ks;
        vg_ks_compare(&(struct vg_ks_counts){rows[i].ref, rows[i].now, 3, false}, &ks);
        assert_close(ks.d, rows[i].d, 0, "D of row", i);
        assert_close(ks.d_up, rows[i].up, 0, "upward D of row", i);
        assert_close(ks.d_down, rows[i].down, 0, "downward D of row", i);
        assert_int_equal(ks.direction, rows[i].direction);
        assert_true(ks.hi == ks.d);
    }
}

static void test_no_values(void **state)
{
    (void)state;
    static const uint64_t none[3], some[3] = {1, 2, 3};
    const struct vg_ks_counts rows[] = {{none, some, 3, true},
                                        {some, none, 3, true},
                                        {none, none, 3, false},
                                        {NULL, NULL, 0, true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_ks ks;
        double p = 0;
        vg_ks_compare(&rows[i], &ks);
        assert_true(isnan(ks.d) && isnan(ks.hi) && isnan(ks.d_up) && isnan(ks.d_down));
        assert_int_equal(ks.direction, 0);
        assert_int_equal(vg_ks_p(&rows[i], &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
        assert_true(isnan(p));
    }
}

/* 1e10 values in each sample: products need more than 64 bits. */
static void test_counts_of_1e10(void **state)
{
    (void)state;
    const uint64_t e10 = UINT64_C(10000000000);
    const uint64_t ref[3] = {e10 / 2, e10 / 2, 0}, now[3] = {e10 / 4, 0, e10 / 4 * 3};
    struct vg_ks_counts counts = {ref, now, 3, false};
    struct vg_ks ks;
    vg_ks_compare(&counts, &ks);
    assert_close(ks.d, 0.75, 1e-16, "D of row", 0);
    assert_int_equal(ks.direction, 1);
    assert_int_equal(ks.c, -1);
    assert_true(isinf(vg_ks_cost(&counts, ks.c)));
    double p = 1;
    assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
    assert_close(p, 0, 0, "p of row", 0);
    const uint64_t near[3] = {e10 / 2 + 60000, 0, e10 / 2 - 60000};
    const uint64_t half[3] = {e10 / 2, 0, e10 / 2};
    counts = (struct vg_ks_counts){half, near, 3, false};
    vg_ks_compare(&counts, &ks);
    assert_close(ks.d, 6e-6, 1e-20, "D of row", 1);
    assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
    assert_close(p, vg_ks_limit(sqrt(5e9) * 6e-6), 1e-12, "p of row", 1);
}

/* Counts whose products fit into 64 bits, and a million times as many, which need more. */
static void test_small_as_large(void **state)
{
    enum { CELLS = 41, SCALE = 1000000, ROUNDS = 200 };
    uint32_t seed = 12345;
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        uint64_t ref[CELLS], now[CELLS], more_ref[CELLS], more_now[CELLS];
        for (size_t i = 0; i < CELLS; i++) {
            seed = seed * 1664525u + 1013904223u;
            ref[i] = seed >> 28 > 4 ? (seed >> 8) % 5000 : 0;
            now[i] = seed >> 28 < 9 ? (seed >> 12) % 3000 : 0;
            more_ref[i] = ref[i] * SCALE;
            more_now[i] = now[i] * SCALE;
        }
        struct vg_ks_counts small = {ref, now, CELLS, round % 2};
        struct vg_ks_counts large = {more_ref, more_now, CELLS, round % 2};
        struct vg_ks a, b;
        vg_ks_compare(&small, &a);
        vg_ks_compare(&large, &b);
        assert_close(a.d, b.d, 1e-15, "D of round", round);
        assert_close(a.hi, b.hi, 1e-15, "bound of round", round);
        assert_close(a.d_up, b.d_up, 1e-15, "rise of round", round);
        assert_close(a.d_down, b.d_down, 1e-15, "fall of round", round);
        assert_int_equal(a.direction, b.direction);
        assert_true(a.c > 0);
    }
}

/* A grid of k quantiles of N(0,1), m = 100 000, against samples of 1 000 in turn of N(0,1) and
 * N(0.1,1): D_k <= D <= hi <= D_k + delta always, and the mean of D - D_k as published (+- 20 %).
 */
static void test_loss_of_compression(void **state)
{
    (void)state;
    enum { M = 100000, N = 1000, SAMPLES = 200, GRIDS = 3, MOST_K = 1000 };
    static const struct {
        size_t k;
        double loss;
    } grids[GRIDS] = {{50, .0026}, {200, .0012}, {1000, .0005}};
    static double x[M], y[N], q[GRIDS][MOST_K];
    static uint64_t ref[GRIDS][2 * MOST_K + 1], now[2 * MOST_K + 1];
    uint64_t seed = 20010101;
    double loss[GRIDS] = {0}, delta[GRIDS] = {0};
    for (size_t i = 0; i < M; i++)
        x[i] = draw_normal(&seed);
    vg_sort_doubles(x, M);
    for (size_t g = 0; g < GRIDS; g++) {
        for (size_t j = 0; j < grids[g].k; j++)
            q[g][j] = x[(j + 1) * M / (grids[g].k + 1)];
        count_cells(q[g], grids[g].k, x, M, ref[g]);
        for (size_t j = 0; j < 2 * grids[g].k + 1; j += 2)
            delta[g] = fmax(delta[g], (double)ref[g][j] / M);
        assert_true(delta[g] <= 1.0 / (double)grids[g].k);
    }
    for (size_t s = 0; s < SAMPLES; s++) {
        for (size_t i = 0; i < N; i++)
            y[i] = draw_normal(&seed) + (s % 2 ? 0.1 : 0);
        vg_sort_doubles(y, N);
        double d = find_distance(x, M, y, N);
        for (size_t g = 0; g < GRIDS; g++) {
            struct vg_ks ks;
            count_cells(q[g], grids[g].k, y, N, now);
            vg_ks_compare(&(struct vg_ks_counts){ref[g], now, 2 * grids[g].k + 1, true}, &ks);
            assert_true(ks.d <= d + 1e-15 && d <= ks.hi + 1e-15);
            assert_true(ks.hi <= ks.d + delta[g] + 1e-15);
            loss[g] += (d - ks.d) / SAMPLES;
        }
    }
    for (size_t g = 0; g < GRIDS; g++)
        assert_close(loss[g], grids[g].loss, 0.2 * grids[g].loss + 5e-5, "mean loss of grid", g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_d_is_scipys),
        cmocka_unit_test(test_bounds_hold_on_any_subset),
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_no_values),
        cmocka_unit_test(test_counts_of_1e10),
        cmocka_unit_test(test_small_as_large),
        cmocka_unit_test(test_loss_of_compression),
    };
    return cmocka_run_group_tests_name("stat_ks", tests, NULL, NULL);
}
