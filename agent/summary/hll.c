/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HyperLogLog: how many distinct values, in 4096 registers, or in 1024 of a segment. Merging takes
 * the larger of each pair of registers, so the result is the same in any split and order. */
#include <math.h>

#include "agent/summary/parts.h"

static inline uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void vg_hll_add_numbers(uint8_t *registers, unsigned bits, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double plain = x[i] + 0.0; /* -0.0 becomes 0.0 */
        uint64_t word;
        memcpy(&word, &plain, sizeof word);
        vg_hll_add(registers, bits, mix(word));
    }
}

void vg_hll_merge(uint8_t *into, const uint8_t *from, unsigned bits)
{
    for (size_t i = 0; i < (size_t)1 << bits; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

/* sigma(x) = x + sum over k >= 1 of x^(2^k) 2^(k-1) */
static double sum_empty(double x)
{
    if (x >= 1)
        return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

/* tau(x) = (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3 */
static double sum_full(double x)
{
    if (x <= 0 || x >= 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

/* Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv 1702.01284),
 * algorithm 6: m^2 / (2 ln 2) / (m sigma(C_0/m) + sum C_k 2^-k + m tau(1 - C_q+1/m) 2^-q), C_k the
 * number of registers equal to k. Nearly unbiased over the whole range: for few values it is linear
 * counting, without the usual bump where one estimator hands over to another. Relative standard
 * error 1.04 / sqrt(m): 1.6 % of 4096, 3.25 % of 1024 registers. */
double vg_hll_estimate(const uint8_t *registers, unsigned bits)
{
    enum { RANKS = 64 };
    uint32_t counts[RANKS] = {0};
    int most = 64 - (int)bits + 1;
    for (size_t i = 0; i < (size_t)1 << bits; i++)
        counts[registers[i]]++;
    double m = (double)((size_t)1 << bits), z = m * sum_full(1 - counts[most] / m);
    for (int k = most - 1; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += m * sum_empty(counts[0] / m);
    return m / (2 * log(2)) * (m / z);
}
