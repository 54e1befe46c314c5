/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of proportions with exact tails; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_STAT_PROPORTION_H
#define PGVIGIL_CHECKS_STAT_PROPORTION_H

#include <stdint.h>

struct vg_proportion_tails {
    double less, more; /* P(X <= x), P(X >= x) */
    double two_sided;  /* P of all outcomes that are no more likely than x, within 1e-7 */
};

/* Fisher's exact test (1935, J. R. Stat. Soc. 98:39-82): x of n and y of m rows; X is
 * hypergeometric: how many of the x + y would be among the n if the samples were drawn alike.
 * Weights by their ratios from the mode outwards, so that they do not lose digits as logarithms
 * of factorials do. Counts up to 1e10, x <= n, y <= m. Tails below 1e-300 are 0; all are 1 where
 * n or m is 0. */
struct vg_proportion_tails vg_proportion_fisher(uint64_t x, uint64_t n, uint64_t y, uint64_t m);
/* Exact tails of x of n rows under a known proportion: X ~ binomial(n, share), share in 0 .. 1. */
struct vg_proportion_tails vg_proportion_binomial(uint64_t x, uint64_t n, double share);
/* The interval of Clopper and Pearson (1934, Biometrika 26:404-413) for x of n rows: lo is the
 * alpha/2-quantile of beta(x, n - x + 1), hi the upper one of beta(x + 1, n - x), alpha = 1 -
 * level. 0 .. 1 where n is 0. */
void vg_proportion_interval(uint64_t x, uint64_t n, double level, double *lo, double *hi);

#endif
