/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far the shares of two samples in the same bins are apart. Pure. Terms are written so that
 * they are positive and keep their digits where the shares are nearly equal. */
#include "checks/stat_divergence.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static const double least_share = 1e-4, floor_level = 1e-3;

static double share(const uint64_t *rows, size_t i, double sum)
{
    return sum > 0 ? (double)rows[i] / sum : 0;
}

/* Never 0, so that its logarithm is finite; never above the share of one row. */
static double positive(const uint64_t *rows, size_t i, double sum)
{
    double exact = share(rows, i, sum);
    return exact > 0 ? exact : fmin(least_share, 0.5 / fmax(sum, 1));
}

double vg_divergence_psi(const struct vg_bins *bins)
{
    double sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double p = positive(bins->ref, i, bins->ref_sum), q = positive(bins->now, i, bins->now_sum);
        double d = (q - p) / p;
        sum += (q - p) * (fabs(d) < 0.5 ? log1p(d) : log(q / p));
    }
    return sum;
}

/* (1 + t) ln(1 + t) + (1 - t) ln(1 - t) for |t| <= 1. */
static double mix(double t)
{
    double t2 = t * t;
    if (fabs(t) < 0.01)
        return t2 * (1 + t2 * (1 / 6.0 + t2 * (1 / 15.0 + t2 / 28)));
    double less = 1 - fabs(t), more = 1 + fabs(t);
    return more * log(more) + (less > 0 ? less * log(less) : 0);
}

double vg_divergence_js(const struct vg_bins *bins)
{
    double sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double p = share(bins->ref, i, bins->ref_sum), q = share(bins->now, i, bins->now_sum);
        if (p + q > 0)
            sum += (p + q) / 4 * mix((q - p) / (p + q));
    }
    return sqrt(sum);
}

double vg_divergence_hellinger(const struct vg_bins *bins)
{
    double sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double p = share(bins->ref, i, bins->ref_sum), q = share(bins->now, i, bins->now_sum);
        double d = p + q > 0 ? (p - q) / (sqrt(p) + sqrt(q)) : 0;
        sum += d * d;
    }
    return sqrt(sum / 2);
}

double vg_divergence_kl(const struct vg_bins *bins)
{
    double sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        double p = positive(bins->ref, i, bins->ref_sum), q = share(bins->now, i, bins->now_sum);
        double d = (q - p) / p;
        if (q > 0)
            sum += q * (fabs(d) < 0.5 ? log1p(d) : log(q / p));
    }
    return fmax(sum, 0);
}

double vg_divergence_tv(const struct vg_bins *bins)
{
    double sum = 0;
    for (size_t i = 0; i < bins->n; i++)
        sum += fabs(share(bins->ref, i, bins->ref_sum) - share(bins->now, i, bins->now_sum));
    return sum / 2;
}

double vg_divergence_linf(const struct vg_bins *bins)
{
    double most = 0;
    for (size_t i = 0; i < bins->n; i++)
        most = fmax(most,
                    fabs(share(bins->ref, i, bins->ref_sum) - share(bins->now, i, bins->now_sum)));
    return most;
}

struct vg_divergence_law vg_divergence_law(enum vg_divergence which, double value,
                                           const struct vg_bins *bins)
{
    static const double parts[] = {1, 8, 8, 2};
    bool squared = which == VG_DIVERGENCE_JS || which == VG_DIVERGENCE_HELLINGER;
    if (!(bins->ref_sum > 0 && bins->now_sum > 0))
        return (struct vg_divergence_law){NAN, NAN};
    if (bins->n < 2)
        return (struct vg_divergence_law){1, 0};
    double scale = (1 / bins->ref_sum + 1 / bins->now_sum) / parts[which];
    double freedom = (double)bins->n - 1;
    double floor = scale * gsl_cdf_chisq_Qinv(floor_level, freedom);
    return (struct vg_divergence_law){
        .p = gsl_cdf_chisq_Q((squared ? value * value : value) / scale, freedom),
        .floor = squared ? sqrt(floor) : floor,
    };
}
