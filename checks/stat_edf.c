/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kuiper, Cramer-von Mises and Anderson-Darling from counts. Pure. All differences of the two
 * distribution functions are held as integers d = n R - m C, R and C the values so far, so that
 * equal samples differ by exactly nothing. */
#include "checks/stat_edf.h"

#include <math.h>

__extension__ typedef __int128 wide;

/* The walk over the cells, one step a cell. */
struct step {
    double m, n;     /* of the samples */
    double r, c;     /* values in the cell */
    double before;   /* values of both in front of it */
    double from, to; /* d = n R - m C at both ends */
    bool gap;        /* its values are distinct, else all the same */
};

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* m and n; whether both have values; and the largest group of ties. */
static bool find_totals(const struct vg_ks_counts *counts, struct vg_edf *out, double *most)
{
    uint64_t m = 0, n = 0, tied = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        uint64_t both = counts->ref[i] + counts->now[i];
        m += counts->ref[i];
        n += counts->now[i];
        if ((!counts->gaps || i % 2 == 1) && both > tied)
            tied = both;
    }
    *most = (double)tied;
    *out = (struct vg_edf){(double)m, (double)n, NAN, NAN, NAN, NAN};
    return m && n;
}

typedef void each_step(void *sum, const struct step *step);

/* Calls `each` for every cell that holds values, in order. */
static void walk(const struct vg_ks_counts *counts, const struct vg_edf *of, each_step *each,
                 void *sum)
{
    wide m = (wide)of->m, n = (wide)of->n, d = 0;
    double before = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        if (!counts->ref[i] && !counts->now[i])
            continue;
        wide next = d + n * (wide)counts->ref[i] - m * (wide)counts->now[i];
        struct step step = {
            .m = of->m,
            .n = of->n,
            .r = (double)counts->ref[i],
            .c = (double)counts->now[i],
            .before = before,
            .from = (double)d,
            .to = (double)next,
            .gap = counts->gaps && i % 2 == 0,
        };
        each(sum, &step);
        before += step.r + step.c;
        d = next;
    }
}

/* --- Kuiper --- */

struct extremes {
    double up, down;           /* largest d and -d at the ends of cells */
    double most_up, most_down; /* and anywhere, whatever the order in the gaps */
};

static void add_extremes(void *sum, const struct step *step)
{
    struct extremes *at = sum;
    at->up = larger(at->up, step->to);
    at->down = larger(at->down, -step->to);
    at->most_up = larger(at->most_up, step->gap ? step->from + step->n * step->r : step->to);
    at->most_down = larger(at->most_down, step->gap ? step->m * step->c - step->from : -step->to);
}

struct vg_edf vg_edf_kuiper(const struct vg_ks_counts *counts)
{
    struct vg_edf out;
    struct extremes at = {0, 0, 0, 0};
    double most;
    if (!find_totals(counts, &out, &most))
        return out;
    walk(counts, &out, add_extremes, &at);
    double mn = out.m * out.n;
    out.value = out.lo = (at.up + at.down) / mn;
    out.hi = fmin((at.most_up + at.most_down) / mn, 1);
    out.p = vg_edf_kuiper_limit(out.value * sqrt(mn / (out.m + out.n)));
    return out;
}

double vg_edf_kuiper_limit(double x)
{
    double sum = 0;
    if (x < 0.3) /* less than 1e-15 from 1 */
        return 1;
    for (int j = 1; j <= 40; j++) {
        double y = j * x, term = 2 * (4 * y * y - 1) * exp(-2 * y * y);
        sum += term;
        if (fabs(term) < 1e-18 * sum)
            break;
    }
    return fmin(sum, 1);
}

/* --- Sums of squares --- */

struct sums {
    double value, lo, hi;
    double (*weigh)(const struct step *step, double place); /* of d^2 after `place` values */
};

static double weigh_evenly(const struct step *step, double place)
{
    (void)step;
    (void)place;
    return 1;
}

/* 0 at the end, where d is 0 too. */
static double weigh_tails(const struct step *step, double place)
{
    double left = step->m + step->n - place;
    return left > 0 ? 1 / (place * left) : 0;
}

/* The term after the j-th of the values in a gap that are all of one sample. */
static double find_term(const struct sums *sums, const struct step *step, double j)
{
    double d = step->from + j * (step->to - step->from) / (step->r + step->c);
    return d * d * sums->weigh(step, step->before + j);
}

enum { ONE_BY_ONE = 100000 };

