/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The distance of a look-back from the distribution expected at its hours, with rows scaled down by
 * a design effect learnt from the reference. Pure.
 *
 * What is summed over a look-back is the excess of each window: rows below each place of the curve
 * minus those expected. Look-backs of 1, 2, 4, 8, 24 windows are made of shorter ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/learn.h"
#include "checks/stat_ks.h"
#include "checks/stat_tails.h"
#include "pgvigil/sort.h"

static int grow(double **x, size_t *size, size_t need)
{
    if (need <= *size)
        return 0;
    free(*x);
    *x = vg_array(need, sizeof **x);
    *size = *x ? need : 0;
    return *x ? 0 : -1;
}

int vg_work_grow(struct vg_work *work, size_t x, size_t y)
{
    return grow(&work->x, &work->x_size, x) < 0 || grow(&work->y, &work->y_size, y) < 0 ? -1 : 0;
}

void vg_work_free(struct vg_work *work)
{
    free(work->x);
    free(work->y);
    *work = (struct vg_work){0};
}

/* Makes rows below each place, slot by slot, into the pooled distribution of each slot; of
 * everything where a slot has no rows. */
static int normalise(struct vg_fit_ks *fit, struct vg_arena *arena)
{
    size_t width = fit->width, nslots = fit->basis.calendar.nslots;
    double *all = vg_arena_array(arena, width, sizeof *all);
    if (!all)
        return -1;
    for (size_t slot = 0; slot < nslots; slot++) {
        for (size_t j = 0; j < width; j++)
            all[j] += fit->curve[slot * width + j];
    }
    for (size_t slot = 0; slot < nslots; slot++) {
        double rows = fit->basis.slot_rows[slot];
        double *curve = fit->curve + slot * width;
        for (size_t j = 0; j < width; j++)
            curve[j] = rows > 0 ? curve[j] / rows : all[j] / fmax(fit->basis.rows, 1);
    }
    return 0;
}

static int fit_curve(const struct vg_series *series, struct vg_arena *arena, struct vg_fit_ks *fit)
{
    size_t width = series->width;
    fit->width = width;
    fit->curve = vg_arena_array(arena, fit->basis.calendar.nslots * width, sizeof *fit->curve);
    if (!fit->curve)
        return -1;
    for (size_t w = 0; w < series->n; w++) {
        const double *cells = series->cells + w * width;
        double *curve = fit->curve + series->slot[w] * width;
        for (size_t j = 0; j < width; j++)
            curve[j] += cells[j];
    }
    return normalise(fit, arena);
}

int vg_fit_ks_restore(const struct vg_basis *basis, const struct vg_slot_counts *counts,
                      struct vg_arena *arena, struct vg_fit_ks *out)
{
    size_t nslots = basis->calendar.nslots, width = counts->width - 1;
    *out = (struct vg_fit_ks){.basis = *basis, .width = width};
    out->curve = vg_arena_array(arena, nslots * width, sizeof *out->curve);
    if (!out->curve)
        return -1;
    for (size_t slot = 0; slot < nslots; slot++) {
        double below = 0;
        for (size_t j = 0; j < width; j++) {
            below += (double)counts->counts[slot * counts->width + j];
            out->curve[slot * width + j] = below;
        }
    }
    return normalise(out, arena);
}

static void find_excess(const struct vg_fit_ks *fit, const struct vg_series *series, double *x)
{
    size_t width = series->width;
    for (size_t w = 0; w < series->n; w++) {
        const double *curve = fit->curve + series->slot[w] * width;
        const double *cells = series->cells + w * width;
        double rows = series->rows[w];
        for (size_t j = 0; j < width; j++)
            x[w * width + j] = cells[j] - curve[j] * rows;
    }
}

/* Turns sums over look-backs of one scale into those of the next longer one, in place; of every
 * window, or of the last and those that its still longer ones are made of. */
static void lengthen(double *x, size_t n, size_t width, uint32_t from, uint32_t to, bool last)
{
    for (size_t w = n - 1; w >= from && w < n; w -= last ? to : 1) {
        for (uint32_t back = from; back < to && back <= w; back += from) {
            const double *earlier = x + (w - back) * width;
            double *sum = x + w * width;
            for (size_t j = 0; j < width; j++)
                sum[j] += earlier[j];
        }
    }
}

enum { LANES = 8 }; /* largest sizes side by side: none waits for the one before */

static double find_largest(const double *x, size_t n)
{
    double largest[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        for (size_t i = 0; i < LANES; i++) {
            double size = fabs(x[j + i]);
            largest[i] = size > largest[i] ? size : largest[i];
        }
    }
    for (; j < n; j++)
        largest[0] = fmax(largest[0], fabs(x[j]));
    for (size_t i = 1; i < LANES; i++)
        largest[0] = fmax(largest[0], largest[i]);
    return largest[0];
}

