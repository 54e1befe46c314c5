/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_bins.c, checks/stat_divergence.c and checks/stat_chi_square.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/stat_chi_square.h"
#include "checks/stat_divergence.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { MOST = 64 };

static const struct {
    size_t n;
    uint64_t ref[30], now[30];
    double psi, js, hellinger, kl, tv, linf, x2, x2_p, g, g_p;
} bin_rows[] = {
#include "tests/fixtures/drift_bins.inc"
};
static const struct {
    size_t seed, wanted, n;
    uint64_t rows[40][2];
} cut_rows[] = {
#include "tests/fixtures/drift_cuts.inc"
};

struct room {
    uint64_t ref[MOST], now[MOST];
    struct vg_bins bins;
};

static void fill(struct room *room, const uint64_t *ref, const uint64_t *now, size_t n)
{
    memset(room, 0, sizeof *room);
    memcpy(room->ref, ref, n * sizeof *ref);
    memcpy(room->now, now, n * sizeof *now);
    room->bins = (struct vg_bins){.ref = room->ref, .now = room->now, .n = n};
    vg_bins_sum(&room->bins);
}

static void test_scipy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bin_rows); i++) {
        struct room room;
        fill(&room, bin_rows[i].ref, bin_rows[i].now, bin_rows[i].n);
        const struct vg_bins *bins = &room.bins;
        struct vg_chi_square x2 = vg_chi_square(bins), g = vg_chi_square_g(bins);
        samples_assert(vg_divergence_psi(bins), bin_rows[i].psi, 1e-12, "psi", i);
        samples_assert(vg_divergence_js(bins), bin_rows[i].js, 1e-9, "js", i);
        samples_assert(vg_divergence_hellinger(bins), bin_rows[i].hellinger, 1e-9, "H", i);
        samples_assert(vg_divergence_kl(bins), bin_rows[i].kl, 1e-12, "kl", i);
        samples_assert(vg_divergence_tv(bins), bin_rows[i].tv, 1e-14, "tv", i);
        samples_assert(vg_divergence_linf(bins), bin_rows[i].linf, 1e-14, "linf", i);
        samples_assert(x2.value, bin_rows[i].x2, 1e-9, "X2", i);
        samples_assert(x2.p, bin_rows[i].x2_p, 1e-9, "p of X2", i);
        /* SciPy's sum of G loses digits with the rows. */
        double loss = 1e-9 + 1e-16 * (bins->ref_sum + bins->now_sum);
        samples_assert(g.value, bin_rows[i].g, loss, "G", i);
        samples_assert(g.p, bin_rows[i].g_p, 10 * loss, "p of G", i);
        assert_true(x2.freedom == (double)bins->n - 1 && x2.effect >= 0 && x2.effect <= 1);
    }
}

static void test_numpys_quantile_bins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cut_rows); i++) {
        struct samples samples = samples_case(cut_rows[i].seed);
        struct room room = {.bins = {.n = 0}};
        room.bins = (struct vg_bins){.ref = room.ref, .now = room.now};
        assert_true(vg_bins_room(cut_rows[i].wanted) <= MOST);
        vg_bins_cut(&samples.counts, cut_rows[i].wanted, &room.bins);
        assert_int_equal(room.bins.n, cut_rows[i].n);
        for (size_t k = 0; k < room.bins.n; k++) {
            assert_int_equal(room.ref[k], cut_rows[i].rows[k][0]);
            assert_int_equal(room.now[k], cut_rows[i].rows[k][1]);
        }
        samples_free(&samples);
    }
}

/* What a constant moves away from is seen, though no quantile lies between. */
static void test_a_constant_is_a_bin(void **state)
{
    (void)state;
    const uint64_t ref[3] = {0, 500, 0}, below[3] = {500, 0, 0}, above[3] = {0, 250, 250};
    struct room room = {.bins = {.n = 0}};
    room.bins = (struct vg_bins){.ref = room.ref, .now = room.now};
    vg_bins_cut(&(struct vg_ks_counts){ref, below, 3, true}, 10, &room.bins);
    assert_int_equal(room.bins.n, 2);
    assert_true(vg_divergence_tv(&room.bins) == 1 && vg_divergence_hellinger(&room.bins) == 1);
    assert_true(fabs(vg_divergence_js(&room.bins) - sqrt(log(2))) < 1e-15);
    assert_true(isfinite(vg_divergence_psi(&room.bins)) && vg_divergence_psi(&room.bins) > 10);
    vg_bins_cut(&(struct vg_ks_counts){ref, above, 3, true}, 10, &room.bins);
    assert_true(vg_divergence_tv(&room.bins) == 0.5);
    vg_bins_cut(&(struct vg_ks_counts){ref, ref, 3, true}, 10, &room.bins);
    assert_int_equal(room.bins.n, 1);
    struct vg_divergence_law law = vg_divergence_law(VG_DIVERGENCE_PSI, 0, &room.bins);
    assert_true(vg_divergence_psi(&room.bins) == 0 && law.p == 1 && law.floor == 0);
    assert_true(vg_chi_square(&room.bins).p == 1 && vg_chi_square_g(&room.bins).value == 0);
}

