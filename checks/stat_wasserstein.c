/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wasserstein-1 from counts, means and ranges. Pure. */
#include "checks/stat_wasserstein.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum { GROUPS = 128 };
static const double floor_level = 1e-3;

struct bounds { /* of the integrals of (F - G)+ and (G - F)+ */
    double up_lo, up_hi, down_lo, down_hi;
};

struct pieces { /* of the spread of the reference: int sqrt(F (1 - F)) dx over each, and F there */
    double spread[GROUPS], at[GROUPS];
    size_t n;
};

/* One gap as it is met on the line. */
struct gap {
    double length;
    double f0, f1, g0, g1; /* at its ends */
};

/* 0 times an infinite length is nothing. */
static double times(double height, double length)
{
    return height > 0 ? height * length : 0;
}

static void add_bounds(struct bounds *sum, const struct gap *gap)
{
    sum->up_lo += times(gap->f0 - gap->g1, gap->length);
    sum->up_hi += times(gap->f1 - gap->g0, gap->length);
    sum->down_lo += times(gap->g0 - gap->f1, gap->length);
    sum->down_hi += times(gap->g1 - gap->f0, gap->length);
}

static void add_piece(struct pieces *pieces, const struct gap *gap, size_t group)
{
    double f = (gap->f0 + gap->f1) / 2, more = times(sqrt(f * (1 - f)), gap->length);
    if (!(more > 0))
        return;
    if (!pieces->n || group != (size_t)pieces->at[pieces->n - 1]) {
        pieces->at[pieces->n] = (double)group;
        pieces->spread[pieces->n++] = 0;
    }
    pieces->spread[pieces->n - 1] += more;
}

/* What the sum of the values in a gap, over all values, says of it, where F does not rise. false:
 * nothing. */
static bool add_known(struct bounds *sum, const struct gap *gap, double inside, bool lower,
                      bool upper)
{
    double up, down, f = gap->f0;
    if (gap->f1 > gap->f0 || !isfinite(inside))
        return false;
    if (lower || upper) { /* F is 0 below the first threshold, 1 above the last */
        up = upper ? inside : 0;
        down = lower ? -inside : 0;
        sum->up_lo += up;
        sum->up_hi += up;
        sum->down_lo += down;
        sum->down_hi += down;
        return true;
    }
    double l = gap->length, all = gap->g1 - gap->g0, k = fmin(fmax(f - gap->g0, 0), all);
    double difference = (f - gap->g1) * l + inside;
    if (!(all > 0) || !isfinite(difference))
        return false;
    double above = fmax(f - gap->g1, 0), below = fmax(gap->g0 - f, 0); /* throughout */
    double lo = fmax(0, inside - (all - k) * l), hi = k * (inside / all);
    lo += above * l;
    hi = fmax(hi + above * l, lo);
    sum->up_lo += lo;
    sum->up_hi += hi;
    sum->down_lo += fmax(lo - difference, below * l);
    sum->down_hi += fmax(hi - difference, below * l);
    return true;
}

/* From the lowest value of either sample to the first threshold; infinite where that is unknown. */
static double find_tail(double threshold, double ref, double now, bool upper)
{
    double end = upper ? fmax(ref, now) : fmin(ref, now);
    if (isnan(ref) || isnan(now))
        return INFINITY;
    return fmax(upper ? end - threshold : threshold - end, 0);
}

struct walk {
    const struct vg_ks_counts *counts;
    double m, n, r, c; /* totals, and values so far */
};

static struct gap take_gap(struct walk *walk, size_t cell, double length)
{
    struct gap gap = {.length = length, .f0 = walk->r / walk->m, .g0 = walk->c / walk->n};
    walk->r += (double)walk->counts->ref[cell];
    walk->c += (double)walk->counts->now[cell];
    gap.f1 = walk->r / walk->m;
    gap.g1 = walk->c / walk->n;
    return gap;
}

/* The mean and the variance of int |B(F)| dx; false when they are no numbers. */
static bool find_moments(const struct pieces *pieces, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < pieces->n; i++) {
        double u = (pieces->at[i] + 0.5) / GROUPS;
        *mean += sqrt(2 / M_PI) * pieces->spread[i];
        for (size_t j = 0; j <= i; j++) {
            double v = (pieces->at[j] + 0.5) / GROUPS;
            double r = j == i ? 1 : sqrt(v * (1 - u) / (u * (1 - v)));
            double part = sqrt(1 - r * r) + r * asin(r) - 1;
            *variance += (j == i ? 1 : 2) * part * 2 / M_PI * pieces->spread[i] * pieces->spread[j];
        }
    }
    return isfinite(*mean) && isfinite(*variance);
}

static void find_law(const struct pieces *pieces, double scale, struct vg_wasserstein *out)
{
    double mean, variance;
    if (!find_moments(pieces, &mean, &variance))
        return;
    if (!(variance > 0)) {
        out->p = out->lo > 0 ? 0 : 1;
        out->floor = 0;
        return;
    }
    double shape = mean / variance * mean, unit = scale * (variance / mean);
    out->p = gsl_cdf_gamma_Q(out->lo, shape, unit);
    out->floor = gsl_cdf_gamma_Qinv(floor_level, shape, unit);
}

/* The difference of the means ties the two integrals to each other. */
static void tighten(const struct bounds *sum, double difference, struct vg_wasserstein *out)
{
    out->lo = sum->up_lo + sum->down_lo;
    out->hi = sum->up_hi + sum->down_hi;
    if (!isfinite(difference))
        return;
    double lo = 2 * fmax(sum->up_lo, sum->down_lo + difference) - difference;
    double hi = 2 * fmin(sum->up_hi, sum->down_hi + difference) - difference;
    out->lo = fmax(out->lo, lo);
    out->hi = fmin(out->hi, hi);
    if (out->hi < out->lo) /* by rounding alone */
        out->hi = out->lo = (out->hi + out->lo) / 2;
}

struct vg_wasserstein vg_wasserstein(const struct vg_ks_counts *counts, const double *q,
                                     const struct vg_wasserstein_side *ref,
                                     const struct vg_wasserstein_side *now)
{
    struct vg_wasserstein out = {NAN, NAN, NAN, NAN};
    struct bounds sum = {0, 0, 0, 0};
    struct pieces pieces = {.n = 0};
    struct walk walk = {.counts = counts};
    size_t last = counts->cells - 1;
    for (size_t i = 0; i < counts->cells; i++) {
        walk.m += (double)counts->ref[i];
        walk.n += (double)counts->now[i];
    }
    if (!(walk.m > 0 && walk.n > 0))
        return out;
    for (size_t i = 0; i <= last; i += 2) {
        double length = i == 0      ? find_tail(q[0], ref->min, now->min, false)
                        : i == last ? find_tail(q[last / 2 - 1], ref->max, now->max, true)
                                    : q[i / 2] - q[i / 2 - 1];
        struct gap gap = take_gap(&walk, i, length);
        double inside = now->gaps ? now->gaps[i / 2].hi / walk.n : (double)NAN;
        if (!add_known(&sum, &gap, inside, i == 0, i == last))
            add_bounds(&sum, &gap);
        if (isfinite(length)) /* a place u of the bridge: groups of equal mass */
            add_piece(&pieces, &gap, (size_t)fmin((gap.f0 + gap.f1) / 2 * GROUPS, GROUPS - 1));
        if (i < last)
            take_gap(&walk, i + 1, 0);
    }
    tighten(&sum, now->mean - ref->mean, &out);
    find_law(&pieces, sqrt(1 / walk.m + 1 / walk.n), &out);
    return out;
}
