/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tails of the normal, Student's and Kolmogorov's law, and their inverses by halving. Pure. */
#include "checks/stat_tails.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

#include "checks/stat_beta.h"
#include "checks/stat_ks.h"

const double vg_null_quantiles[VG_NULL_QUANTILES] = {0.5, 0.75, 0.9, 0.95};
const double vg_null_kolmogorov[VG_NULL_QUANTILES] = {0.8275735551899059, 1.0191847202536857,
                                                      1.2238478702170825, 1.3580986393225505};
const double vg_null_normal[VG_NULL_QUANTILES] = {0.6744897501960817, 1.1503493803760079,
                                                  1.6448536269514722, 1.959963984540054};

double vg_normal_tails(double z)
{
    return fmin(2 * gsl_cdf_ugaussian_Q(fabs(z)), 1);
}

double vg_normal_score(double p)
{
    if (!(p > 0))
        return isnan(p) ? p : INFINITY;
    return p < 1 ? gsl_cdf_ugaussian_Qinv(p / 2) : 0;
}

enum { HALVINGS = 90 };

double vg_student_tails(double t, double nu)
{
    const double most = 1e150; /* its square is a double */
    double a = nu / 2, b = 0.5, square = t * t;
    if (isnan(t) || t == 0)
        return isnan(t) ? t : 1;
    double log_x = fabs(t) < most ? -log1p(square / nu) : log(nu) - 2 * log(fabs(t));
    double x = exp(log_x), rest = fabs(t) < most ? square / (nu + square) : 1;
    double front = exp(a * log_x + b * log(rest) - gsl_sf_lnbeta(a, b));
    if (x < (a + 1) / (a + b + 2))
        return fmin(front * vg_beta_fraction(a, b, x) / a, 1);
    return fmax(1 - front * vg_beta_fraction(b, a, rest) / b, 0);
}

double vg_student_score(double p, double nu)
{
    if (!(p > 0) || p >= 1)
        return p >= 1 ? 0 : INFINITY;
    double lo = -60, hi = 690; /* of log t */
    if (vg_student_tails(exp(hi), nu) > p)
        return INFINITY;
    for (int i = 0; i < HALVINGS && hi - lo > 1e-15; i++) {
        double mid = lo / 2 + hi / 2;
        if (vg_student_tails(exp(mid), nu) > p)
            lo = mid;
        else
            hi = mid;
    }
    return exp(lo / 2 + hi / 2);
}

double vg_ks_limit_score(double p)
{
    if (!(p > 1e-300))
        return INFINITY;
    double lo = 0, hi = 27;
    for (int i = 0; i < HALVINGS && p < 1; i++) {
        double mid = lo / 2 + hi / 2;
        if (vg_ks_limit(mid) > p)
            lo = mid;
        else
            hi = mid;
    }
    return p < 1 ? lo / 2 + hi / 2 : 0;
}
