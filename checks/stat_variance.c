/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The logarithm of the ratio of two variances. Pure. */
#include "checks/stat_variance.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

struct vg_log_variance vg_log_variance(double sd_now, double n_now, double sd_ref, double n_ref,
                                       double kurtosis)
{
    /* Of the ratio, where it is near 1, not of two logarithms that cancel. */
    double ratio = sd_now / sd_ref;
    bool plain = isfinite(ratio) && ratio > 0;
    double value = plain ? 2 * log(ratio) : 2 * (log(sd_now) - log(sd_ref));
    double error = sqrt((kurtosis - 1) * (1 / n_now + 1 / n_ref));
    double p = value == 0 ? 1 : 2 * gsl_cdf_ugaussian_Q(fabs(value) / error);
    return (struct vg_log_variance){value, isnan(kurtosis) ? (double)NAN : p};
}

static double find_place(const struct vg_grid *grid, size_t cell)
{
    size_t i = cell / 2;
    if (cell % 2 == 1)
        return grid->q[i];
    if (i == 0)
        return grid->q[0];
    if (i == grid->n)
        return grid->q[grid->n - 1];
    return grid->q[i - 1] / 2 + grid->q[i] / 2;
}

/* Scaled by the range of the thresholds, so that fourth powers stay in range. */
double vg_kurtosis(const struct vg_distribution *distribution)
{
    const struct vg_grid *grid = distribution->grid;
    double n = 0, mean = 0, m2 = 0, m4 = 0;
    double origin = grid->q[grid->n / 2];
    double unit = grid->q[grid->n - 1] / 2 - grid->q[0] / 2;
    size_t cells = 2 * (size_t)grid->n + 1;
    if (!(unit > 0) || !isfinite(unit))
        return NAN;
    for (size_t i = 0; i < cells; i++) {
        n += (double)distribution->cells[i];
        mean += (double)distribution->cells[i] * ((find_place(grid, i) - origin) / unit);
    }
    mean /= n;
    for (size_t i = 0; i < cells; i++) {
        double d = (find_place(grid, i) - origin) / unit - mean, d2 = d * d;
        m2 += (double)distribution->cells[i] * d2;
        m4 += (double)distribution->cells[i] * d2 * d2;
    }
    double kurtosis = m4 / m2 / m2 * n;
    return isfinite(kurtosis) ? fmax(kurtosis, 1) : (double)NAN;
}
