/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two-sample Kolmogorov-Smirnov from counts: D, bounds, p. Pure; allocates only the band of the
 * exact p, whose width the cost limit bounds.
 *
 * D. With A and B the cumulative counts of reference and current sample, F = A/m, G = B/n, and
 * n A - m B is an integer, so nothing is rounded before the one division at the end.
 *
 * Bounds. The ends of the cells are places where F - G is taken (or approached), so the largest
 * |F - G| there is a lower bound of D. Between them, at x inside the gap (a, b), both ECDFs are
 * monotone: F(a) <= F(x) <= F(b-) and G(a) <= G(x) <= G(b-), hence F(x) - G(x) <= F(b-) - G(a) and
 * G(x) - F(x) <= G(b-) - F(a); the largest of these over all gaps is an upper bound. If the
 * reference has no value in a gap, F(b-) = F(a) and both are differences at its ends: on a grid of
 * all distinct values of the reference the bounds coincide and D is exact.
 *
 * Exact p. The pooled values, in order, are dealt out to the samples at random. State i after k
 * values: how many went to the smaller sample, size a (the other: b, N = a + b). With the live mass
 * u, u'[i] = u[i] (b - (k - i)) / (N - k) + u[i-1] (a - i + 1) / (N - k), and where value k + 1
 * ends a group of ties, mass with |i N - (k + 1) a| >= c has reached D and is moved to p. All terms
 * are positive, so small p keep their relative accuracy. Live states form an interval, kept in a
 * window that slides through a small buffer.
 */
#include "checks/stat_ks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

/* --- D and bounds --- */

static void find_totals(const struct vg_ks_counts *counts, uint64_t *m, uint64_t *n)
{
    *m = *n = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        *m += counts->ref[i];
        *n += counts->now[i];
    }
}

static wide larger(wide a, wide b)
{
    return a > b ? a : b;
}

/* m n times the largest F - G, G - F and upper bound. */
struct sides {
    wide up, down, most;
};

static struct sides find_sides(const struct vg_ks_counts *counts, wide m, wide n)
{
    wide a = 0, b = 0;
    struct sides out = {0, 0, 0};
    for (size_t i = 0; i < counts->cells; i++) {
        wide a_end = a + (wide)counts->ref[i], b_end = b + (wide)counts->now[i];
        if (counts->gaps && i % 2 == 0)
            out.most = larger(out.most, larger(n * a_end - m * b, m * b_end - n * a));
        a = a_end;
        b = b_end;
        out.up = larger(out.up, n * a - m * b);
        out.down = larger(out.down, m * b - n * a);
    }
    return out;
}

/* The same where m n fits twice into an int64: with x = n A - m B. */
static struct sides find_sides_small(const struct vg_ks_counts *counts, int64_t m, int64_t n)
{
    int64_t x = 0, up = 0, down = 0, most = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        if (!(counts->ref[i] | counts->now[i]))
            continue;
        int64_t more = n * (int64_t)counts->ref[i], less = m * (int64_t)counts->now[i];
        if (counts->gaps && i % 2 == 0) {
            most = x + more > most ? x + more : most;
            most = less - x > most ? less - x : most;
        }
        x += more - less;
        up = x > up ? x : up;
        down = -x > down ? -x : down;
    }
    return (struct sides){up, down, most};
}

void vg_ks_compare(const struct vg_ks_counts *counts, struct vg_ks *out)
{
    *out = (struct vg_ks){.d = NAN, .d_up = NAN, .d_down = NAN, .hi = NAN, .c = -1};
    find_totals(counts, &out->m, &out->n);
    if (!out->m || !out->n)
        return;
    bool small = (wide)out->m * (wide)out->n <= INT64_MAX / 2;
    struct sides sides = small ? find_sides_small(counts, (int64_t)out->m, (int64_t)out->n)
                               : find_sides(counts, (wide)out->m, (wide)out->n);
    wide c = larger(sides.up, sides.down);
    double mn = (double)out->m * (double)out->n;
    out->d_up = (double)sides.up / mn;
    out->d_down = (double)sides.down / mn;
    out->d = (double)c / mn;
    out->hi = (double)larger(sides.most, c) / mn;
    out->direction = (sides.up > sides.down) - (sides.up < sides.down);
    out->c = c <= INT64_MAX ? (int64_t)c : -1;
}

