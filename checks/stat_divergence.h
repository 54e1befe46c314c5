/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far the shares of two samples in the same bins are apart; layer 3, pure.
 *
 * p_i = r_i / m of the reference, q_i = c_i / n of the current sample. They are sizes of an effect:
 * each is also above 0 when nothing has changed, the more so the fewer rows and the more bins there
 * are. vg_divergence_law() says how much. All are 0 without bins, and finite.
 */
#ifndef PGVIGIL_CHECKS_STAT_DIVERGENCE_H
#define PGVIGIL_CHECKS_STAT_DIVERGENCE_H

#include "checks/stat_bins.h"

/* Population stability index: sum (q_i - p_i) ln(q_i / p_i), the divergence J of Jeffreys (1946,
 * Proc. R. Soc. A 186:453-461). A share of 0 counts as the smaller of 0.0001 and half a row. */
double vg_divergence_psi(const struct vg_bins *bins);
/* Jensen-Shannon distance: sqrt((KL(p || a) + KL(q || a)) / 2), a = (p + q) / 2, natural
 * logarithms: 0 .. sqrt(ln 2) = 0.8326 (Lin 1991, IEEE Trans. Inf. Theory 37:145-151; Endres and
 * Schindelin 2003, ibid. 49:1858-1860). */
double vg_divergence_js(const struct vg_bins *bins);
/* Hellinger distance: sqrt(sum (sqrt p_i - sqrt q_i)^2 / 2), 0 .. 1 (Hellinger 1909, J. reine
 * angew. Math. 136:210-271). */
double vg_divergence_hellinger(const struct vg_bins *bins);
/* Divergence of Kullback and Leibler (1951, Ann. Math. Stat. 22:79-86) of the current shares from
 * the reference's, in nats: sum q_i ln(q_i / p_i). A p_i of 0 counts as in the psi. */
double vg_divergence_kl(const struct vg_bins *bins);
/* Total variation: sum |p_i - q_i| / 2, 0 .. 1: the share of rows that would have to move. */
double vg_divergence_tv(const struct vg_bins *bins);
/* L-infinity: max |p_i - q_i|, 0 .. 1: the largest change of one share. */
double vg_divergence_linf(const struct vg_bins *bins);

enum vg_divergence {
    VG_DIVERGENCE_PSI,
    VG_DIVERGENCE_JS,
    VG_DIVERGENCE_HELLINGER,
    VG_DIVERGENCE_KL
};
struct vg_divergence_law {
    double p;     /* chance of as much or more if nothing has changed */
    double floor; /* what chance alone exceeds once in 1000 windows */
};
/* The law of a value when both samples are drawn alike, B bins, s = 1/n + 1/m: psi ~ s chi2(B - 1),
 * kl ~ s/2 chi2, js^2 ~ hellinger^2 ~ s/8 chi2 (Yurdakul 2018, Statistical Properties of Population
 * Stability Index, Western Michigan University; the same expansion to second order gives the
 * others). Good when no bin is sparse. With fewer than two bins p is 1 and the floor 0; without
 * rows both are NAN. */
struct vg_divergence_law vg_divergence_law(enum vg_divergence which, double value,
                                           const struct vg_bins *bins);

#endif
