/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing columns: daily season (weaker at weekends), latent AR(1), independent noise; categories
 * and nulls from a multinomial whose logits wander. */
#include "draw.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRID_ROWS = 12000, GRID = 200 };

const struct draw_law draw_laws[] = {
    {"iid", 0, 0, 1, 0, false, 0},        {"ar", .15, .0225, 3, 0, false, 0},
    {"harsh", .15, .10, 6, 0, false, 0},  {"over", 0, 0, 1, 1, false, 0},
    {"walk", .15, .30, 240, 0, false, 0}, {"storm", 0, 0, 1, 0, true, 0},
    {NULL, 0, 0, 0, 0, false, 0},
};

const struct draw_law *draw_law_find(const char *name)
{
    const struct draw_law *law = draw_laws;
    while (law->name && strcmp(law->name, name))
        law++;
    return law->name ? law : NULL;
}

size_t draw_shares(enum draw_table table, const double **shares)
{
    static const double category[] = {.30, .20, .15, .12, .10, .06, .05, .02};
    static const double nulls[] = {.99, .01};
    *shares = table == DRAW_CATEGORY ? category : nulls;
    return table == DRAW_CATEGORY ? 8 : 2;
}

static void *need(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(70);
    }
    return memory;
}

static void must(int rc, const struct vg_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->msg);
        exit(70);
    }
}

/* A stationary path of unit variance. */
static double *draw_path(gsl_rng *rng, size_t steps, double tau)
{
    double *path = need(malloc(steps * sizeof *path)), rho = exp(-1 / tau), x = 0;
    for (size_t t = 0; t < steps; t++) {
        double noise = gsl_ran_gaussian_ziggurat(rng, 1);
        x = t ? rho * x + noise * sqrt(1 - rho * rho) : noise;
        path[t] = x;
    }
    return path;
}

static void add_storms(gsl_rng *rng, double *mean, size_t steps)
{
    for (size_t from = 0; from < steps; from += DRAW_STEPS) {
        if (gsl_rng_uniform(rng) >= 1 / 120.0)
            continue;
        for (size_t t = from; t < steps && t < from + 12 * DRAW_STEPS; t++)
            mean[t] = 1;
    }
}

static double *draw_means(gsl_rng *rng, const struct draw_column *column,
                          const struct draw_plan *plan, size_t steps)
{
    const struct draw_law *law = &column->law;
    double *mean = draw_path(rng, steps, law->tau * DRAW_STEPS);
    size_t middle = (size_t)(plan->reference_days * DRAW_DAY_STEPS / 2);
    size_t first = (size_t)(plan->first_day * DRAW_DAY_STEPS);
    for (size_t t = 0; t < steps; t++) {
        double angle = 2 * M_PI * (double)t / DRAW_DAY_STEPS + column->phase;
        double weekend = t / DRAW_DAY_STEPS % 7 >= 5 ? .7 : 1;
        mean[t] = sqrt(law->latent) * mean[t] + sqrt(2 * law->season) * sin(angle) * weekend;
        mean[t] += first + t >= middle ? law->step : 0;
    }
    if (law->storms)
        add_storms(rng, mean, steps);
    return mean;
}