/* --- exact p --- */

struct walk {
    int64_t a, b, c;
    int64_t k;      /* values dealt out */
    int64_t lo, hi; /* live states; none when lo > hi */
    double *u;      /* mass of state lo; states follow */
    double *buffer;
    size_t width, size; /* most states alive at once; doubles in the buffer */
    double p;
};

/* The live states [*lo, *hi] after k values when the k-th ends a group: |i N - k a| < c. */
static void find_band(const struct walk *walk, int64_t k, int64_t *lo, int64_t *hi)
{
    int64_t total = walk->a + walk->b, mid = k * walk->a;
    int64_t least = mid >= walk->c ? (mid - walk->c) / total + 1 : 0;
    int64_t most = (mid + walk->c - 1) / total;
    int64_t feasible = k < walk->a ? k : walk->a;
    *lo = k - walk->b > least ? k - walk->b : least;
    *hi = most < feasible ? most : feasible;
}

/* Sets a, b, c; false when products of them would leave int64. */
static bool begin(struct walk *walk, const struct vg_ks_counts *counts, int64_t c)
{
    uint64_t m, n;
    find_totals(counts, &m, &n);
    if (m > 1000000000 || n > 1000000000 || c < 0)
        return false;
    int64_t less = (int64_t)(m < n ? m : n), more = (int64_t)(m < n ? n : m);
    *walk = (struct walk){.a = less, .b = more, .c = c};
    return true;
}

enum { FIXED_COST = 4 }; /* of dealing one value, in lattice cells */

/* The cost of all cells, or part of it as soon as that is above `enough`; and the most states alive
 * at once. */
static double estimate(const struct walk *start, const struct vg_ks_counts *counts, double enough,
                       double *width)
{
    double total = (double)(start->a + start->b), all = (double)start->a + 1, cost = 0;
    double band = fmin(2 * (double)start->c / total + 2, all); /* widest interval of find_band() */
    int64_t k = 0;
    *width = fmin(band + 1, all);
    for (size_t i = 0; i < counts->cells && cost <= enough; i++) {
        uint64_t values = counts->ref[i] + counts->now[i];
        if (!values)
            continue;
        if (counts->gaps && i % 2 == 0) {
            cost += (double)values * (FIXED_COST + fmin(band + 1, all));
        } else {
            int64_t lo, hi;
            find_band(start, k, &lo, &hi);
            double alive = (double)(hi - lo + 1), grown = (double)values;
            cost += grown * (FIXED_COST + fmin(alive + 0.5 * grown + 1, all));
            *width = fmax(*width, fmin(alive + grown, all));
        }
        k += (int64_t)values;
    }
    return cost;
}

double vg_ks_cost(const struct vg_ks_counts *counts, int64_t c)
{
    struct walk walk;
    double width;
    return begin(&walk, counts, c) ? estimate(&walk, counts, INFINITY, &width) : INFINITY;
}

/* Every value costs something. */
static bool is_within(const struct vg_ks_counts *counts, const struct vg_ks *ks, double steps)
{
    struct walk walk;
    double width;
    if (FIXED_COST * ((double)ks->m + (double)ks->n) > steps)
        return false;
    return begin(&walk, counts, ks->c) && estimate(&walk, counts, steps, &width) <= steps;
}

/* Four states at a time: two or one operation of the processor instead of four. */
typedef double four __attribute__((vector_size(32)));
enum { FOUR = 4 };

/* u[j] = (u[j] (stay + j) + u[j-1] (rise - j)) each for j = last .. 1. From the highest down, so
 * that what is read has not been written yet. */
static void spread(double *u, int last, double stay, double rise, double each)
{
    int j = last;
    double top = j; /* of the four */
    four stays = {stay + top - 3, stay + top - 2, stay + top - 1, stay + top};
    four rises = {rise - top + 3, rise - top + 2, rise - top + 1, rise - top};
    for (; j >= FOUR; j -= FOUR) {
        four at, below;
        memcpy(&at, u + j - 3, sizeof at);
        memcpy(&below, u + j - 4, sizeof below);
        at = (at * stays + below * rises) * each;
        memcpy(u + j - 3, &at, sizeof at);
        stays -= (double)FOUR;
        rises += (double)FOUR;
    }
    for (; j > 0; j--)
        u[j] = (u[j] * (stay + j) + u[j - 1] * (rise - j)) * each;
}

