/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made columns whose truth is known, for measuring false alarms and delays of alarm policies.
 *
 * A column has its own phase and grid for good; each series of it draws its latent process afresh.
 * An hour has 504 rows in twelve steps of five minutes. Nothing here knows a policy. */
#ifndef PGVIGIL_TESTS_BENCH_DRIFT_DRAW_H
#define PGVIGIL_TESTS_BENCH_DRIFT_DRAW_H

#include <gsl/gsl_rng.h>

#include "pgvigil/summary.h"

enum {
    DRAW_STEPS = 12,                         /* of an hour */
    DRAW_STEP_ROWS = 42,                     /* of a step */
    DRAW_ROWS = DRAW_STEPS * DRAW_STEP_ROWS, /* of an hour */
    DRAW_DAY_STEPS = 24 * DRAW_STEPS,
    DRAW_LEVELS = 8 /* most values of a category */
};

enum draw_table { DRAW_NUMERIC, DRAW_CATEGORY, DRAW_NULLS };

/* How a column behaves: the shares of variance of a daily season and of a latent process whose
 * correlation falls to 1/e in `tau` hours, the rest independent; `log_odds`: by how much the latent
 * processes of a category's values (hourly, three hours) move their logarithms. */
struct draw_law {
    const char *name;
    double season, latent, tau, log_odds;
    bool storms; /* every hour begins, with probability 1/120, a rise by 1 for 12 hours */
    double step; /* rise for good from the middle of the reference on */
};

/* A change from one hour on: numbers become scale x + shift; the value `level` of a category gets
 * the share `share`, the others in proportion. */
struct draw_drift {
    const char *name;
    double shift, scale;
    int level;
    double share;
};

struct draw_plan {  /* which hours */
    long first_day; /* 0: a Monday */
    long days;
    const struct draw_drift *drift; /* NULL: none */
    long from_hour;                 /* of the series */
    long reference_days;            /* for `step` */
    long skip_hours;                /* of the series, that nobody will look at: no rows */
};

struct draw_column {
    enum draw_table table;
    struct draw_law law;
    double phase;
    struct vg_grid *grid; /* of numbers: made by the first series, the reference */
};

struct draw_series {
    size_t hours;
    size_t first, drawn;               /* the hours first .. drawn - 1 have been drawn */
    struct vg_column_summary *windows; /* one an hour */
    uint32_t (*levels)[DRAW_LEVELS];   /* counts of a category's values an hour; NULL of numbers */
    uint16_t *steps;                   /* cells of each step, if they were wanted; NULL else */
    size_t cells;                      /* of one step */
    double *means;                     /* of each step, or the moved shares of each hour's values */
    const struct draw_drift *drift;
    size_t drift_from;
};

extern const struct draw_law
    draw_laws[]; /* iid ar harsh over walk storm step; name NULL at the end */
const struct draw_law *draw_law_find(const char *name);
/* Shares of the values of a category, or of value and null. */
size_t draw_shares(enum draw_table table, const double **shares);

/* Begins a series: its latent process, no rows yet; the first series of a column must be drawn to
 * its end at once. Ends the program when memory is short. with_steps: of numbers. */
void draw_begin(gsl_rng *rng, struct draw_column *column, const struct draw_plan *plan,
                bool with_steps, struct draw_series *out);
/* Draws the rows of the hours up to `hour`, exclusive, that were not yet. */
void draw_until(gsl_rng *rng, struct draw_column *column, struct draw_series *series, size_t hour);
/* All of a series. */
void draw_series(gsl_rng *rng, struct draw_column *column, const struct draw_plan *plan,
                 bool with_steps, struct draw_series *out);
void draw_series_free(struct draw_series *series);

#endif
