/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums that do not depend on how rows were split: double-double arithmetic and the moments built on
 * it. Promises mean and variance within 1e-12 relative in any split, also far from zero. Needs
 * strict IEEE arithmetic: never to be compiled with -ffast-math. */
#include <math.h>

#include "agent/summary/parts.h"

/* Short inner loops written out, so that what they carry stays in registers. */
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* Knuth: s + e == a + b exactly. */
static struct vg_dd add_exactly(double a, double b)
{
    double s = a + b, bb = s - a;
    return (struct vg_dd){s, (a - (s - bb)) + (b - bb)};
}

/* Dekker: the same where |a| >= |b|. */
static struct vg_dd add_smaller(double a, double b)
{
    double s = a + b;
    return (struct vg_dd){s, b - (s - a)};
}

struct vg_dd vg_dd_add(struct vg_dd a, struct vg_dd b)
{
    struct vg_dd s = add_exactly(a.hi, b.hi), t = add_exactly(a.lo, b.lo);
    s = add_smaller(s.hi, s.lo + t.hi);
    return add_smaller(s.hi, s.lo + t.lo);
}

struct vg_dd vg_dd_mul(struct vg_dd a, double b)
{
    double p = a.hi * b;
    return add_smaller(p, fma(a.hi, b, -p) + a.lo * b);
}

struct vg_dd vg_dd_multiply(struct vg_dd a, struct vg_dd b)
{
    double p = a.hi * b.hi;
    return add_smaller(p, fma(a.hi, b.hi, -p) + (a.hi * b.lo + a.lo * b.hi));
}

struct vg_dd vg_dd_divide(struct vg_dd a, double b)
{
    double first = a.hi / b;
    struct vg_dd rest = vg_dd_add(a, vg_dd_mul((struct vg_dd){first, 0}, -b));
    double second = rest.hi / b;
    rest = vg_dd_add(rest, vg_dd_mul((struct vg_dd){second, 0}, -b));
    struct vg_dd q = add_smaller(first, second);
    return vg_dd_add(q, (struct vg_dd){rest.hi / b, 0});
}

void vg_moments_merge(struct vg_moments *a, const struct vg_moments *b)
{
    if (!b->n)
        return;
    if (!a->n) {
        *a = *b;
        return;
    }
    double na = (double)a->n, nb = (double)b->n;
    struct vg_dd mean = vg_dd_divide(a->sum, na), other = vg_dd_divide(b->sum, nb);
    struct vg_dd delta = vg_dd_add(other, (struct vg_dd){-mean.hi, -mean.lo});
    struct vg_dd between = vg_dd_mul(vg_dd_multiply(delta, delta), na * (nb / (na + nb)));
    a->m2 = vg_dd_add(vg_dd_add(a->m2, b->m2), between);
    a->sum = vg_dd_add(a->sum, b->sum);
    a->n += b->n;
    if (b->min < a->min)
        a->min = b->min;
    if (b->max > a->max)
        a->max = b->max;
}

/* Two doubles that the compiler keeps in one register; GCC and clang split or pair them as the
 * machine has it. */
typedef double pair __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16)));
enum { PAIRS = 4, STEP = 2 * PAIRS };

static inline pair load(const double *x)
{
    pair v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* The sum by eight chains of Knuth's addition, their errors summed apart: Ogita, Rump, Oishi,
 * "Accurate Sum and Dot Product" (2005), as if in twice the precision. */
static struct vg_dd sum_values(const double *x, size_t n)
{
    pair sum[PAIRS] = {{0}}, lost[PAIRS] = {{0}};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        UNROLLED
        for (int k = 0; k < PAIRS; k++) {
            pair v = load(x + i + 2 * k), s = sum[k] + v, back = s - sum[k];
            lost[k] += (sum[k] - (s - back)) + (v - back);
            sum[k] = s;
        }
    }
    struct vg_dd total = {0, 0};
    for (; i < n; i++)
        total = vg_dd_add(total, (struct vg_dd){x[i], 0});
    for (int k = 0; k < STEP; k++)
        total = vg_dd_add(total, add_exactly(sum[k / 2][k % 2], lost[k / 2][k % 2]));
    return total;
}

/* Sum of squared deviations from `mean`, corrected for the rounding of the mean itself. */
static double sum_squares(const double *x, size_t n, double mean)
{
    pair squares[PAIRS] = {{0}}, rest[PAIRS] = {{0}}, centre = {mean, mean};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        UNROLLED
        for (int k = 0; k < PAIRS; k++) {
            pair d = load(x + i + 2 * k) - centre;
            squares[k] += d * d;
            rest[k] += d;
        }
    }
    double m2 = 0, off = 0;
    for (; i < n; i++) {
        double d = x[i] - mean;
        m2 += d * d;
        off += d;
    }
    for (int k = 0; k < STEP; k++) {
        m2 += squares[k / 2][k % 2];
        off += rest[k / 2][k % 2];
    }
    double corrected = m2 - off * (off / (double)n);
    return corrected < 0 ? 0 : corrected;
}

static void count_signs(const double *x, size_t n, uint64_t *zeros, uint64_t *negatives)
{
    mask zero = {0}, negative = {0};
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        pair v = load(x + i);
        zero -= v == 0;
        negative -= v < 0;
    }
    if (i < n) {
        zero[0] += x[i] == 0;
        negative[0] += x[i] < 0;
    }
    *zeros += (uint64_t)(zero[0] + zero[1]);
    *negatives += (uint64_t)(negative[0] + negative[1]);
}

static void find_extremes(const double *x, size_t n, double *min, double *max)
{
    double lo[4] = {x[0], x[0], x[0], x[0]}, hi[4] = {x[0], x[0], x[0], x[0]};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        UNROLLED
        for (int k = 0; k < 4; k++) {
            double v = x[i + (size_t)k];
            lo[k] = v < lo[k] ? v : lo[k];
            hi[k] = v > hi[k] ? v : hi[k];
        }
    }
    for (; i < n; i++) {
        lo[0] = x[i] < lo[0] ? x[i] : lo[0];
        hi[0] = x[i] > hi[0] ? x[i] : hi[0];
    }
    for (int k = 1; k < 4; k++) {
        lo[0] = lo[k] < lo[0] ? lo[k] : lo[0];
        hi[0] = hi[k] > hi[0] ? hi[k] : hi[0];
    }
    /* Adding 0.0 turns -0.0, which no comparison tells from 0.0, into 0.0: the same in any order.
     */
    *min = lo[0] + 0.0;
    *max = hi[0] + 0.0;
}

struct vg_moments vg_moments_of(const double *x, size_t n, uint64_t *zeros, uint64_t *negatives)
{
    struct vg_moments out = {.n = n, .min = INFINITY, .max = -INFINITY};
    if (!n)
        return out;
    find_extremes(x, n, &out.min, &out.max);
    count_signs(x, n, zeros, negatives);
    out.sum = sum_values(x, n);
    if (out.min < out.max)
        out.m2.hi = sum_squares(x, n, vg_dd_divide(out.sum, (double)n).hi);
    return out;
}