/* D of the look-backs of one scale that end with the windows first ..; thin ones are NAN. */
static void find_distances(const struct vg_series *series, const double *x, uint32_t scale,
                           size_t first, double *d)
{
    for (size_t w = 0; w < series->n; w++) {
        double n = w >= first && w + 1 >= scale ? vg_series_rows(series, w, scale) : 0;
        d[w] = n >= VG_BUDGET_THIN ? find_largest(x + w * series->width, series->width) / n
                                   : (double)NAN;
    }
}

/* How much further the reference's own look-backs stray than independent rows would. */
static double find_deff(const struct vg_fit_ks *fit, const struct vg_series *series, uint32_t scale,
                        double *d)
{
    size_t n = 0;
    for (size_t w = 0; w < series->n; w++) {
        if (isnan(d[w]))
            continue;
        double others = vg_basis_others(&fit->basis, series, w, scale);
        d[n++] = sqrt(vg_series_rows(series, w, scale)) * d[w] / others;
    }
    if (!n)
        return 0;
    vg_sort_doubles(d, n);
    double deff = 1;
    for (size_t q = 0; q < VG_NULL_QUANTILES; q++) {
        double ratio = vg_sorted_quantile(d, n, vg_null_quantiles[q]) / vg_null_kolmogorov[q];
        deff = fmax(deff, ratio * ratio);
    }
    return deff;
}

double vg_fit_ks_effective(const struct vg_fit_ks *fit, size_t scale, struct vg_noise noise)
{
    return fmin(noise.n / fit->deff[scale], noise.n / (1 + noise.r));
}

static double find_sight(const struct vg_fit_ks *fit, const struct vg_series *series, size_t i,
                         double *scratch)
{
    uint32_t scale = fit->basis.calendar.scales[i];
    size_t n = 0;
    for (size_t w = scale - 1; w < series->n; w++) {
        struct vg_noise noise = vg_basis_noise(&fit->basis, series, w, scale);
        if (noise.n >= VG_BUDGET_THIN)
            scratch[n++] = vg_fit_ks_effective(fit, i, noise);
    }
    return vg_find_median(scratch, n);
}

int vg_fit_ks(const struct vg_series *series, const struct vg_calendar *calendar, bool independent,
              struct vg_arena *arena, struct vg_work *work, struct vg_fit_ks *out)
{
    *out = (struct vg_fit_ks){0};
    if (vg_basis_fit(series, calendar, arena, &out->basis) < 0 ||
        fit_curve(series, arena, out) < 0 ||
        vg_work_grow(work, series->n * series->width, series->n) < 0)
        return -1;
    find_excess(out, series, work->x);
    double deff = 1;
    uint32_t last = 1;
    for (size_t i = 0; i < calendar->nscales; i++) {
        if (calendar->scales[i] >= series->n && !independent)
            break;
        uint32_t scale = calendar->scales[i];
        if (scale > last)
            lengthen(work->x, series->n, series->width, last, scale, false);
        last = scale;
        find_distances(series, work->x, scale, 0, work->y);
        double found = independent ? 1 : find_deff(out, series, scale, work->y);
        deff = fmax(deff, found);
        out->deff[i] = found > 0 ? deff : 0;
        if (found > 0)
            out->sight[i] = find_sight(out, series, i, work->y);
    }
    return 0;
}

int vg_fit_ks_judge(const struct vg_fit_ks *fit, const struct vg_series *series, size_t first,
                    struct vg_work *work, double *d[VG_BUDGET_SCALES], double *p[VG_BUDGET_SCALES])
{
    const struct vg_calendar *calendar = &fit->basis.calendar;
    if (vg_work_grow(work, series->n * series->width, series->n) < 0)
        return -1;
    find_excess(fit, series, work->x);
    bool newest = first + 1 == series->n;
    uint32_t last = 1;
    for (size_t i = 0; i < calendar->nscales; i++) {
        uint32_t scale = calendar->scales[i];
        double *distances = d ? d[i] : work->y;
        if (scale > last)
            lengthen(work->x, series->n, series->width, last, scale, newest);
        last = scale;
        find_distances(series, work->x, scale, first, distances);
        for (size_t w = 0; w < series->n; w++) {
            p[i][w] = (double)NAN;
            if (isnan(distances[w]) || !(fit->deff[i] > 0))
                continue;
            struct vg_noise noise = vg_basis_noise(&fit->basis, series, w, scale);
            p[i][w] = vg_ks_limit(distances[w] * sqrt(vg_fit_ks_effective(fit, i, noise)));
        }
    }
    return 0;
}

double vg_sight_distance(double effective, double level)
{
    return effective > 0 ? vg_ks_limit_score(level) / sqrt(effective) : (double)INFINITY;
}

double vg_fit_ks_visible(const struct vg_fit_ks *fit, double level)
{
    double best = INFINITY;
    for (size_t i = 0; i < fit->basis.calendar.nscales; i++) {
        if (fit->deff[i] > 0)
            best = fmin(best, vg_sight_distance(fit->sight[i], level));
    }
    return best;
}
