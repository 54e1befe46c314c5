/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The beta-binomial law by the ratios of its weights, and the arcsine scale. Pure. */
#include "checks/stat_counts.h"

#include <math.h>

#include "checks/stat_tails.h"

/* Weights of 0 .. n; mirrored, those of n .. 0. */
struct law {
    double n, a, b;
};

/* w(k + 1) / w(k) */
static double rise(const struct law *law, double k)
{
    return (law->n - k) * (law->a + k) / ((k + 1) * (law->b + (law->n - k - 1)));
}

/* An upper bound of the weights above k, in units of w(k); infinity where there is none. */
static double bound_rest(const struct law *law, double k)
{
    /* Of the two factors of a ratio the first falls with k where b > 1, the second where a > 1 and
     * else stays below 1. */
    double rate = law->a >= 1 ? rise(law, k) : (law->n - k) / (law->b + (law->n - k - 1));
    return law->b > 1 && rate < 1 ? rate / (1 - rate) : INFINITY;
}

struct sums {
    double past, upto, at; /* of the weights from the count on, up to it, and its own */
};

/* Sums the weights from k = start upwards, where w is that of start: before the count, of it, and
 * past it until what is left is negligible. */
static struct sums add_up(const struct law *law, double start, double count, double w)
{
    const double least = 1e-300, little = 1e-13, negligible = 1e-17;
    struct sums sums = {0, 0, 0};
    double k = start;
    for (; k < count && w > least; k++) {
        sums.upto += w;
        w *= rise(law, k);
    }
    if (k == count && w > least) {
        sums.at = w;
        sums.upto += w;
    }
    for (; k <= law->n && w > least; k++) {
        sums.past += w;
        if (w < little * sums.past && w * bound_rest(law, k) <= negligible * sums.past)
            break;
        w *= rise(law, k);
    }
    return sums;
}

/* R of at least two rows. */
static double find_likeness(const struct vg_count_law *law)
{
    return fmin(fmax((law->variance - 1) / (law->n - 1), 1e-12), 0.999);
}

static struct law make_law(const struct vg_count_law *law)
{
    double size = 1 / find_likeness(law) - 1;
    return (struct law){law->n, law->share * size, (1 - law->share) * size};
}

bool vg_count_is_usual(const struct vg_count_law *law, double count, double p)
{
    const double rounding = 0.99;
    double n = law->n;
    if (!(n >= 2))
        return p <= 1;
    struct law up = make_law(law), down = {n, up.b, up.a};
    if (!(up.a > 1 && up.b > 1))
        return false;
    double mode = floor((n + 1) * (up.a - 1) / (up.a + up.b - 2));
    double steps = fabs(count - mode);
    double sd = sqrt(n * law->share * (1 - law->share) * (1 + (n - 1) * find_likeness(law)));
    double last = count > mode   ? rise(&up, count - 1)
                  : count < mode ? rise(&down, n - count - 1)
                                 : 1;
    return 0.75 / (4 * sd + 1) * pow(fmin(last, 1), steps) * rounding >= p;
}

double vg_count_mid_p(const struct vg_count_law *law, double count)
{
    double n = law->n;
    if (!(n >= 2))
        return 1;
    struct law up = make_law(law), down = {n, up.b, up.a};
    double start = fmin(fmax(floor(n * law->share), 0), n);
    struct sums above = add_up(&up, start, count, 1);
    struct sums below = {0, 0, 0};
    if (start > 0)
        below = add_up(&down, n - start + 1, n - count, rise(&down, n - start));
    double less = above.upto + below.past, more = above.past + below.upto;
    double at = above.at + below.at, all = less + more - at;
    return fmin(fmax((2 * fmin(less, more) - at) / all, 0), 1);
}

static double find_scale(const struct vg_count_law *law)
{
    return 2 * sqrt((law->n + 0.5) / law->variance);
}

double vg_count_score(const struct vg_count_law *law, double count)
{
    double angle = asin(sqrt((count + 0.375) / (law->n + 0.75)));
    return fabs(angle - asin(sqrt(law->share))) * find_scale(law);
}

static bool is_few(const struct vg_count_law *law)
{
    return law->n * fmin(law->share, 1 - law->share) < VG_COUNT_FEW;
}

double vg_count_p(const struct vg_count_law *law, double count)
{
    if (is_few(law))
        return vg_count_mid_p(law, count);
    return vg_normal_tails(vg_count_score(law, count));
}

static double nowhere(int side)
{
    return side < 0 ? -(double)INFINITY : (double)INFINITY;
}

/* On either side of the mean p falls with the distance. */
static double find_few_limit(const struct vg_count_law *law, double p, int side)
{
    double last = floor(law->n * law->share), end = side > 0 ? law->n : 0;
    if (vg_count_mid_p(law, end) >= p)
        return nowhere(side);
    double in = last, out = end;
    while (fabs(out - in) > 1) {
        double mid = floor(in / 2 + out / 2);
        mid += mid <= fmin(in, out) ? 1 : 0;
        if (vg_count_mid_p(law, mid) >= p)
            in = mid;
        else
            out = mid;
    }
    return in / law->n - law->share;
}

double vg_count_limit(const struct vg_count_law *law, double p, int side)
{
    if (!(law->n > 0) || !(p > 0))
        return nowhere(side);
    if (is_few(law))
        return find_few_limit(law, p, side);
    double angle = asin(sqrt(law->share)) + side * vg_normal_score(p) / find_scale(law);
    double lowest = asin(sqrt(0.375 / (law->n + 0.75)));
    if (angle >= M_PI_2 - lowest || angle <= lowest)
        return nowhere(side);
    double root = sin(angle);
    return ((law->n + 0.75) * root * root - 0.375) / law->n - law->share;
}
