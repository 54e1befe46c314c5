/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether two samples fall into the same bins alike: Pearson's X^2 and the likelihood ratio G;
 * layer 3, pure. Both follow chi2 with B - 1 degrees of freedom when they do, provided that no bin
 * is sparse: vg_bins_pool() first. */
#ifndef PGVIGIL_CHECKS_STAT_CHI_SQUARE_H
#define PGVIGIL_CHECKS_STAT_CHI_SQUARE_H

#include "checks/stat_bins.h"

struct vg_chi_square {
    double value;   /* X^2 or G */
    double freedom; /* B - 1 */
    double p;       /* P(chi2(B - 1) >= value); 1 with fewer than two bins */
    double effect;  /* Cramer's V of a table of two rows, sqrt(value / (m + n)): 0 .. 1 */
};
/* X^2 = sum over bins and samples of (observed - expected)^2 / expected = sum of
 * (n r_i - m c_i)^2 / (m n (r_i + c_i)) (Pearson 1900, Phil. Mag. 50:157-175); no correction for
 * continuity. NAN without rows in one of the samples. */
struct vg_chi_square vg_chi_square(const struct vg_bins *bins);
/* G = 2 sum of observed ln(observed / expected) over both samples (Wilks 1938, Ann. Math. Stat.
 * 9:60-62). */
struct vg_chi_square vg_chi_square_g(const struct vg_bins *bins);

#endif