/* The numbers of the hours from .. to. */
static double *draw_numbers(gsl_rng *rng, const struct draw_column *column,
                            const struct draw_series *series, size_t from, size_t to)
{
    size_t rows = (to - from) * DRAW_ROWS;
    double *x = need(malloc(rows * sizeof *x));
    double noise = sqrt(1 - column->law.season - column->law.latent);
    const double *mean = series->means + from * DRAW_STEPS;
    for (size_t i = 0; i < rows; i++)
        x[i] = mean[i / DRAW_STEP_ROWS] + noise * gsl_ran_gaussian_ziggurat(rng, 1);
    size_t moved = series->drift_from > from ? (series->drift_from - from) * DRAW_ROWS : 0;
    for (size_t i = moved; series->drift && i < rows; i++)
        x[i] = series->drift->scale * x[i] + series->drift->shift;
    return x;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The quantiles j / 201 of 12 000 rows of the reference. */
static struct vg_grid *make_grid(gsl_rng *rng, double *x, size_t rows)
{
    double some[GRID_ROWS], q[GRID];
    uint32_t n = 0;
    gsl_ran_choose(rng, some, GRID_ROWS, x, rows, sizeof *x);
    qsort(some, GRID_ROWS, sizeof *some, compare);
    for (size_t j = 1; j <= GRID; j++) {
        double at = some[j * GRID_ROWS / (GRID + 1)];
        if (!n || at > q[n - 1])
            q[n++] = at;
    }
    return need(vg_grid_new(q, n, false));
}

static void count_steps(const struct draw_column *column, const double *x, size_t hour,
                        struct draw_series *out)
{
    uint32_t cells[DRAW_ROWS];
    vg_grid_find(column->grid, x, DRAW_ROWS, cells);
    for (size_t i = 0; i < DRAW_ROWS; i++)
        out->steps[(hour * DRAW_STEPS + i / DRAW_STEP_ROWS) * out->cells + cells[i]]++;
}

static void count_numbers(const struct draw_column *column, const double *x,
                          struct vg_column_summary *window)
{
    static const uint8_t states[DRAW_ROWS];
    struct vg_error err = {0};
    struct vg_column rows = {
        .kind = VG_KIND_NUMBER, .state = states, .num = (double *)(uintptr_t)x};
    must(vg_column_init(window, "x", VG_KIND_NUMBER, column->grid, 0, &err), &err);
    must(vg_column_count(window, &rows, DRAW_ROWS, &err), &err);
    if (vg_column_coarsen(window) < 0)
        need(NULL);
    free(window->fine);
    window->fine = NULL;
}

static void draw_number_hours(gsl_rng *rng, struct draw_column *column, struct draw_series *series,
                              size_t to)
{
    double *x = draw_numbers(rng, column, series, series->drawn, to);
    if (!column->grid)
        column->grid = make_grid(rng, x, (to - series->drawn) * DRAW_ROWS);
    for (size_t h = series->drawn; h < to; h++) {
        const double *hour = &x[(h - series->drawn) * DRAW_ROWS];
        count_numbers(column, hour, &series->windows[h]);
        if (series->steps)
            count_steps(column, hour, h, series);
    }
    free(x);
}

/* The rows of an hour: as many of each value, or nulls, as were drawn. */
static void count_levels(enum draw_table table, const uint32_t *levels,
                         struct vg_column_summary *window)
{
    static const char names[] = "abcdefgh";
    uint8_t states[DRAW_ROWS] = {0};
    double zeros[DRAW_ROWS] = {0};
    struct vg_slice raw[DRAW_ROWS] = {{0}};
    struct vg_error err = {0};
    enum vg_kind kind = table == DRAW_CATEGORY ? VG_KIND_TEXT : VG_KIND_OTHER;
    struct vg_column rows = {.kind = kind, .state = states, .num = zeros, .raw = raw};
    size_t row = 0;
    for (size_t level = 0; level < DRAW_LEVELS; level++) {
        for (uint32_t i = 0; i < levels[level]; i++, row++) {
            bool is_null = table == DRAW_NULLS && level == 1;
            states[row] = is_null ? VG_CELL_NULL : VG_CELL_VALUE;
            rows.special += is_null;
            raw[row] = (struct vg_slice){&names[level], is_null ? 0 : 1};
        }
    }
    must(vg_column_init(window, "x", kind, NULL, kind == VG_KIND_TEXT ? VG_PART_TOP : 0, &err),
         &err);
    must(vg_column_count(window, &rows, DRAW_ROWS, &err), &err);
}

/* How the shares of values move in the hours from .. to: a path for each value. */
static void draw_moves(gsl_rng *rng, const struct draw_column *column, size_t from, size_t to,
                       double *moves)
{
    const double *shares;
    size_t n = draw_shares(column->table, &shares);
    double sd = column->law.log_odds * (column->table == DRAW_CATEGORY ? .15 : .30);
    for (size_t j = 0; j < n && to > from; j++) {
        double *path = draw_path(rng, to - from, 3);
        for (size_t h = from; h < to; h++)
            moves[h * DRAW_LEVELS + j] = sd * path[h - from];
        free(path);
    }
}

static void draw_level_hour(gsl_rng *rng, const struct draw_column *column,
                            struct draw_series *series, size_t hour)
{
    const double *shares, *moves = series->means + hour * DRAW_LEVELS;
    double weights[DRAW_LEVELS];
    unsigned counts[DRAW_LEVELS];
    size_t n = draw_shares(column->table, &shares);
    const struct draw_drift *drift = hour >= series->drift_from ? series->drift : NULL;
    for (size_t j = 0; j < n; j++) {
        size_t level = drift ? (size_t)drift->level : 0;
        double share = !drift       ? shares[j]
                       : j == level ? drift->share
                                    : shares[j] * (1 - drift->share) / (1 - shares[level]);
        weights[j] = share * exp(moves[j]);
    }
    gsl_ran_multinomial(rng, n, DRAW_ROWS, weights, counts);
    for (size_t j = 0; j < n; j++)
        series->levels[hour][j] = counts[j];
    count_levels(column->table, series->levels[hour], &series->windows[hour]);
}

/* A change begins with a latent process of its own. */
static void begin_levels(gsl_rng *rng, const struct draw_column *column, struct draw_series *out)
{
    out->levels = need(calloc(out->hours, sizeof *out->levels));
    out->means = need(calloc(out->hours * DRAW_LEVELS, sizeof *out->means));
    draw_moves(rng, column, 0, out->drift_from, out->means);
    draw_moves(rng, column, out->drift_from, out->hours, out->means);
}

void draw_begin(gsl_rng *rng, struct draw_column *column, const struct draw_plan *plan,
                bool with_steps, struct draw_series *out)
{
    *out = (struct draw_series){.hours = (size_t)plan->days * 24, .drift = plan->drift};
    out->first = out->drawn = (size_t)plan->skip_hours;
    out->drift_from = plan->drift ? (size_t)plan->from_hour : out->hours;
    out->windows = need(calloc(out->hours, sizeof *out->windows));
    if (column->table == DRAW_NUMERIC)
        out->means = draw_means(rng, column, plan, out->hours * DRAW_STEPS);
    else
        begin_levels(rng, column, out);
    if (!with_steps)
        return;
    out->cells = 2 * (size_t)column->grid->n + 1;
    out->steps = need(calloc(out->hours * DRAW_STEPS * out->cells, sizeof *out->steps));
}

void draw_until(gsl_rng *rng, struct draw_column *column, struct draw_series *series, size_t hour)
{
    if (hour <= series->drawn)
        return;
    if (column->table == DRAW_NUMERIC)
        draw_number_hours(rng, column, series, hour);
    for (size_t h = series->drawn; h < hour && column->table != DRAW_NUMERIC; h++)
        draw_level_hour(rng, column, series, h);
    series->drawn = hour;
}

void draw_series(gsl_rng *rng, struct draw_column *column, const struct draw_plan *plan,
                 bool with_steps, struct draw_series *out)
{
    draw_begin(rng, column, plan, with_steps, out);
    draw_until(rng, column, out, out->hours);
}

void draw_series_free(struct draw_series *series)
{
    for (size_t h = series->first; h < series->drawn; h++)
        vg_column_clear(&series->windows[h]);
    free(series->windows);
    free(series->levels);
    free(series->steps);
    free(series->means);
    *series = (struct draw_series){0};
}
