/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The policies that people use today, as their documentation describes them. */
#include "peers.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks/stat_chi_square.h"
#include "checks/stat_divergence.h"
#include "checks/stat_ks.h"

enum { MOST_CELLS = 2 * 256 + 1 };

static size_t cells_of(const struct draw_series *series, size_t hour, uint64_t *cells)
{
    const struct vg_column_summary *window = &series->windows[hour];
    size_t n = series->levels ? (size_t)DRAW_LEVELS : window->coarse_cells;
    for (size_t i = 0; i < n; i++)
        cells[i] += series->levels ? series->levels[hour][i] : window->coarse[i];
    return n;
}

static double measure_w1(const struct peer_reference *reference, const uint64_t *cells, double n)
{
    double f = 0, g = 0, sum = 0;
    for (uint32_t j = 0; j + 1 < reference->grid->n; j++) {
        f += (double)(reference->cells[2 * j] + reference->cells[2 * j + 1]);
        g += (double)(cells[2 * j] + cells[2 * j + 1]);
        sum +=
            fabs(g / n - f / reference->rows) * (reference->grid->q[j + 1] - reference->grid->q[j]);
    }
    return sum; /* the reference has unit variance */
}

static struct peer_look look_at_numbers(const struct peer_reference *reference,
                                        const uint64_t *cells)
{
    struct vg_ks_counts counts = {reference->cells, cells, reference->ncells, true};
    struct vg_ks ks;
    vg_ks_compare(&counts, &ks);
    double n = (double)ks.n, m = (double)ks.m;
    struct peer_look look = {.d = ks.d, .p = vg_ks_limit(ks.d * sqrt(n * m / (n + m)))};
    look.distance = measure_w1(reference, cells, n);
    return look;
}

static struct peer_look look_at_levels(const struct peer_reference *reference,
                                       const uint64_t *cells)
{
    uint64_t ref[DRAW_LEVELS], now[DRAW_LEVELS];
    struct vg_bins bins = {.ref = ref, .now = now, .n = DRAW_LEVELS};
    memcpy(ref, reference->cells, sizeof ref);
    memcpy(now, cells, sizeof now);
    vg_bins_sum(&bins);
    return (struct peer_look){vg_chi_square(&bins).p, (double)NAN, vg_divergence_js(&bins)};
}

static struct peer_look look_at(const struct peer_reference *reference, const uint64_t *cells)
{
    return reference->grid ? look_at_numbers(reference, cells) : look_at_levels(reference, cells);
}

struct peer_look peer_look(const struct peer_reference *reference, const struct draw_series *series,
                           size_t hour, size_t scale)
{
    uint64_t cells[MOST_CELLS] = {0};
    for (size_t h = hour + 1 - scale; h <= hour; h++)
        cells_of(series, h, cells);
    return look_at(reference, cells);
}

/* Mean and three standard deviations of the reference hours' D, each freed of its own share. */
static double learn_limit(const struct peer_reference *reference, const struct draw_series *series)
{
    double sum = 0, squares = 0, n = (double)series->hours;
    for (size_t h = 0; h < series->hours; h++) {
        double d = peer_look(reference, series, h, 1).d / (1 - 1 / n);
        sum += d;
        squares += d * d;
    }
    double mean = sum / n;
    return mean + 3 * sqrt((squares - n * mean * mean) / (n - 1));
}

void peer_learn(const struct draw_column *column, const struct draw_series *reference,
                struct peer_reference *out)
{
    *out = (struct peer_reference){.grid = column->grid, .d_limit = (double)NAN};
    out->cells = calloc(MOST_CELLS, sizeof *out->cells);
    if (!out->cells)
        exit(70);
    for (size_t h = 0; h < reference->hours; h++)
        out->ncells = cells_of(reference, h, out->cells);
    out->rows = (double)reference->hours * DRAW_ROWS;
    if (out->grid)
        out->d_limit = learn_limit(out, reference);
}

void peer_free(struct peer_reference *reference)
{
    free(reference->cells);
    *reference = (struct peer_reference){0};
}

struct peer_polls peer_poll(const struct peer_reference *reference,
                            const struct draw_series *series)
{
    struct peer_polls out = {0};
    uint64_t cells[MOST_CELLS] = {0};
    for (size_t step = 0; step < series->hours * DRAW_STEPS; step++) {
        const uint16_t *in = &series->steps[step * series->cells];
        const uint16_t *gone = step < DRAW_STEPS ? NULL : in - DRAW_STEPS * series->cells;
        for (size_t i = 0; i < series->cells; i++)
            cells[i] += (uint64_t)in[i] - (gone ? gone[i] : 0);
        if (step + 1 < DRAW_STEPS)
            continue;
        struct peer_look look = look_at(reference, cells);
        out.polls++;
        out.naive += look.p < .05;
        out.evidently += look.distance >= .1;
    }
    return out;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t peer_rejected(double *p, size_t n)
{
    size_t rejected = 0;
    qsort(p, n, sizeof *p, compare);
    for (size_t i = 0; i < n; i++) {
        if (p[i] <= .05 * (double)(i + 1) / (double)n)
            rejected = i + 1;
    }
    return rejected;
}

/* Each scale adds to the cells of the shorter one. */
static bool is_multiscale_alarm(const struct peer_reference *reference,
                                const struct draw_series *series, size_t hour)
{
    uint64_t cells[MOST_CELLS] = {0};
    size_t from = hour + 1;
    for (size_t scale = 1; scale <= 1u << (PEER_SCALES - 1) && scale <= hour + 1; scale *= 2) {
        while (from > hour + 1 - scale)
            cells_of(series, --from, cells);
        if (look_at(reference, cells).p < 8.5e-6)
            return true;
    }
    return false;
}

size_t peer_multiscale(const struct peer_reference *reference, const struct draw_series *series,
                       size_t from)
{
    while (from < series->hours && !is_multiscale_alarm(reference, series, from))
        from++;
    return from;
}

size_t peer_detector(const double *p, size_t hours, size_t from)
{
    static const double lambdas[] = {.5, 1, 2, 4};
    double m[4] = {0};
    for (size_t h = 0; h < hours; h++) {
        double mean = 0, z = gsl_cdf_ugaussian_Qinv(fmin(fmax(p[h], 1e-300), 1 - 1e-16));
        for (size_t i = 0; i < 4; i++) {
            m[i] = (m[i] + 1) * exp(lambdas[i] * z - lambdas[i] * lambdas[i] / 2);
            mean += m[i] / 4;
        }
        if (mean < 16800)
            continue;
        if (h >= from)
            return h;
        memset(m, 0, sizeof m);
    }
    return hours;
}
