/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of double-double sums and moments (agent/summary/dd.c) against arithmetic in 113 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"
#include "tests/unit/made_batch.h"

typedef __float128 quad;

static quad widen(struct vg_dd a)
{
    return (quad)a.hi + (quad)a.lo;
}

/* Relative to the larger of the exact result and `scale`. */
static void assert_quad(struct vg_dd got, quad exact, quad scale, double tolerance)
{
    quad error = widen(got) - exact, size = exact < 0 ? -exact : exact;
    error = error < 0 ? -error : error;
    size = size < scale ? scale : size;
    if (error > (quad)tolerance * size)
        fail_msg("%g is off by %g", (double)exact, (double)error);
}

static struct vg_dd make_dd(struct chance *chance)
{
    double hi = ldexp(chance_normal(chance), (int)chance_below(chance, 60) - 30);
    float lo = (float)(hi * 0x1p-54 * (chance_unit(chance) - 0.5)); /* so that a quad holds both */
    return (struct vg_dd){hi, lo};
}

static void test_arithmetic(void **state)
{
    (void)state;
    struct chance chance = {1};
    for (int i = 0; i < 20000; i++) {
        struct vg_dd a = make_dd(&chance), b = make_dd(&chance);
        if (i % 3 == 0)
            b = (struct vg_dd){-a.hi, (float)(a.lo * chance_unit(&chance))};
        quad x = widen(a), y = widen(b);
        assert_quad(vg_dd_add(a, b), x + y, 0, 1e-30);
        assert_quad(vg_dd_mul(a, b.hi), x * (quad)b.hi, 0, 1e-31);
        assert_quad(vg_dd_multiply(a, b), x * y, 0, 1e-31);
        assert_quad(vg_dd_divide(a, b.hi), x / (quad)b.hi, 0, 1e-30);
    }
}

static void test_division_finds_the_constant_again(void **state)
{
    (void)state;
    double x[1000];
    uint64_t signs = 0;
    for (size_t n = 1; n <= 1000; n++) {
        x[n - 1] = 0.1;
        struct vg_moments moments = vg_moments_of(x, n, &signs, &signs);
        assert_true(vg_dd_divide(moments.sum, (double)n).hi == 0.1);
        assert_true(moments.m2.hi == 0 && moments.m2.lo == 0);
    }
}

static void test_constants_deviate_by_nothing(void **state)
{
    (void)state;
    static const double constants[] = {0.1, 1.0 / 3, -1e9 / 7, 1e-200, 9.9e15 / 3};
    struct chance chance = {4};
    double x[VG_BATCH_ROWS];
    uint64_t signs = 0;
    for (size_t c = 0; c < sizeof constants / sizeof *constants; c++) {
        struct vg_moments total = {.min = INFINITY, .max = -INFINITY};
        for (size_t i = 0; i < VG_BATCH_ROWS; i++)
            x[i] = constants[c];
        for (int part = 0; part < 500; part++) {
            size_t n = 1 + chance_below(&chance, VG_BATCH_ROWS);
            struct vg_moments more = vg_moments_of(x, n, &signs, &signs);
            vg_moments_merge(&total, &more);
            assert_true(total.m2.hi == 0 && total.m2.lo == 0);
            assert_true(vg_dd_divide(total.sum, (double)total.n).hi == constants[c]);
        }
    }
}

static void test_moments(void **state)
{
    (void)state;
    static const enum shape shapes[] = {SHAPE_NORMAL, SHAPE_TIES,   SHAPE_CONSTANT,
                                        SHAPE_OFFSET, SHAPE_CANCEL, SHAPE_TAILS};
    struct chance chance = {2};
    double x[VG_BATCH_ROWS];
    for (int round = 0; round < 600; round++) {
        size_t n = 1 + chance_below(&chance, round % 3 ? VG_BATCH_ROWS : 20);
        uint64_t zeros = 0, negatives = 0, naive_zeros = 0, naive_negatives = 0;
        quad sum = 0, sizes = 0, m2 = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = make_value(&chance, shapes[round % 6]);
            sum += (quad)x[i];
            sizes += (quad)fabs(x[i]);
            naive_zeros += x[i] == 0;
            naive_negatives += x[i] < 0;
        }
        quad mean = sum / (quad)n;
        for (size_t i = 0; i < n; i++)
            m2 += ((quad)x[i] - mean) * ((quad)x[i] - mean);
        struct vg_moments moments = vg_moments_of(x, n, &zeros, &negatives);
        assert_true(zeros == naive_zeros && negatives == naive_negatives && moments.n == n);
        assert_quad(moments.sum, sum, sizes * (quad)1e-13, 1e-14);
        assert_quad(moments.m2, m2, 0, 1e-13);
    }
}

/* The mean of values that cancel almost wholly still has its digits. */
static void test_cancellation(void **state)
{
    (void)state;
    struct chance chance = {3};
    double x[VG_BATCH_ROWS];
    uint64_t signs = 0;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < VG_BATCH_ROWS; i += 2) {
            x[i] = 1e9 * chance_unit(&chance);
            x[i + 1] = 1e-3 - x[i];
        }
        quad sum = 0;
        for (size_t i = 0; i < VG_BATCH_ROWS; i++)
            sum += (quad)x[i];
        struct vg_moments moments = vg_moments_of(x, VG_BATCH_ROWS, &signs, &signs);
        assert_quad(moments.sum, sum, 0, 1e-14);
    }
}

static void test_extremes_have_no_negative_zero(void **state)
{
    (void)state;
    static const double cases[][3] = {{-0.0, 0.0, -0.0}, {-0.0, -0.0, -0.0}, {0.0, -0.0, 0.0}};
    uint64_t zeros = 0, negatives = 0;
    for (size_t i = 0; i < 3; i++) {
        struct vg_moments moments = vg_moments_of(cases[i], 3, &zeros, &negatives);
        assert_int_equal(signbit(moments.min), 0);
        assert_int_equal(signbit(moments.max), 0);
    }
    assert_true(zeros == 9 && negatives == 0);
}

static void test_merging_nothing(void **state)
{
    (void)state;
    struct vg_moments none = {.min = INFINITY, .max = -INFINITY}, some = {2, 1, 3, {4, 0}, {2, 0}};
    struct vg_moments a = none, b = some;
    vg_moments_merge(&a, &some);
    vg_moments_merge(&b, &none);
    assert_memory_equal(&a, &some, sizeof a);
    assert_memory_equal(&b, &some, sizeof b);
    vg_moments_merge(&a, &b);
    assert_true(a.n == 4 && a.sum.hi == 8 && a.m2.hi == 4 && a.min == 1 && a.max == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_division_finds_the_constant_again),
        cmocka_unit_test(test_constants_deviate_by_nothing),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_cancellation),
        cmocka_unit_test(test_extremes_have_no_negative_zero),
        cmocka_unit_test(test_merging_nothing),
    };
    return cmocka_run_group_tests_name("test_summary_dd", tests, NULL, NULL);
}
