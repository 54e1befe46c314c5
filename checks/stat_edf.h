/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two-sample tests on the distance of two empirical distribution functions, from counts: Kuiper,
 * Cramer-von Mises, Anderson-Darling; layer 3, pure. F is of the reference (m values), G of the
 * current sample (n), H = (m F + n G) / N of both together, N = m + n.
 *
 * What the counts leave open is the order of values inside one gap, and which of them are equal.
 * Where only one sample has values in a gap, as on a grid of all values of the reference, `value`
 * takes them as distinct; where both have some, as they make the statistic least. The exact one
 * lies between lo and hi in any case: Kuiper's is not changed by ties, the other two are, by more
 * the larger a gap's share of the rows.
 */
#ifndef PGVIGIL_CHECKS_STAT_EDF_H
#define PGVIGIL_CHECKS_STAT_EDF_H

#include "checks/stat_ks.h"

struct vg_edf {
    double m, n;   /* values */
    double value;  /* NAN without values in one of the samples, as lo and hi */
    double lo, hi; /* between which it lies, however values in the gaps are tied or ordered */
    double p;      /* of value, by the limit law; NAN where ties make it worthless */
};

/* V = max (F - G) + max (G - F) (Kuiper 1960, Proc. Kon. Ned. Akad. Wet. A 63:38-47), 0 .. 1. Exact
 * with ties. p conservative with them. */
struct vg_edf vg_edf_kuiper(const struct vg_ks_counts *counts);
/* T = m n / N^2 sum over all N values of (F - G)^2 (Anderson 1962, Ann. Math. Stat. 33:1148-1159),
 * F and G taken at the end of a group of ties. p by the limit law after adjusting T to the mean and
 * variance of finite samples, as SciPy does. */
struct vg_edf vg_edf_cramer_von_mises(const struct vg_ks_counts *counts);
/* A^2 = m n / N sum over all values but the largest of (F - G)^2 / (N H (1 - H)) (Pettitt 1976,
 * Biometrika 63:161-168; with ties A_kN^2 of Scholz and Stephens 1987, JASA 82:918-924). A gap with
 * more than 100 000 values is summed in blocks, 1e-6 relative. */
struct vg_edf vg_edf_anderson_darling(const struct vg_ks_counts *counts);

/* Tails of the limit laws, relative accuracy 1e-9 or better down to 1e-300, 1 for x <= 0. */
/* P(V >= x / sqrt(m n / N)): sum over j of 2 (4 j^2 x^2 - 1) exp(-2 j^2 x^2). */
double vg_edf_kuiper_limit(double x);
/* P(omega^2 >= x), by Smirnov's (1936, C. R. Acad. Sci. Paris 202:449-452) integrals between the
 * odd and even zeros of the characteristic function:
 * 1/pi sum over k of (-1)^(k+1) int sqrt(-sqrt y / sin sqrt y) exp(-x y / 2) dy / y. */
double vg_edf_cramer_von_mises_limit(double x);
/* P(A^2 >= x), by the same integrals with -pi y / cos(pi/2 sqrt(1 + 4 y)) under the root (Anderson
 * and Darling 1952, Ann. Math. Stat. 23:193-212, give the characteristic function). */
double vg_edf_anderson_darling_limit(double x);

#endif