/* The sum of find_term() over j = 1 .. r + c. Where these are many they are taken in blocks that
 * are short beside the distance to both ends of the line, where the weights grow; inside a block
 * the term is nearly a parabola. */
static double sum_gap(const struct sums *sums, const struct step *step)
{
    double count = step->r + step->c, all = step->m + step->n, sum = 0;
    for (double j = 1; j <= count;) {
        double near = fmin(step->before + j, all - step->before - j);
        double width = count <= ONE_BY_ONE ? 1 : floor(fmin(larger(near / 500, 1), count - j + 1));
        double mid = j + (width - 1) / 2, term = find_term(sums, step, mid);
        sum += width * term;
        if (width > 1) {
            double h = (width - 1) / 2;
            double bend =
                find_term(sums, step, mid - h) - 2 * term + find_term(sums, step, mid + h);
            sum += width * (width * width - 1) / 24 * bend / (h * h);
        }
        j += width;
    }
    return sum;
}

/* Between which every find_term() over j = first .. last lies: d is linear in j, and the weight is
 * least in the middle of the line. */
static void find_range(const struct sums *sums, const struct step *step, double first, double last,
                       double range[2])
{
    double a = find_term(sums, step, first), b = find_term(sums, step, last);
    range[0] = fmin(a, b);
    range[1] = larger(a, b);
    if (last - first < 2)
        return;
    double slope = (step->to - step->from) / (step->r + step->c);
    double da = fabs(step->from + first * slope), db = fabs(step->from + last * slope);
    bool crosses = (step->from + first * slope) * (step->from + last * slope) <= 0;
    double small = crosses ? 0 : fmin(da, db), large = larger(da, db);
    double place = step->before + first, end = step->before + last;
    double middle = fmin(larger((step->m + step->n) / 2, place), end);
    double heavy = larger(sums->weigh(step, place), sums->weigh(step, fmin(end, end - 1)));
    range[0] = small * small * fmin(sums->weigh(step, middle), sums->weigh(step, end));
    range[1] = large * large * larger(heavy, sums->weigh(step, end));
}

/* A value's term is that of the last of those it is tied with, and with which of the values behind
 * it in the gap it is tied is not known: the least and the most. */
static void add_tied(struct sums *sums, const struct step *step)
{
    double count = step->r + step->c, all = step->m + step->n, least = INFINITY, most = 0;
    for (double j = count; j >= 1;) {
        double near = fmin(step->before + j, all - step->before - j), range[2];
        double width = count <= ONE_BY_ONE ? 1 : floor(fmin(larger(near / 500, 1), j));
        find_range(sums, step, j - width + 1, j, range);
        least = fmin(least, range[0]);
        most = larger(most, range[1]);
        sums->lo += width * least;
        sums->hi += width * most;
        j -= width;
    }
}

/* Nothing of the order is known: d stays between these, the weight between those of the ends and,
 * as it is least in the middle of the line, that. */
static void add_unordered(struct sums *sums, const struct step *step)
{
    double count = step->r + step->c, end = step->before + count;
    double most = step->from + step->n * step->r, least = step->from - step->m * step->c;
    double small = most * least <= 0 ? 0 : fmin(fabs(most), fabs(least));
    double large = larger(fabs(most), fabs(least)), middle = (step->m + step->n) / 2;
    double first = sums->weigh(step, step->before + 1), last = sums->weigh(step, end);
    double light = fmin(first, end < step->m + step->n ? last : first);
    if (step->before + 1 < middle && end > middle)
        light = sums->weigh(step, middle);
    double heavy = larger(first, end < step->m + step->n ? last : sums->weigh(step, end - 1));
    double lo = (count - 1) * small * small * light;
    sums->value += lo;
    sums->lo += lo;
    sums->hi += count * large * large * heavy;
}

static void add_squares(void *data, const struct step *step)
{
    struct sums *sums = data;
    double count = step->r + step->c;
    if (!step->gap || count < 2) {
        double term = count * step->to * step->to * sums->weigh(step, step->before + count);
        sums->value += term;
        sums->lo += term;
        sums->hi += term;
    } else if (step->r > 0 && step->c > 0) {
        add_unordered(sums, step);
    } else {
        sums->value += sum_gap(sums, step);
        add_tied(sums, step);
    }
}

