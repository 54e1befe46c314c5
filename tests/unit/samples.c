/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two samples and their counts, made without the program's own grid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/samples.h"

uint64_t samples_below(uint64_t *state, uint64_t n)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % n;
}

double samples_normal(uint64_t *state)
{
    double u = ((double)samples_below(state, UINT64_C(1) << 53) + 0.5) * 0x1p-53;
    double v = (double)samples_below(state, UINT64_C(1) << 53) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

struct samples samples_new(size_t m, size_t n)
{
    struct samples made = {.m = m, .n = n};
    made.ref = calloc(m + 1, sizeof *made.ref);
    made.now = calloc(n + 1, sizeof *made.now);
    made.q = calloc(m + 1, sizeof *made.q);
    made.ref_cells = calloc(2 * m + 3, sizeof *made.ref_cells);
    made.now_cells = calloc(2 * m + 3, sizeof *made.now_cells);
    made.gaps = calloc(m + 1, sizeof *made.gaps);
    assert_true(made.ref && made.now && made.q && made.ref_cells && made.now_cells && made.gaps);
    return made;
}

void samples_free(struct samples *samples)
{
    free(samples->ref);
    free(samples->now);
    free(samples->q);
    free(samples->ref_cells);
    free(samples->now_cells);
    free(samples->gaps);
}

struct samples samples_case(uint64_t seed)
{
    static const double divisors[] = {1, 2, 4};
    uint64_t state = seed;
    size_t m = 1 + samples_below(&state, 39), n = 1 + samples_below(&state, 39);
    uint64_t top = 2 + samples_below(&state, 28);
    double divisor = divisors[samples_below(&state, 3)];
    struct samples made = samples_new(m, n);
    for (size_t i = 0; i < m; i++)
        made.ref[i] = (double)samples_below(&state, top) / 2;
    for (size_t i = 0; i < n; i++)
        made.now[i] = (double)samples_below(&state, top) / divisor;
    samples_count(&made, 1);
    return made;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count(const struct samples *samples, const double *x, size_t n, uint64_t *cells)
{
    memset(cells, 0, (2 * samples->k + 1) * sizeof *cells);
    for (size_t i = 0, at = 0; i < n; i++) {
        while (at < samples->k && samples->q[at] <= x[i])
            at++;
        cells[2 * at - (at && samples->q[at - 1] == x[i])]++;
    }
}

/* The sums of what lies in the gaps. */
static void add_gaps(struct samples *samples)
{
    const double *q = samples->q;
    memset(samples->gaps, 0, (samples->k + 1) * sizeof *samples->gaps);
    for (size_t i = 0, at = 0; i < samples->n; i++) {
        double x = samples->now[i];
        while (at < samples->k && q[at] <= x)
            at++;
        if (!at || q[at - 1] != x)
            samples->gaps[at].hi += x - q[at ? at - 1 : 0];
    }
    samples->now_side.gaps = samples->gaps;
}

static struct vg_wasserstein_side describe(const double *x, size_t n)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return (struct vg_wasserstein_side){(double)(sum / n), n ? x[0] : NAN, n ? x[n - 1] : NAN,
                                        NULL};
}

void samples_count(struct samples *samples, size_t step)
{
    size_t distinct = 0;
    qsort(samples->ref, samples->m, sizeof *samples->ref, compare);
    qsort(samples->now, samples->n, sizeof *samples->now, compare);
    samples->k = 0;
    for (size_t i = 0; i < samples->m; i++) {
        if ((i == 0 || samples->ref[i] != samples->ref[i - 1]) && distinct++ % step == 0)
            samples->q[samples->k++] = samples->ref[i];
    }
    count(samples, samples->ref, samples->m, samples->ref_cells);
    count(samples, samples->now, samples->n, samples->now_cells);
    samples->counts =
        (struct vg_ks_counts){samples->ref_cells, samples->now_cells, 2 * samples->k + 1, true};
    samples->ref_side = describe(samples->ref, samples->m);
    samples->now_side = describe(samples->now, samples->n);
    add_gaps(samples);
}

bool samples_near(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

void samples_assert(double a, double b, double tolerance, const char *what, size_t row)
{
    if (samples_near(a, b, tolerance))
        return;
    print_error("%s of row %zu: %.17g, want %.17g\n", what, row, a, b);
    fail();
}