/* One more value is dealt out. */
static void deal(struct walk *walk)
{
    if (walk->u + walk->width >= walk->buffer + walk->size) {
        memmove(walk->buffer, walk->u, (size_t)(walk->hi - walk->lo + 1) * sizeof *walk->u);
        walk->u = walk->buffer;
    }
    double each = 1.0 / (double)(walk->a + walk->b - walk->k);
    double stay = (double)(walk->b - walk->k + walk->lo), rise = (double)(walk->a - walk->lo + 1);
    double *u = walk->u;
    int last = (int)(walk->hi - walk->lo);
    if (walk->hi < walk->a) {
        u[last + 1] = 0;
        last++;
        walk->hi++;
    }
    spread(u, last, stay, rise, each);
    u[0] *= stay * each;
    if (stay <= 0) {
        walk->lo++;
        walk->u++;
    }
    walk->k++;
}

/* The value dealt out last ends a group of ties: mass that has reached D leaves. */
static void absorb(struct walk *walk)
{
    int64_t lo, hi;
    find_band(walk, walk->k, &lo, &hi);
    for (; walk->lo <= walk->hi && walk->lo < lo; walk->lo++)
        walk->p += *walk->u++;
    for (; walk->lo <= walk->hi && walk->hi > hi; walk->hi--)
        walk->p += walk->u[walk->hi - walk->lo];
}

int vg_ks_exact(const struct vg_ks_counts *counts, int64_t c, double *p, struct vg_error *err)
{
    struct walk walk;
    double width;
    if (!begin(&walk, counts, c))
        return vg_fail(err, VG_E_INTERNAL, "exact p of counts beyond its range");
    *p = 1;
    if (!c)
        return 0;
    estimate(&walk, counts, INFINITY, &width);
    walk.width = (size_t)width + 2;
    walk.size = 2 * walk.width;
    walk.buffer = walk.u = malloc(walk.size * sizeof *walk.buffer);
    if (!walk.buffer)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    walk.u[0] = 1;
    for (size_t i = 0; i < counts->cells && walk.lo <= walk.hi; i++) {
        uint64_t values = counts->ref[i] + counts->now[i];
        bool gap = counts->gaps && i % 2 == 0;
        for (uint64_t v = 0; v < values && walk.lo <= walk.hi; v++) {
            deal(&walk);
            if (gap || v + 1 == values)
                absorb(&walk);
        }
    }
    free(walk.buffer);
    *p = fmin(walk.p, 1);
    return 0;
}

/* --- limit law --- */

double vg_ks_limit(double z)
{
    if (z <= 0)
        return 1;
    if (z >= 1.18) {
        double x = exp(-2 * z * z);
        return 2 * (x - pow(x, 4) + pow(x, 9));
    }
    double y = exp(-M_PI * M_PI / (8 * z * z));
    return 1 - sqrt(2 * M_PI) / z * (y + pow(y, 9) + pow(y, 25) + pow(y, 49));
}

double vg_ks_limit_p(const struct vg_ks *ks)
{
    double m = (double)ks->m, n = (double)ks->n;
    return isnan(ks->d) ? (double)NAN : vg_ks_limit(sqrt(m * n / (m + n)) * ks->d);
}

int vg_ks_p(const struct vg_ks_counts *counts, const struct vg_ks *ks, double steps, double *p,
            struct vg_error *err)
{
    if (!isnan(ks->d) && is_within(counts, ks, steps))
        return vg_ks_exact(counts, ks->c, p, err);
    *p = vg_ks_limit_p(ks);
    return 0;
}

double vg_ks_steps(const struct vg_ks_counts *counts, const struct vg_ks *ks, double least,
                   double most)
{
    double p = vg_ks_limit_p(ks);
    uint64_t tied = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        uint64_t both = counts->ref[i] + counts->now[i];
        bool gap = counts->gaps && i % 2 == 0;
        tied = !gap && both > tied ? both : tied;
    }
    bool plain = (double)tied <= 0.02 * (double)(ks->m + ks->n);
    return p < least / 2 || (plain && p > 4 * most) ? VG_KS_FEW_STEPS : VG_KS_MOST_STEPS;
}
