/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the dependence between columns has changed, from cross products of ranks; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_STAT_PAIRS_H
#define PGVIGIL_CHECKS_STAT_PAIRS_H

#include "pgvigil/summary_pairs.h"

/* Correlation of the ranks of a pair (Spearman's rho with the reference's ranks); NAN with fewer
 * than two rows or a constant. */
double vg_pairs_correlation(const struct vg_rank_pair *pair);

/* max |Fisher z|: the largest |atanh r_now - atanh r_then| over the pairs that have at least
 * `least` rows in both; correlations beyond 0.999 count as 0.999. p and floor hold for independent
 * rows: var atanh r = 1.06 / (n - 3) for ranks (Fieller, Hartley and Pearson 1957, Biometrika
 * 44:470-481), all pairs allowed for (Bonferroni). */
struct vg_fisher {
    double value;          /* NAN without a pair to compare */
    double then, now;      /* correlations of the worst pair */
    uint32_t i, j;         /* it */
    double p;              /* chance of the least likely change of any pair */
    double floor;          /* chance alone exceeds it once in 1000 windows */
    double rows;           /* of the worst pair now */
    size_t compared, left; /* pairs; left out for want of rows, or as constants */
};
struct vg_fisher vg_pairs_fisher(const struct vg_pairs *then, const struct vg_pairs *now,
                                 double least);

/* Mean squared error, per column, of rebuilding standardised ranks from the principal components of
 * the reference that hold `share` of its variance: tr((I - W W') M) / d, M the second moments of
 * `now` about the means of `then` in its standard deviations (Jolliffe 2002, Principal Component
 * Analysis, 6.1). Columns that are constant in the reference are left out. */
struct vg_reconstruction {
    double now, then; /* errors; NAN without columns or rows */
    /* Of a row's error over its mean, in the reference: at most about
     * sqrt(1 + 2 sum l^2 / (sum l)^2) over the variances l of the components left out. The second
     * term is that of normal features; the first stands for a scale that a row's errors share, and
     * was enough for ranks of normal and Student features of any correlation, 2 to 100 of them
     * (ratios of .4 to 1). Rare rows that break a tight dependence in the reference itself spread
     * wider. */
    double spread;
    double rows_then, rows_now; /* of the column that has fewest */
    size_t columns, components;
};
/* 0, or -1 VG_E_MEMORY, VG_E_INTERNAL. */
int vg_pairs_reconstruction(const struct vg_pairs *then, const struct vg_pairs *now, double share,
                            struct vg_reconstruction *out, struct vg_error *err);

#endif