/* By rounding alone the value may lie outside. */
static void take_sums(const struct sums *sums, double scale, struct vg_edf *out)
{
    out->value = sums->value / scale;
    out->lo = fmin(sums->lo / scale, out->value);
    out->hi = larger(sums->hi / scale, out->value);
}

/* Ties make the limit laws too hopeful. */
static bool is_continuous(const struct vg_edf *edf, double tied)
{
    return tied <= 0.1 * (edf->m + edf->n);
}

/* The adjusted statistic has the mean 1/6 and the variance 1/45 of the limit law. */
static double find_cvm_p(const struct vg_edf *edf)
{
    double m = edf->m, n = edf->n, all = m + n;
    double mean = (1 + 1 / all) / 6;
    double part = (all + 1) / all / 45; /* the quotients keep large numbers finite */
    double variance =
        part * (4 * m * n * all - 3 * (m * m + n * n) - 2 * m * n) / (4 * m * n) / all;
    return vg_edf_cramer_von_mises_limit(1 / 6.0 + (edf->value - mean) / sqrt(45 * variance));
}

struct vg_edf vg_edf_cramer_von_mises(const struct vg_ks_counts *counts)
{
    struct vg_edf out;
    struct sums sums = {0, 0, 0, weigh_evenly};
    double tied;
    if (!find_totals(counts, &out, &tied))
        return out;
    walk(counts, &out, add_squares, &sums);
    take_sums(&sums, out.m * out.n * (out.m + out.n) * (out.m + out.n), &out);
    if (is_continuous(&out, tied))
        out.p = find_cvm_p(&out);
    return out;
}

struct vg_edf vg_edf_anderson_darling(const struct vg_ks_counts *counts)
{
    struct vg_edf out;
    struct sums sums = {0, 0, 0, weigh_tails};
    double tied;
    if (!find_totals(counts, &out, &tied))
        return out;
    walk(counts, &out, add_squares, &sums);
    take_sums(&sums, out.m * out.n, &out);
    if (is_continuous(&out, tied))
        out.p = vg_edf_anderson_darling_limit(out.value);
    return out;
}

/* --- Limit laws --- */

enum { NODES = 256, TERMS = 400 };

/* int of f(u, x) over [mid - half, mid + half], f with a root of a pole at both ends: in the
 * angle t, u = mid + half sin t, what is integrated is smooth and even at both ends, so that the
 * midpoint rule converges as fast as exp(-nodes). */
static double integrate(double (*f)(double u, double far, double x), double mid, double half,
                        double x)
{
    double sum = 0;
    for (int i = 0; i < NODES; i++) {
        double t = M_PI * ((i + 0.5) / NODES - 0.5);
        /* the distance from the nearer end, without cancellation */
        double near = 2 * half * pow(sin((M_PI / 2 - fabs(t)) / 2), 2);
        sum += cos(t) * f(mid + half * sin(t), near, x);
    }
    return sum * half * M_PI / NODES;
}

static double sum_tail(double (*f)(double u, double near, double x), const double ends[3], double x)
{
    double sum = 0;
    for (int k = 0; k < TERMS; k++) {
        double mid = ends[0] + k * ends[1];
        double part = integrate(f, mid, ends[2], x);
        sum += k % 2 ? -part : part;
        if (part < 1e-18 * fabs(sum) || part < 1e-300)
            break;
    }
    return fmin(larger(sum / M_PI, 0), 1);
}

/* y = u^2: dy / y = 2 du / u, and |sin u| = sin of the distance to the nearest multiple of pi. */
static double smirnov(double u, double near, double x)
{
    return 2 / u * sqrt(u / sin(near)) * exp(-x * u * u / 2);
}

double vg_edf_cramer_von_mises_limit(double x)
{
    static const double ends[] = {1.5 * M_PI, 2 * M_PI, M_PI / 2};
    return x < 0.004 ? 1 : sum_tail(smirnov, ends, x); /* 1 - 1e-13 */
}

/* y = (u^2 - 1) / 4: dy = u du / 2, and |cos(pi u / 2)| = sin(pi / 2 times the distance from the
 * nearest odd number). */
static double anderson(double u, double near, double x)
{
    double y = (u * u - 1) / 4;
    return u / (2 * y) * sqrt(M_PI * y / sin(M_PI / 2 * near)) * exp(-x * y / 2);
}

double vg_edf_anderson_darling_limit(double x)
{
    static const double ends[] = {4, 4, 1};
    return x < 0.04 ? 1 : sum_tail(anderson, ends, x); /* 1 - 1e-12 */
}
