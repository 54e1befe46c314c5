/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tails of the normal, Student's and Kolmogorov's law, and their inverses; layer 3, pure.
 *
 * Relative accuracy 1e-12 down to 1e-300, which GSL's own tail of Student's law does not reach: it
 * is an expansion above 30 degrees of freedom. Two-sided throughout.
 */
#ifndef PGVIGIL_CHECKS_STAT_TAILS_H
#define PGVIGIL_CHECKS_STAT_TAILS_H

/* The quantiles at which windows of a reference are compared with their null law. */
enum { VG_NULL_QUANTILES = 4 };
extern const double vg_null_quantiles[VG_NULL_QUANTILES];  /* .5, .75, .9, .95 */
extern const double vg_null_kolmogorov[VG_NULL_QUANTILES]; /* K: P(K < x) of Kolmogorov's law */
extern const double vg_null_normal[VG_NULL_QUANTILES];     /* |Z| of the normal law */

/* P(|Z| >= z) of the normal law; its inverse: the score of a two-sided p, infinity for p = 0. */
double vg_normal_tails(double z);
double vg_normal_score(double p);

/* P(|T| >= t) of Student's law with nu degrees of freedom, nu > 0, as the regularised incomplete
 * beta function I_x(nu/2, 1/2), x = nu / (nu + t^2) (DLMF 8.17, continued fraction 8.17.22). */
double vg_student_tails(double t, double nu);
/* t of that p: infinity for p = 0 or beyond 1e300, 0 for p = 1. */
double vg_student_score(double p, double nu);

/* z with vg_ks_limit(z) = p: infinity for p at most 1e-300, 0 for p = 1. */
double vg_ks_limit_score(double p);

#endif
