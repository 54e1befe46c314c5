/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/stat_pairs.c and agent/summary/pairs.c: against NumPy and SciPy
 * (tests/fixtures/), in any split, hostile blobs, and the published power. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/stat_pairs.h"
#include "pgvigil/sort.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { COLUMNS = 5, PAIRS = 10, MOST_ROWS = 5000 };
static const double kept_share = .65;

static const struct {
    uint64_t seed;
    int64_t before, after;
    size_t m, n;
    double then[PAIRS], now[PAIRS], value, p, error_then, error_now;
} rows[] = {
#include "tests/fixtures/pairs.inc"
};

static int16_t ranks[10][MOST_ROWS];
static const char *const names[10] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

static int64_t divide(int64_t x, int64_t by)
{
    return x / by - (x % by < 0); /* downwards, as Python does it */
}

static void draw(uint64_t seed, size_t n, int64_t mix)
{
    for (size_t row = 0; row < n; row++) {
        int64_t first = (int64_t)samples_below(&seed, 2 * VG_RANK_MOST + 1) - VG_RANK_MOST;
        for (size_t c = 0; c < COLUMNS; c++) {
            int64_t own = (int64_t)samples_below(&seed, 2 * VG_RANK_MOST + 1) - VG_RANK_MOST;
            ranks[c][row] = (int16_t)divide(2 * own + mix * first, 8);
            if (c >= COLUMNS - 2 && samples_below(&seed, 10) == 0)
                ranks[c][row] = VG_RANK_NONE;
        }
    }
}

static void count_range(struct vg_pairs *pairs, size_t first, size_t n)
{
    struct vg_error err;
    const int16_t *at[10];
    for (size_t c = 0; c < pairs->d; c++)
        at[c] = ranks[c] + first;
    assert_int_equal(vg_pairs_count(pairs, at, n, &err), 0);
}

static struct vg_pairs *count(uint32_t d, size_t n)
{
    struct vg_pairs *pairs = vg_pairs_new(7, names, d);
    assert_non_null(pairs);
    for (size_t first = 0; first < n; first += VG_BATCH_ROWS)
        count_range(pairs, first, n - first < VG_BATCH_ROWS ? n - first : VG_BATCH_ROWS);
    return pairs;
}

static void test_numpy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_error err;
        struct vg_reconstruction rebuilt;
        draw(rows[i].seed, rows[i].m, rows[i].before);
        struct vg_pairs *then = count(COLUMNS, rows[i].m);
        draw(100 + rows[i].seed, rows[i].n, rows[i].after);
        struct vg_pairs *now = count(COLUMNS, rows[i].n);
        for (uint32_t a = 0, k = 0; a < COLUMNS; a++) {
            for (uint32_t b = a + 1; b < COLUMNS; b++, k++) {
                double r = vg_pairs_correlation(vg_pairs_at(then, a, b));
                double s = vg_pairs_correlation(vg_pairs_at(now, a, b));
                samples_assert(r, rows[i].then[k], 1e-12, "correlation then", i);
                samples_assert(s, rows[i].now[k], 1e-12, "correlation now", i);
            }
        }
        struct vg_fisher fisher = vg_pairs_fisher(then, now, 30);
        samples_assert(fisher.value, rows[i].value, 1e-12, "max |z|", i);
        samples_assert(fisher.p, rows[i].p, 1e-12, "p", i);
        assert_true(fisher.compared == PAIRS && fisher.left == 0 && fisher.i < fisher.j);
        assert_int_equal(vg_pairs_reconstruction(then, now, kept_share, &rebuilt, &err), 0);
        samples_assert(rebuilt.then, rows[i].error_then, 1e-12, "error then", i);
        samples_assert(rebuilt.now, rows[i].error_now, 1e-12, "error now", i);
        vg_pairs_free(then);
        vg_pairs_free(now);
    }
}

