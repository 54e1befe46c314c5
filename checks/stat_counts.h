/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a count lies from an expected share, where rows resemble each other; layer 3, pure.
 *
 * Owns the two laws of the count of a value among n rows: exact and skewed where it is small, the
 * arcsine scale where it is large.
 */
#ifndef PGVIGIL_CHECKS_STAT_COUNTS_H
#define PGVIGIL_CHECKS_STAT_COUNTS_H

#include <stdbool.h>

enum { VG_COUNT_FEW = 100 }; /* expected counts (of the rarer side) below this: the exact law */

/* The law of the number of n rows that hold a value of this share (between 0 and 1, exclusive);
 * its variance is n share (1 - share) variance, so 1 for independent rows. */
struct vg_count_law {
    double n, share, variance;
};

/* The two-sided mid-p of a count, min(1, 2 min(P(< count), P(> count)) + P(= count)), under the
 * beta-binomial law with a + b = K = 1/R - 1, R = (variance - 1)/(n - 1) in 1e-12 .. .999: a share
 * that itself varies like beta(share K, (1 - share) K) (Skellam 1948, J. R. Stat. Soc. B 10:257).
 * Weights by their ratios from the mean outwards. 1 for fewer than two rows. */
double vg_count_mid_p(const struct vg_count_law *law, double count);

/* Whether vg_count_mid_p() is `p` or more, as far as a moment's look can tell: false says nothing.
 * No p is below the weight of its own count, and where K share and K (1 - share) are 1 or more the
 * law is log-concave: w(count) >= w(mode) (w(count) / w(count's neighbour towards the mode))^steps,
 * and w(mode) >= 3/4 / (4 sd + 1), for within two sd lie three quarters of all (Chebyshev). */
bool vg_count_is_usual(const struct vg_count_law *law, double count, double p);

/* |z| of a count on the variance-stabilising scale (Anscombe 1948, Biometrika 35:246-254):
 * 2 sqrt((n + .5)/variance) |asin sqrt((count + 3/8)/(n + 3/4)) - asin sqrt share|. */
double vg_count_score(const struct vg_count_law *law, double count);

/* The two-sided p of a count by whichever of the two laws holds for it. */
double vg_count_p(const struct vg_count_law *law, double count);

/* The difference of shares, count/n - share, that p corresponds to on the upper (side 1) or lower
 * (side -1) side: beyond it vg_count_p() is below p. +-infinity where no count is. */
double vg_count_limit(const struct vg_count_law *law, double p, int side);

#endif
