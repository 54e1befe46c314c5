/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of HyperLogLog (agent/summary/hll.c): its error over many sets and sizes, for numbers
 * that differ in few bits as for texts, and merging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/summary/parts.h"
#include "tests/unit/made_batch.h"

enum { SETS = 60 };
static const double STANDARD_ERROR = 1.04 / 64; /* 1.04 / sqrt(4096) */

enum series { CONSECUTIVE, MICROSECONDS, HUNDREDTHS, DRAWN, TEXTS, SERIES };

/* Adds the values from..upto-1 of one series; all values of all sets differ. */
static void add_series(uint8_t *registers, enum series series, uint32_t set, uint32_t from,
                       uint32_t upto)
{
    for (uint32_t i = from; i < upto; i++) {
        double place = set * 1e7 + i, x = place;
        if (series == MICROSECONDS)
            x = 9.9e14 + place * 1e6;
        else if (series == HUNDREDTHS)
            x = place / 100;
        else if (series == DRAWN)
            x = chance_normal(&(struct chance){(uint64_t)place * 7919});
        if (series == TEXTS) {
            char text[40];
            int len = snprintf(text, sizeof text, "customer-%.0f", place);
            vg_hll_add(registers, VG_HLL_BITS, vg_hash64(text, (size_t)len));
        } else {
            vg_hll_add_numbers(registers, VG_HLL_BITS, &x, 1);
        }
    }
}

/* Root mean square of the relative error over independent sets, and its mean, at growing sizes.
 * Bounds: the standard error 1.04 / sqrt(m), widened by 4 standard errors of its estimate from SETS
 * draws; the bias by 4 standard errors of the mean. Few values are counted exactly but for two of a
 * set that share a register, which is rare and then weighs much: one such pair in SETS is allowed.
 */
static void test_error(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 5, 50, 500, 2000, 6000, 10000, 14000, 20000, 60000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int series = 0; series < SERIES; series++) {
        double squares[SIZES] = {0}, sums[SIZES] = {0};
        for (uint32_t set = 0; set < SETS; set++) {
            uint8_t registers[VG_HLL_SIZE] = {0};
            for (size_t k = 0; k < SIZES; k++) {
                add_series(registers, (enum series)series, set, k ? sizes[k - 1] : 0, sizes[k]);
                double error = vg_hll_estimate(registers, VG_HLL_BITS) / sizes[k] - 1;
                squares[k] += error * error;
                sums[k] += error;
            }
        }
        for (size_t k = 0; k < SIZES; k++) {
            double rms = sqrt(squares[k] / SETS), bias = sums[k] / SETS;
            double widened = STANDARD_ERROR * (1 + 4 / sqrt(2.0 * SETS));
            double most = sizes[k] < 10 ? 1.05 / sizes[k] / sqrt(SETS) : widened;
            if (rms > most || fabs(bias) > 4 * STANDARD_ERROR / sqrt(SETS))
                fail_msg("series %d, %u values: rms %.4f, bias %.4f", series, sizes[k], rms, bias);
        }
    }
}

static void test_empty_and_repeated(void **state)
{
    (void)state;
    uint8_t registers[VG_HLL_SIZE] = {0};
    assert_true(vg_hll_estimate(registers, VG_HLL_BITS) == 0);
    for (int i = 0; i < 1000; i++)
        vg_hll_add_numbers(registers, VG_HLL_BITS, (double[]){0.0, -0.0}, 2);
    assert_close(vg_hll_estimate(registers, VG_HLL_BITS), 1, 0.001);
}

static void test_full_registers_are_a_number(void **state)
{
    (void)state;
    uint8_t registers[VG_HLL_SIZE];
    memset(registers, VG_HLL_RANK_MAX, sizeof registers);
    assert_true(vg_hll_estimate(registers, VG_HLL_BITS) > 1e18);
    memset(registers, VG_HLL_RANK_MAX - 1, sizeof registers);
    assert_true(isfinite(vg_hll_estimate(registers, VG_HLL_BITS)));
}

static void test_highest_rank(void **state)
{
    (void)state;
    uint8_t registers[VG_HLL_SIZE] = {0};
    vg_hll_add(registers, VG_HLL_BITS, 0);
    vg_hll_add(registers, VG_HLL_BITS, UINT64_MAX);
    assert_int_equal(registers[0], VG_HLL_RANK_MAX);
    assert_int_equal(registers[VG_HLL_SIZE - 1], 1);
}

static void test_merge_is_the_union(void **state)
{
    (void)state;
    uint8_t whole[VG_HLL_SIZE] = {0}, left[VG_HLL_SIZE] = {0}, right[VG_HLL_SIZE] = {0};
    add_series(whole, CONSECUTIVE, 0, 0, 9000);
    add_series(left, CONSECUTIVE, 0, 0, 6000);
    add_series(right, CONSECUTIVE, 0, 3000, 9000);
    vg_hll_merge(left, right, VG_HLL_BITS);
    assert_memory_equal(left, whole, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_empty_and_repeated),
        cmocka_unit_test(test_full_registers_are_a_number),
        cmocka_unit_test(test_highest_rank),
        cmocka_unit_test(test_merge_is_the_union),
    };
    return cmocka_run_group_tests_name("test_summary_hll", tests, NULL, NULL);
}