static void test_any_split(void **state)
{
    (void)state;
    struct vg_error err;
    uint64_t seed = 5;
    draw(9, MOST_ROWS, 3);
    struct vg_pairs *whole = count(COLUMNS, MOST_ROWS), *parts[3], *read;
    for (size_t p = 0; p < 3; p++)
        parts[p] = vg_pairs_new(7, names, COLUMNS);
    for (size_t first = 0, n; first < MOST_ROWS; first += n) {
        n = 1 + samples_below(&seed, VG_BATCH_ROWS);
        n = first + n > MOST_ROWS ? MOST_ROWS - first : n;
        count_range(parts[samples_below(&seed, 3)], first, n);
    }
    assert_int_equal(vg_pairs_merge(parts[2], parts[0], &err), 0);
    assert_int_equal(vg_pairs_merge(parts[2], parts[1], &err), 0);
    assert_memory_equal(parts[2]->pairs, whole->pairs, 15 * sizeof *whole->pairs);
    parts[0]->id = 8;
    assert_int_equal(vg_pairs_merge(parts[2], parts[0], &err), -1);
    struct vg_buf blob;
    vg_buf_init(&blob, 1 << 20);
    assert_int_equal(vg_pairs_write(whole, &blob, &err), 0);
    assert_int_equal(vg_pairs_read(blob.data, blob.len, &read, &err), 0);
    assert_true(read->id == 7 && read->d == COLUMNS);
    assert_true(vg_pairs_find(read, "e") == 4 && vg_pairs_find(read, "f") == -1);
    assert_memory_equal(read->pairs, whole->pairs, 15 * sizeof *whole->pairs);
    for (size_t cut = 0; cut < blob.len; cut++) {
        struct vg_pairs *none = NULL;
        assert_int_equal(vg_pairs_read(blob.data, cut, &none, &err), -1);
        assert_null(none);
    }
    vg_buf_free(&blob);
    vg_pairs_free(read);
    vg_pairs_free(whole);
    for (size_t p = 0; p < 3; p++)
        vg_pairs_free(parts[p]);
}

/* Some columns in another order are the same numbers. */
static void test_picked(void **state)
{
    (void)state;
    static const uint32_t which[3] = {4, 0, 2};
    draw(11, 600, 3);
    struct vg_pairs *all = count(COLUMNS, 600), *some = vg_pairs_pick(all, which, 3);
    assert_non_null(some);
    assert_string_equal(some->names[0], "e");
    assert_string_equal(some->names[2], "c");
    const struct vg_rank_pair *turned = vg_pairs_at(some, 0, 1), *same = vg_pairs_at(some, 1, 2);
    const struct vg_rank_pair *was = vg_pairs_at(all, 0, 4);
    assert_true(turned->n == was->n && turned->a == was->b && turned->b == was->a &&
                turned->aa == was->bb && turned->bb == was->aa && turned->ab == was->ab);
    assert_memory_equal(same, vg_pairs_at(all, 0, 2), sizeof *same);
    assert_memory_equal(vg_pairs_at(some, 0, 0), vg_pairs_at(all, 4, 4), sizeof *same);
    assert_true(some->id != all->id);
    vg_pairs_free(all);
    vg_pairs_free(some);
}

/* Constants, copies, nothing but NULLs, no rows: a number or a reason. */
static void test_degenerate(void **state)
{
    (void)state;
    struct vg_error err;
    struct vg_reconstruction rebuilt;
    draw(3, 500, 2);
    memcpy(ranks[1], ranks[0], sizeof ranks[1]);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        ranks[2][i] = 77;
        ranks[3][i] = VG_RANK_NONE;
    }
    struct vg_pairs *some = count(4, 500), *none = count(4, 0);
    assert_true(vg_pairs_correlation(vg_pairs_at(some, 0, 1)) == 1);
    assert_true(isnan(vg_pairs_correlation(vg_pairs_at(some, 0, 2))));
    struct vg_fisher same = vg_pairs_fisher(some, some, 30),
                     empty = vg_pairs_fisher(some, none, 30);
    assert_true(same.value == 0 && same.p == 1 && same.compared == 1 && same.left == 5);
    assert_true(isnan(empty.value) && isnan(empty.p) && empty.left == 6);
    assert_int_equal(vg_pairs_reconstruction(some, some, kept_share, &rebuilt, &err), 0);
    assert_true(rebuilt.columns == 2 && rebuilt.components == 1);
    assert_true(rebuilt.now < 1e-12 && rebuilt.then < 1e-12);
    assert_int_equal(vg_pairs_reconstruction(some, none, kept_share, &rebuilt, &err), 0);
    assert_true(rebuilt.columns == 0 && isnan(rebuilt.now));
    vg_pairs_free(some);
    vg_pairs_free(none);
}

