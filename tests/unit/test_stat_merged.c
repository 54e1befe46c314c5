/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics of drift as the program comes to them: values among nulls, NaN and infinities are
 * counted batch by batch into summaries on the reference's grid, which are cut anywhere and added
 * up in any order. Against SciPy (tests/fixtures/), on tie-heavy values as they are, tiny, huge,
 * denormal, turned round, and far from nought. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "checks/stat_edf.h"
#include "checks/stat_mann_whitney.h"
#include "pgvigil/summary.h"
#include "tests/unit/samples.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { MOST = 64, PARTS = 5 };

static const struct {
    double v, t, a2, auc, p, w1;
} random_rows[] = {
#include "tests/fixtures/drift_random.inc"
};
static const double random_d[] = {
#include "tests/fixtures/ks_random.inc"
};

/* Monotone maps, exact for multiples of a quarter below 30. */
static const struct shape {
    double scale, offset;
    bool w1; /* the mean is a number, and so is W1 */
} shapes[] = {{1, 0, true},          {0x1p-100, 0, true},  {0x1p200, 0, true}, {1, 0x1p40, true},
              {0x1p-1072, 0, false}, {0x1p1018, 0, false}, {-1, 0, true}};

struct counted {
    struct vg_column_summary whole, parts[PARTS];
};

/* The values, among cells of every other state. */
static void count(const double *x, size_t n, const struct shape *shape, const struct vg_grid *grid,
                  uint64_t *seed, struct counted *out)
{
    struct vg_error err;
    assert_int_equal(vg_column_init(&out->whole, "x", VG_KIND_NUMBER, grid, VG_PART_GAPS, &err), 0);
    for (size_t p = 0; p < PARTS; p++)
        assert_int_equal(
            vg_column_init(&out->parts[p], "x", VG_KIND_NUMBER, grid, VG_PART_GAPS, &err), 0);
    for (size_t i = 0; i < n;) {
        double num[MOST];
        uint8_t state[MOST];
        size_t rows = 0, most = 1 + samples_below(seed, 20);
        struct vg_column batch = {.kind = VG_KIND_NUMBER, .num = num, .state = state};
        while (i < n && rows < most) {
            bool value = samples_below(seed, 4) != 0;
            state[rows] = (uint8_t)(value ? VG_CELL_VALUE : 1 + samples_below(seed, 4));
            num[rows++] = value ? x[i] * shape->scale + shape->offset : 0;
            batch.special += !value;
            i += value;
        }
        struct vg_column_summary *part = &out->parts[samples_below(seed, PARTS)];
        assert_int_equal(vg_column_count(&out->whole, &batch, rows, &err), 0);
        assert_int_equal(vg_column_count(part, &batch, rows, &err), 0);
    }
    for (size_t p = 1; p < PARTS; p++)
        assert_int_equal(vg_column_merge(&out->parts[0], &out->parts[p], &err), 0);
}

static void forget(struct counted *counted)
{
    vg_column_clear(&counted->whole);
    for (size_t p = 0; p < PARTS; p++)
        vg_column_clear(&counted->parts[p]);
}

static struct vg_grid *make_grid(const struct samples *samples, const struct shape *shape)
{
    double q[MOST];
    size_t k = samples->k;
    for (size_t i = 0; i < k; i++) {
        double x = samples->q[i] * shape->scale + shape->offset;
        q[shape->scale < 0 ? k - 1 - i : i] = x;
    }
    struct vg_grid *grid = vg_grid_new(q, (uint32_t)k, true);
    assert_non_null(grid);
    return grid;
}

static struct vg_wasserstein_side describe(const struct vg_column_summary *column)
{
    return (struct vg_wasserstein_side){vg_column_mean(column), column->min, column->max,
                                        column->gaps};
}

static void compare(const struct vg_column_summary *ref, const struct vg_column_summary *now,
                    const struct shape *shape, size_t i)
{
    bool turned = shape->scale < 0;
    struct vg_ks_counts counts = {ref->fine, now->fine, 2 * (size_t)ref->grid->n + 1, true};
    struct vg_ks ks;
    vg_ks_compare(&counts, &ks);
    struct vg_edf t = vg_edf_cramer_von_mises(&counts), a2 = vg_edf_anderson_darling(&counts);
    double auc = vg_mann_whitney(&counts).auc;
    samples_assert(ks.d, random_d[i], 4e-16, "D", i);
    samples_assert(vg_edf_kuiper(&counts).value, random_rows[i].v, 4e-16, "V", i);
    samples_assert(turned ? 1 - auc : auc, random_rows[i].auc, 4e-16, "AUC", i);
    if (!turned) { /* F and G are taken at the end of a group of ties: not the same turned round */
        assert_true(t.lo <= random_rows[i].t + 1e-12 && random_rows[i].t <= t.hi + 1e-12);
        assert_true(a2.lo <= random_rows[i].a2 + 1e-12 && random_rows[i].a2 <= a2.hi + 1e-11);
    }
    if (!shape->w1)
        return;
    struct vg_wasserstein_side a = describe(ref), b = describe(now);
    struct vg_wasserstein w1 = vg_wasserstein(&counts, ref->grid->q, &a, &b);
    double unit = fabs(shape->scale), slack = 1e-9 + 1e-15 * fabs(shape->offset);
    assert_true(w1.lo / unit <= random_rows[i].w1 + slack);
    assert_true(random_rows[i].w1 <= w1.hi / unit + slack);
}

static void test_any_split_is_scipys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(random_rows); i++) {
        const struct shape *shape = &shapes[i % COUNT(shapes)];
        struct samples samples = samples_case(i);
        struct vg_grid *grid = make_grid(&samples, shape);
        struct counted ref, now;
        uint64_t seed = 1000 + i;
        count(samples.ref, samples.m, shape, grid, &seed, &ref);
        count(samples.now, samples.n, shape, grid, &seed, &now);
        compare(&ref.whole, &now.whole, shape, i);
        compare(&ref.parts[0], &now.parts[0], shape, i);
        for (size_t c = 0; c < 2 * (size_t)grid->n + 1; c++)
            assert_true(now.whole.fine[c] == now.parts[0].fine[c]);
        for (size_t g = 0; g <= grid->n; g++)
            samples_assert(now.parts[0].gaps[g].hi / fabs(shape->scale),
                           now.whole.gaps[g].hi / fabs(shape->scale), 1e-12, "gap", i);
        assert_true(now.whole.rows == now.parts[0].rows && now.whole.nulls == now.parts[0].nulls);
        forget(&ref);
        forget(&now);
        vg_grid_free(grid);
        samples_free(&samples);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_split_is_scipys),
    };
    return cmocka_run_group_tests_name("stat_merged", tests, NULL, NULL);
}
