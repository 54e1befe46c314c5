/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pearson's X^2 and the likelihood ratio G of two samples in bins. Pure. */
#include "checks/stat_chi_square.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static struct vg_chi_square finish(const struct vg_bins *bins, double value)
{
    double m = bins->ref_sum, n = bins->now_sum;
    if (!(m > 0 && n > 0))
        return (struct vg_chi_square){NAN, NAN, NAN, NAN};
    double freedom = bins->n > 1 ? (double)bins->n - 1 : 0;
    return (struct vg_chi_square){
        .value = value,
        .freedom = freedom,
        .p = freedom > 0 ? gsl_cdf_chisq_Q(value, freedom) : 1,
        .effect = sqrt(fmin(value / (m + n), 1)),
    };
}

struct vg_chi_square vg_chi_square(const struct vg_bins *bins)
{
    double m = bins->ref_sum, n = bins->now_sum, sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double r = (double)bins->ref[i], c = (double)bins->now[i];
        double d = r / m - c / n;
        if (r + c > 0)
            sum += d * d / (r + c);
    }
    return finish(bins, m * n * sum);
}

/* x ln(x / y) - (x - y): never negative, and sums over both samples and all bins to the sum of the
 * first part alone. */
static double deviate(double x, double y)
{
    if (!(x > 0))
        return y;
    double d = (y - x) / x;
    if (fabs(d) >= 0.01)
        return x * log(x / y) - (x - y);
    /* x (d - ln(1 + d)) as a series: the two cancel for small d. */
    return x * d * d * (0.5 - d * (1 / 3.0 - d * (0.25 - d * (0.2 - d * (1 / 6.0 - d / 7)))));
}

struct vg_chi_square vg_chi_square_g(const struct vg_bins *bins)
{
    double m = bins->ref_sum, n = bins->now_sum, sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double r = (double)bins->ref[i], c = (double)bins->now[i], part = (r + c) / (m + n);
        if (part > 0)
            sum += deviate(r, m * part) + deviate(c, n * part);
    }
    return finish(bins, 2 * sum);
}