/* Mid-ranks of a distribution with a heavy value and empty gaps. */
static void test_ranks(void **state)
{
    (void)state;
    double q[2] = {1, 2};
    uint64_t cells[5] = {0, 20, 0, 60, 20};
    struct vg_grid *grid = vg_grid_new(q, 2, true);
    struct vg_distribution dist = {.grid = grid, .cells = cells, .n = 100};
    int16_t got[5];
    assert_non_null(grid);
    vg_ranks_make(&dist, got);
    static const int16_t want[5] = {-4095, -3276, -2457, 0, 3276};
    assert_memory_equal(got, want, sizeof want);
    vg_grid_free(grid);
}

/* --- power: d = 10, equicorrelated .5, reference 5 000, windows of 500, at 5 % ---------------- */

enum { D = 10, N = 500, REFERENCES = 10, NULLS = 200, RUNS = 50, THRESHOLDS = 200 };
enum change { NONE, ALL_PAIRS, ONE_PAIR, FLIPPED, NONLINEAR, MEANS, CHANGES };

static double values[D][MOST_ROWS];

static void draw_row(enum change change, size_t row, uint64_t *seed)
{
    double r = change == ALL_PAIRS ? .4 : .5, common = samples_normal(seed);
    for (size_t c = 0; c < D; c++)
        values[c][row] = sqrt(r) * common + sqrt(1 - r) * samples_normal(seed);
    double *x = &values[0][row], *y = &values[1][row];
    if (change == ONE_PAIR) { /* their own parts are correlated by -.8: .5 - .8 (1 - .5) = .1 */
        double own = *x - sqrt(r) * common;
        *y = sqrt(r) * common - .8 * own + .6 * sqrt(1 - r) * samples_normal(seed);
    }
    if (change == FLIPPED && samples_below(seed, 100) < 15)
        *x = -*x;
    if (change == NONLINEAR && samples_below(seed, 100) < 30)
        *y = samples_below(seed, 100) < 75 ? *x : -*x;
    for (size_t c = 0; c < D && change == MEANS; c++)
        values[c][row] += .1;
}

struct scale {
    struct vg_grid *grid;
    int16_t ranks[2 * THRESHOLDS + 1];
};

static void make_scale(const double *x, struct scale *out)
{
    static double sorted[MOST_ROWS];
    uint64_t cells[2 * THRESHOLDS + 1] = {0};
    double q[THRESHOLDS];
    memcpy(sorted, x, sizeof sorted);
    vg_sort_doubles(sorted, MOST_ROWS);
    for (size_t i = 0; i < THRESHOLDS; i++)
        q[i] = sorted[(i + 1) * MOST_ROWS / (THRESHOLDS + 1)];
    out->grid = vg_grid_new(q, THRESHOLDS, false);
    assert_non_null(out->grid);
    vg_grid_count(out->grid, x, MOST_ROWS, cells);
    struct vg_distribution dist = {.grid = out->grid, .cells = cells, .n = MOST_ROWS};
    vg_ranks_make(&dist, out->ranks);
}

static struct vg_pairs *rank_and_count(const struct scale *scales, size_t n)
{
    static uint32_t cells[MOST_ROWS];
    for (size_t c = 0; c < D; c++) {
        vg_grid_find(scales[c].grid, values[c], n, cells);
        for (size_t i = 0; i < n; i++)
            ranks[c][i] = scales[c].ranks[cells[i]];
    }
    return count(D, n);
}