static void test_sparse_bins(void **state)
{
    (void)state;
    static const struct {
        uint64_t ref[5], now[5];
        size_t n, sparse;
        uint64_t last_ref, last_now;
    } rows[] = {
        {{100, 100, 100, 100, 100}, {10, 10, 10, 10, 10}, 5, 0, 100, 10},
        /* too few even together */
        {{400, 450, 100, 20, 30}, {20, 24, 6, 0, 0}, 3, 3, 150, 6},
        /* together they are enough */
        {{400, 330, 90, 90, 90}, {20, 15, 5, 5, 5}, 3, 3, 270, 15},
        {{1, 1, 1, 0, 0}, {1, 1, 1, 0, 0}, 1, 3, 3, 3},
        {{0, 0, 0, 0, 0}, {5, 5, 5, 5, 5}, 1, 5, 0, 25},
        {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct room room;
        fill(&room, rows[i].ref, rows[i].now, 5);
        vg_bins_pool(&room.bins);
        assert_int_equal(room.bins.n, rows[i].n);
        assert_int_equal(room.bins.sparse, rows[i].sparse);
        if (room.bins.n) {
            assert_int_equal(room.ref[room.bins.n - 1], rows[i].last_ref);
            assert_int_equal(room.now[room.bins.n - 1], rows[i].last_now);
        }
    }
}

static void test_nothing_to_compare(void **state)
{
    (void)state;
    const uint64_t some[2] = {5, 7}, none[2] = {0, 0};
    struct room room;
    fill(&room, some, none, 2);
    struct vg_divergence_law law = vg_divergence_law(VG_DIVERGENCE_JS, 0.5, &room.bins);
    assert_true(isnan(law.p) && isnan(law.floor));
    assert_true(isnan(vg_chi_square(&room.bins).value) && isnan(vg_chi_square_g(&room.bins).p));
    assert_true(isfinite(vg_divergence_psi(&room.bins)));
    assert_true(isfinite(vg_divergence_kl(&room.bins)));
}

/* One row less of a value may not look like less of a change. */
static void test_an_empty_share_is_the_smallest(void **state)
{
    (void)state;
    for (uint64_t n = 100; n <= 100000000; n *= 10) {
        struct room one, gone;
        fill(&one, (uint64_t[]){n, n}, (uint64_t[]){2 * n - 1, 1}, 2);
        fill(&gone, (uint64_t[]){n, n}, (uint64_t[]){2 * n, 0}, 2);
        assert_true(vg_divergence_psi(&gone.bins) > vg_divergence_psi(&one.bins));
    }
}

/* 10 equal bins, m = 10 000, n = 500: means within 3 % and quantiles of psi of the published
 * law. */
static void test_noise_floor(void **state)
{
    (void)state;
    enum { DRAWS = 20000, M = 10000, N = 500 };
    uint64_t seed = 5;
    double sums[4] = {0, 0, 0, 0}, scale = 1.0 / M + 1.0 / N;
    size_t above[4] = {0, 0, 0, 0}, twentieth = 0, thousandth = 0;
    struct vg_divergence_law law[4];
    for (size_t k = 0; k < DRAWS; k++) {
        struct room room;
        uint64_t ref[10] = {0}, now[10] = {0};
        for (size_t i = 0; i < M; i++)
            ref[samples_below(&seed, 10)]++;
        for (size_t i = 0; i < N; i++)
            now[samples_below(&seed, 10)]++;
        fill(&room, ref, now, 10);
        double js = vg_divergence_js(&room.bins), h = vg_divergence_hellinger(&room.bins);
        double values[4] = {vg_divergence_psi(&room.bins), js, h, vg_divergence_kl(&room.bins)};
        for (size_t w = 0; w < 4; w++) {
            law[w] = vg_divergence_law((enum vg_divergence)w, values[w], &room.bins);
            above[w] += values[w] > law[w].floor;
        }
        twentieth += values[0] > .0357;
        thousandth += values[0] > .0585;
        sums[0] += values[0] / 9 / scale;
        sums[1] += 8 * js * js / 9 / scale;
        sums[2] += 8 * h * h / 9 / scale;
        sums[3] += 2 * values[3] / 9 / scale;
    }
    assert_true(fabs(law[VG_DIVERGENCE_PSI].floor - 0.0585) < 0.0003);
    /* The published quantiles of psi, within .001 and .003 of which ours lie. */
    assert_true(fabs((double)twentieth / DRAWS - .05) < .008);
    assert_true(fabs((double)thousandth / DRAWS - .001) < .0008);
    for (size_t w = 0; w < 4; w++) {
        assert_true(fabs(sums[w] / DRAWS - 1) < 0.03);
        assert_true(above[w] >= 8 && above[w] <= 40); /* 20 expected */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scipy),
        cmocka_unit_test(test_numpys_quantile_bins),
        cmocka_unit_test(test_a_constant_is_a_bin),
        cmocka_unit_test(test_sparse_bins),
        cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_an_empty_share_is_the_smallest),
        cmocka_unit_test(test_noise_floor),
    };
    return cmocka_run_group_tests_name("stat_bins", tests, NULL, NULL);
}
