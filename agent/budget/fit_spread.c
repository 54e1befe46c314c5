/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variance inside base windows on the log scale, against its own centre and spread over the
 * reference. Pure. A wandering level leaves it alone, which makes it powerful. */
#include <math.h>
#include <string.h>

#include "agent/budget/parts.h"
#include "checks/stat_tails.h"
#include "pgvigil/sort.h"

double vg_spread_level(const struct vg_series *series, size_t w, uint32_t scale)
{
    double sum = 0, weight = 0;
    for (size_t i = w + 1 - scale; i <= w; i++) {
        if (series->rows[i] < VG_BUDGET_THIN)
            continue;
        sum += series->m2[i]; /* (rows - 1) times the variance */
        weight += series->rows[i] - 1;
    }
    double variance = sum / weight;
    return variance > 0 && isfinite(variance) ? log(variance) : (double)NAN;
}

/* Centre and spread of n levels. */
static void fit_levels(double *x, size_t n, double *c, double *g)
{
    *c = vg_find_median(x, n);
    *g = 0;
    for (size_t i = 0; i < n; i++)
        x[i] = fabs(x[i] - *c);
    vg_sort_doubles(x, n);
    for (size_t q = 0; q < VG_NULL_QUANTILES; q++)
        *g = fmax(*g, vg_sorted_quantile(x, n, vg_null_quantiles[q]) / vg_null_normal[q]);
}

int vg_fit_spread(const struct vg_series *series, const struct vg_calendar *calendar,
                  struct vg_work *work, struct vg_fit_spread *out)
{
    *out = (struct vg_fit_spread){.nscales = calendar->nscales};
    memcpy(out->scales, calendar->scales, sizeof out->scales);
    if (vg_work_grow(work, 0, series->n) < 0)
        return -1;
    for (size_t i = 0; i < calendar->nscales; i++) {
        uint32_t scale = calendar->scales[i];
        size_t n = 0;
        for (size_t w = scale - 1; w < series->n; w++) {
            double level = vg_spread_level(series, w, scale);
            if (!isnan(level))
                work->y[n++] = level;
        }
        out->w[i] = (double)(series->n / scale);
        if (n >= 2 && out->w[i] >= 2)
            fit_levels(work->y, n, &out->c[i], &out->g[i]);
    }
    return 0;
}

/* The error of a level and of the centre together. */
static double find_error(const struct vg_fit_spread *fit, size_t scale)
{
    return fit->g[scale] * sqrt(1 + 1 / fit->w[scale]);
}

double vg_fit_spread_p(const struct vg_fit_spread *fit, size_t scale, double level)
{
    if (!(fit->g[scale] > 0) || isnan(level))
        return NAN;
    return vg_student_tails((level - fit->c[scale]) / find_error(fit, scale), fit->w[scale] - 1);
}

double vg_fit_spread_limit(const struct vg_fit_spread *fit, size_t scale, double level)
{
    const double most = 700; /* of what exp() can take */
    double t = vg_student_score(level, fit->w[scale] - 1);
    return isinf(t) ? t : exp(fmin(t * find_error(fit, scale) / 2, most));
}

double vg_fit_spread_visible(const struct vg_fit_spread *fit, double level)
{
    double best = INFINITY;
    for (size_t i = 0; i < fit->nscales; i++) {
        if (fit->g[i] > 0)
            best = fmin(best, vg_fit_spread_limit(fit, i, level));
    }
    return best;
}