static void measure(const struct vg_pairs *then, const struct scale *scales, enum change change,
                    uint64_t *seed, double out[2])
{
    struct vg_error err;
    struct vg_reconstruction rebuilt;
    for (size_t i = 0; i < N; i++)
        draw_row(change, i, seed);
    struct vg_pairs *now = rank_and_count(scales, N);
    assert_int_equal(vg_pairs_reconstruction(then, now, kept_share, &rebuilt, &err), 0);
    out[0] = vg_pairs_fisher(then, now, 30).value;
    out[1] = fabs(rebuilt.now - rebuilt.then);
    vg_pairs_free(now);
}

/* What a reference of its own finds: shares of the windows of each change, and of those without one
 * the share beyond the noise floor of the reconstruction. */
static void find_power(uint64_t *seed, double found[CHANGES][2], double *beyond)
{
    static double null[2][NULLS];
    struct vg_error err;
    struct vg_reconstruction itself;
    struct scale scales[D];
    double got[2];
    for (size_t i = 0; i < MOST_ROWS; i++)
        draw_row(NONE, i, seed);
    for (size_t c = 0; c < D; c++)
        make_scale(values[c], &scales[c]);
    struct vg_pairs *then = rank_and_count(scales, MOST_ROWS);
    assert_int_equal(vg_pairs_reconstruction(then, then, kept_share, &itself, &err), 0);
    double floor = 3.29 * itself.spread * itself.then * sqrt(1. / N + 1. / MOST_ROWS);
    for (size_t i = 0; i < NULLS; i++) {
        measure(then, scales, NONE, seed, got);
        null[0][i] = got[0];
        null[1][i] = got[1];
        *beyond += (got[1] > floor) / (double)NULLS / REFERENCES;
    }
    for (int s = 0; s < 2; s++)
        vg_sort_doubles(null[s], NULLS);
    for (enum change change = ALL_PAIRS; change < CHANGES; change++) {
        for (size_t i = 0; i < RUNS; i++) {
            measure(then, scales, change, seed, got);
            for (int s = 0; s < 2; s++)
                found[change][s] +=
                    (got[s] > null[s][NULLS * 95 / 100]) / (double)RUNS / REFERENCES;
        }
    }
    vg_pairs_free(then);
    for (size_t c = 0; c < D; c++)
        vg_grid_free(scales[c].grid);
}

/* The power on the nonlinear pair is .3 to .6 by the accident of which reference was drawn, with
 * ranks as with Pearson's correlations: the published figure is that of one, and what is asserted
 * is the mean over several. What the reconstruction sees of a change in few columns depends on
 * which of its nine equal components the reference keeps: nothing is claimed of it there. */
static void test_published_power(void **state)
{
    (void)state;
    static const double want[CHANGES][2] = {[ALL_PAIRS] = {.98, 1.00},
                                            [ONE_PAIR] = {1.00, NAN},
                                            [FLIPPED] = {.99, NAN},
                                            [NONLINEAR] = {.44, NAN},
                                            [MEANS] = {.05, .05}};
    double found[CHANGES][2] = {{0}}, beyond = 0;
    uint64_t seed = 2024;
    for (int i = 0; i < REFERENCES; i++)
        find_power(&seed, found, &beyond);
    for (enum change change = ALL_PAIRS; change < CHANGES; change++) {
        print_message("change %d: max |z| %.2f, published %.2f; reconstruction %.2f\n", (int)change,
                      found[change][0], want[change][0], found[change][1]);
        assert_true(fabs(found[change][0] - want[change][0]) <= .08);
        assert_true(isnan(want[change][1]) || fabs(found[change][1] - want[change][1]) <= .08);
    }
    print_message("without change, %.4f beyond the floor of the reconstruction\n", beyond);
    assert_true(beyond <= .003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpy),  cmocka_unit_test(test_any_split),
        cmocka_unit_test(test_picked), cmocka_unit_test(test_degenerate),
        cmocka_unit_test(test_ranks),  cmocka_unit_test(test_published_power),
    };
    return cmocka_run_group_tests_name("stat_pairs", tests, NULL, NULL);
}
