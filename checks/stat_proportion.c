/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact tails of the hypergeometric and the binomial law. Pure. */
#include "checks/stat_proportion.h"

#include <math.h>
#include <stdbool.h>

#include "checks/stat_beta.h"

/* A law on lo .. hi by the ratios of its weights. */
struct law {
    double lo, hi, mode;
    double (*rise)(const struct law *law, double k); /* w(k + 1) / w(k) */
    double n, m, marked;                             /* of the hypergeometric law */
    double odds;                                     /* of the binomial law: p / (1 - p) */
};

static double rise_hypergeometric(const struct law *law, double k)
{
    return (law->marked - k) * (law->n - k) / ((k + 1) * (law->m - law->marked + k + 1));
}

static double rise_binomial(const struct law *law, double k)
{
    return (law->n - k) / (k + 1) * law->odds;
}

/* Below this, products round to themselves. */
static const double least_weight = 1e-300;

/* w(x) over w(mode); at most least_weight when it is as little. */
static double weigh(const struct law *law, double x)
{
    double w = 1;
    for (double k = law->mode; k < x && w > least_weight; k++)
        w *= law->rise(law, k);
    for (double k = law->mode; k > x && w > least_weight; k--)
        w /= law->rise(law, k - 1);
    return w;
}

/* Sums the weights from the mode outwards in one direction, all, up to x, and the unlikely ones. */
struct totals {
    double all, less, more, unlikely;
};

static void add(struct totals *sum, double k, double w, double x, double most)
{
    sum->all += w;
    sum->less += k <= x ? w : 0;
    sum->more += k >= x ? w : 0;
    sum->unlikely += w <= most ? w : 0;
}

static struct vg_proportion_tails find_tails(const struct law *law, double x)
{
    struct totals sum = {0, 0, 0, 0};
    double most = weigh(law, x) * (1 + 1e-7), w = 1;
    if (!(most > 2 * least_weight)) /* beyond 1e-300: nothing is as unlikely */
        return (struct vg_proportion_tails){x < law->mode ? 0 : 1, x < law->mode ? 1 : 0, 0};
    for (double k = law->mode; k <= law->hi && w > least_weight; k++) {
        add(&sum, k, w, x, most);
        w *= law->rise(law, k);
    }
    w = 1;
    for (double k = law->mode - 1; k >= law->lo && w > least_weight; k--) {
        w /= law->rise(law, k);
        add(&sum, k, w, x, most);
    }
    return (struct vg_proportion_tails){fmin(sum.less / sum.all, 1), fmin(sum.more / sum.all, 1),
                                        fmin(sum.unlikely / sum.all, 1)};
}

struct vg_proportion_tails vg_proportion_fisher(uint64_t x, uint64_t n, uint64_t y, uint64_t m)
{
    struct law law = {.n = (double)n, .m = (double)m, .marked = (double)x + (double)y};
    if (!n || !m)
        return (struct vg_proportion_tails){1, 1, 1};
    law.lo = fmax(0, law.marked - law.m);
    law.hi = fmin(law.n, law.marked);
    law.rise = rise_hypergeometric;
    law.mode = floor((law.marked + 1) * ((law.n + 1) / (law.n + law.m + 2)));
    law.mode = fmin(fmax(law.mode, law.lo), law.hi);
    return find_tails(&law, (double)x);
}

struct vg_proportion_tails vg_proportion_binomial(uint64_t x, uint64_t n, double share)
{
    struct law law = {.n = (double)n, .hi = (double)n, .rise = rise_binomial};
    if (!n)
        return (struct vg_proportion_tails){1, 1, 1};
    if (share <= 0 || share >= 1) {
        bool expected = x == (share <= 0 ? 0 : n), none = share <= 0;
        return (struct vg_proportion_tails){expected || none ? 1 : 0, expected || !none ? 1 : 0,
                                            expected ? 1 : 0};
    }
    law.odds = share / (1 - share);
    law.mode = fmin(floor((law.n + 1) * share), law.n);
    return find_tails(&law, (double)x);
}

/* --- the interval --- */

enum { HALVINGS = 100 };

/* P(beta(a, b) <= x). */
static double find_beta(double a, double b, double x)
{
    if (x > (a + 1) / (a + b + 2))
        return 1 - find_beta(b, a, 1 - x);
    if (x <= 0)
        return 0;
    double front = a * log(x) + b * log1p(-x) - lgamma(a) - lgamma(b) + lgamma(a + b);
    return exp(front) * vg_beta_fraction(a, b, x) / a;
}

static double find_quantile(double a, double b, double p)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < HALVINGS && hi - lo > 1e-13 * hi; i++) {
        double mid = lo / 2 + hi / 2;
        if (find_beta(a, b, mid) < p)
            lo = mid;
        else
            hi = mid;
    }
    return lo / 2 + hi / 2;
}

void vg_proportion_interval(uint64_t x, uint64_t n, double level, double *lo, double *hi)
{
    double half = (1 - level) / 2, k = (double)x, all = (double)n;
    *lo = x ? find_quantile(k, all - k + 1, half) : 0;
    *hi = x < n ? 1 - find_quantile(all - k, k + 1, half) : 1;
}
