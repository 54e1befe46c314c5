/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variance inside base windows on the log scale, against its own centre and spread over the
 * reference. Pure. A wandering level leaves it alone, which makes it powerful. */
#include <math.h>
#include <string.h>

#include "agent/budget/parts.h"
#include "checks/stat_tails.h"
#include "pgvigil/sort.h"

enum { THIN_LEAST = 20 }; /* below a quantile of .95 must lie one of them */

double vg_spread_weight(const struct vg_series *series, size_t w, uint32_t scale)
{
    double weight = 0;
    for (size_t i = w + 1 - scale; i <= w; i++)
        weight += series->rows[i] < VG_BUDGET_THIN ? 0 : series->rows[i] - 1;
    return weight;
}

double vg_spread_level(const struct vg_series *series, size_t w, uint32_t scale)
{
    double sum = 0;
    for (size_t i = w + 1 - scale; i <= w; i++)
        sum += series->rows[i] < VG_BUDGET_THIN ? 0 : series->m2[i]; /* (rows - 1) variances */
    double variance = sum / vg_spread_weight(series, w, scale);
    return variance > 0 && isfinite(variance) ? log(variance) : (double)NAN;
}

/* How far n levels lie from c, so that at every quantile they lie no further than normal ones. */
static double fit_spread(double *x, size_t n, double c)
{
    double g = 0;
    for (size_t i = 0; i < n; i++)
        x[i] = fabs(x[i] - c);
    vg_sort_doubles(x, n);
    for (size_t q = 0; q < VG_NULL_QUANTILES; q++)
        g = fmax(g, vg_sorted_quantile(x, n, vg_null_quantiles[q]) / vg_null_normal[q]);
    return g;
}

/* Levels and weights of n look-backs at one scale. */
struct levels {
    double *level, *weight, *scratch;
    size_t n;
};

static struct levels find_levels(const struct vg_series *series, uint32_t scale,
                                 struct vg_work *work)
{
    struct levels out = {.level = work->y, .weight = work->x, .scratch = work->x + series->n};
    for (size_t w = scale - 1; w < series->n; w++) {
        double level = vg_spread_level(series, w, scale);
        if (isnan(level))
            continue;
        out.level[out.n] = level;
        out.weight[out.n++] = vg_spread_weight(series, w, scale);
    }
    return out;
}

static void fit_thin(const struct levels *of, size_t i, struct vg_fit_spread *out)
{
    size_t n = 0;
    memcpy(of->scratch, of->weight, of->n * sizeof *of->weight);
    out->few[i] = vg_find_median(of->scratch, of->n) / 2;
    for (size_t k = 0; k < of->n; k++) {
        if (of->weight[k] < out->few[i])
            of->scratch[n++] = of->level[k];
    }
    if (n >= THIN_LEAST)
        out->thin[i] = fit_spread(of->scratch, n, out->c[i]);
}

int vg_fit_spread(const struct vg_series *series, const struct vg_calendar *calendar,
                  struct vg_work *work, struct vg_fit_spread *out)
{
    *out = (struct vg_fit_spread){.nscales = calendar->nscales};
    memcpy(out->scales, calendar->scales, sizeof out->scales);
    if (vg_work_grow(work, 2 * series->n, series->n) < 0)
        return -1;
    for (size_t i = 0; i < calendar->nscales; i++) {
        uint32_t scale = calendar->scales[i];
        struct levels of = find_levels(series, scale, work);
        out->w[i] = (double)(series->n / scale);
        if (of.n < 2 || out->w[i] < 2)
            continue;
        memcpy(of.scratch, of.level, of.n * sizeof *of.level);
        out->c[i] = vg_find_median(of.scratch, of.n);
        fit_thin(&of, i, out);
        out->g[i] = fit_spread(of.level, of.n, out->c[i]);
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
