/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wasserstein-1 (the earth mover's distance) from counts, means and ranges; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_STAT_WASSERSTEIN_H
#define PGVIGIL_CHECKS_STAT_WASSERSTEIN_H

#include "checks/stat_ks.h"
#include "pgvigil/summary.h"

struct vg_wasserstein_side {  /* what is known of a sample besides its counts */
    double mean;              /* NAN: not known */
    double min, max;          /* NAN: not known */
    const struct vg_dd *gaps; /* of the current sample, as vg_column_summary has them; or NULL */
};

struct vg_wasserstein {
    double lo, hi; /* between which W1 lies; hi may be infinite */
    double p;      /* chance of lo or more if nothing has changed */
    double floor;  /* what chance alone exceeds once in 1000 windows */
};

/* W1 = int |F - G| dx (Vallender 1974, Theory Probab. Appl. 18:784-786), in units of x. Counts
 * are of cells with gaps on the thresholds q. On a threshold both functions are known; inside a
 * gap F - G lies between F(a) - G(b-) and F(b-) - G(a). This bounds the integrals P of (F - G)+
 * and Q of (G - F)+, and as P - Q is the difference of the means, which is known, each bounds the
 * other; W1 = P + Q. Exact where no gap holds values of the current sample, or F - G has one
 * sign. With the sums of the current values in each gap, c of them with the sum S of their
 * distances from a, a gap (a, b) of length L without values of the reference is exact unless G
 * passes F inside it: there F = G(a) + k / n, and, the values being in order, P lies between
 * max(0, S - (c - k) L) / n and k S / (c n), P - Q = (k - c) L / n + S / n.
 *
 * Law if nothing has changed: sqrt(m n / N) (F - G) is a Brownian bridge in F, so that W1 has the
 * mean s sqrt(2/pi) int sqrt(F (1 - F)) dx, s = sqrt(1/n + 1/m) (del Barrio, Gine and Matran
 * 1999, Ann. Probab. 27:1009-1071), and its variance is the integral of cov(|B(u)|, |B(v)|) =
 * 2/pi sd(u) sd(v) (sqrt(1 - r^2) + r asin r - 1), r their correlation; p and floor are those of
 * the gamma law with this mean and variance, F taken from the reference, its cells joined to at
 * most 128. For skewed columns the floor is a little low: lognormal samples pass it 4 times in
 * 1000. NAN without values in one of the samples; p and floor also when a spread overflows; 1 or
 * 0, and 0, for a constant reference. */
struct vg_wasserstein vg_wasserstein(const struct vg_ks_counts *counts, const double *q,
                                     const struct vg_wasserstein_side *ref,
                                     const struct vg_wasserstein_side *now);

#endif
