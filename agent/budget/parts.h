/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the budget share with one another and with nobody else; layer 3, pure.
 *
 * A series is a column's base windows in time order, as one kind of stream sees them. A fit is what
 * a stream learns from a series; it judges other series, or the one it will be compared with.
 */
#ifndef PGVIGIL_AGENT_BUDGET_PARTS_H
#define PGVIGIL_AGENT_BUDGET_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/budget.h"

/* --- slots.c: what all streams of a dataset share --------------------------------------------- */

struct vg_calendar {
    double per_day;
    uint32_t types, nslots, nscales;
    uint32_t scales[VG_BUDGET_SCALES];
};
/* Finest slots with at least 4 windows each; look-backs of up to 1/28 of the windows. */
void vg_calendar_of(const struct vg_budget_place *places, size_t n, double per_day,
                    struct vg_calendar *out);
struct vg_calendar vg_calendar_read(const struct vg_budget *budget);
uint32_t vg_calendar_slot(const struct vg_calendar *calendar, struct vg_budget_place place);
/* The most days that a look-back touches the same slot; 1 and s where there are none. */
double vg_calendar_repeats(const struct vg_calendar *calendar, uint32_t scale);
double vg_budget_per_day(int64_t base_us);
void vg_calendar_set(struct vg_budget *budget, const struct vg_calendar *calendar);
struct vg_blob;
/* model.c: a calendar as bytes; reading one that is none sets `bad`. */
void vg_calendar_put(const struct vg_calendar *calendar, struct vg_buf *out);
void vg_calendar_get(struct vg_blob *blob, struct vg_calendar *out);

/* --- series.c --------------------------------------------------------------------------------- */

/* Borrowed arrays; counts as doubles, exact up to 2^53. */
struct vg_series {
    size_t n;             /* windows */
    const uint32_t *slot; /* n */
    const double *rows;   /* n: those that count for this kind of stream */
    const double *cells;  /* n x width: KS: rows below each place of the curve; shares: per level */
    size_t width;
    const double *m2; /* n, of spread: sum of squared deviations */
};
/* The windows from .. to of a series. */
struct vg_series vg_series_part(const struct vg_series *series, size_t from, size_t to);
/* Rows of the look-back of `scale` windows that ends with window w. */
double vg_series_rows(const struct vg_series *series, size_t w, uint32_t scale);

/* Rows by slot: what the error and the self-inclusion of a reference are made of. */
struct vg_basis {
    struct vg_calendar calendar;
    double *slot_rows, *slot_windows; /* nslots; windows: the non-empty ones */
    double rows, windows;
};
/* In arena. 0, or -1 when out of memory. */
int vg_basis_fit(const struct vg_series *series, const struct vg_calendar *calendar,
                 struct vg_arena *arena, struct vg_basis *out);
/* Step 3: N and R of a look-back. */
struct vg_noise {
    double n, r;
};
struct vg_noise vg_basis_noise(const struct vg_basis *basis, const struct vg_series *series,
                               size_t w, uint32_t scale);
/* Step 3: 1 - f, for a look-back of the fitted series itself. */
double vg_basis_others(const struct vg_basis *basis, const struct vg_series *series, size_t w,
                       uint32_t scale);

/* --- order.c ---------------------------------------------------------------------------------- */

/* The q-quantile of n >= 1 sorted values, interpolated (R type 7). */
double vg_sorted_quantile(const double *sorted, size_t n, double q);
/* Median, after sorting; NAN for none. */
double vg_find_median(double *x, size_t n);

/* --- fit_ks.c: steps 2 to 4 ------------------------------------------------------------------- */

/* Memory that fits use again and again; freed by vg_work_free(). */
struct vg_work {
    double *x;
    size_t x_size;
    double *y;
    size_t y_size;
};
int vg_work_grow(struct vg_work *work, size_t x, size_t y);
void vg_work_free(struct vg_work *work);

struct vg_fit_ks {
    struct vg_basis basis;
    size_t width;
    double *curve;                  /* nslots x width */
    double deff[VG_BUDGET_SCALES];  /* 0: not tested at this scale */
    double sight[VG_BUDGET_SCALES]; /* median effective rows of the fitted look-backs */
};
/* independent: rows do not resemble each other, deff is 1 (a reference too short to learn it). */
int vg_fit_ks(const struct vg_series *series, const struct vg_calendar *calendar, bool independent,
              struct vg_arena *arena, struct vg_work *work, struct vg_fit_ks *out);
/* D (may be NULL) and p of every look-back of `scale` index i that ends with one of the windows
 * first ..; NAN where it is too short or thin. n values each. */
int vg_fit_ks_judge(const struct vg_fit_ks *fit, const struct vg_series *series, size_t first,
                    struct vg_work *work, double *d[VG_BUDGET_SCALES], double *p[VG_BUDGET_SCALES]);
double vg_fit_ks_effective(const struct vg_fit_ks *fit, size_t scale, struct vg_noise noise);
/* The smallest D that is an alarm with so many effective rows. */
double vg_sight_distance(double effective, double level);
double vg_fit_ks_visible(const struct vg_fit_ks *fit, double level);

/* --- fit_spread.c: step 5 --------------------------------------------------------------------- */

struct vg_fit_spread {
    uint32_t nscales;
    uint32_t scales[VG_BUDGET_SCALES];
    double c[VG_BUDGET_SCALES], g[VG_BUDGET_SCALES]; /* g 0: not tested at this scale */
    double w[VG_BUDGET_SCALES];
    /* Look-backs that weigh less than `few`, half the median, vary by `thin`; 0: the reference has
     * too few of them to tell. No part of p. */
    double few[VG_BUDGET_SCALES], thin[VG_BUDGET_SCALES];
};
int vg_fit_spread(const struct vg_series *series, const struct vg_calendar *calendar,
                  struct vg_work *work, struct vg_fit_spread *out);
/* The log of the mean variance of a look-back; NAN where it has none. */
double vg_spread_level(const struct vg_series *series, size_t w, uint32_t scale);
/* The rows that its variance rests on, less one per window. */
double vg_spread_weight(const struct vg_series *series, size_t w, uint32_t scale);
double vg_fit_spread_p(const struct vg_fit_spread *fit, size_t scale, double level);
/* The ratio of deviations (>= 1) that the level corresponds to at this scale. */
double vg_fit_spread_limit(const struct vg_fit_spread *fit, size_t scale, double level);
double vg_fit_spread_visible(const struct vg_fit_spread *fit, double level);

/* --- fit_counts.c: step 6 --------------------------------------------------------------------- */

struct vg_fit_counts {
    struct vg_basis basis;
    size_t levels;
    bool single;    /* of two levels only the last is tested */
    size_t ntested; /* 1, or levels + 1: the last are the rare ones together */
    double *share;  /* nslots x levels */
    double *whole;  /* ntested at most: shares of the whole reference, slot by slot */
    double *phi[VG_BUDGET_SCALES];  /* ntested; NULL: not tested at this scale */
    double rows[VG_BUDGET_SCALES];  /* N_s */
    double sight[VG_BUDGET_SCALES]; /* median rows of the fitted look-backs; NAN: none */
};
/* independent: phi is 1, as above. */
int vg_fit_counts(const struct vg_series *series, const struct vg_calendar *calendar,
                  bool independent, struct vg_arena *arena, struct vg_work *work,
                  struct vg_fit_counts *out);
/* One look-back, level by level; arrays of ntested. */
struct vg_counts_look {
    struct vg_noise noise;
    double *now, *mean; /* counts found and expected */
    double *variance;
    double *p, *z;   /* NAN: not tested */
    size_t tested;   /* how many are */
    double smallest; /* min(1, tested x smallest p); 1 without any */
    size_t level;    /* the one with the smallest p */
    double slight;   /* levels that moved by no more rows are not chosen; -1: all may be */
    double asked;    /* where `smallest` is not below this, it may be any p that is not; 1: exact */
    double least;    /* nor those whose share moved by less */
};
int vg_counts_look_init(struct vg_counts_look *look, size_t ntested, struct vg_arena *arena);
void vg_fit_counts_judge(const struct vg_fit_counts *fit, const struct vg_series *series, size_t w,
                         size_t scale, struct vg_counts_look *look);
double vg_fit_counts_rho(const struct vg_fit_counts *fit, size_t scale, size_t level);
/* The smallest rise of one level's share that is seen, and of any: *of says of which. */
double vg_fit_counts_visible_of(const struct vg_fit_counts *fit, double level, size_t j);
double vg_fit_counts_visible(const struct vg_fit_counts *fit, double level, size_t *of);

/* --- replay.c: step 8, the p of a stream over the reference ----------------------------------- */

/* The smallest p over the scales of each window, n of them, each half judged by the fit of the
 * other. cells, rows, m2 as the kind needs them. 0, or -1 when out of memory. */
int vg_replay_stream(enum vg_budget_kind kind, const struct vg_series *series,
                     const struct vg_calendar *calendar, struct vg_work *work, double *p);

/* --- levels.c: step 8, levels out of the replayed p ------------------------------------------- */

struct vg_replayed {
    const double *const *p; /* per stream, n windows */
    size_t nstreams, n;
    double alpha0, allowed;
    uint32_t gap;
};
/* The most windows of `alarm` that lie gap or more apart. */
uint32_t vg_alarm_days(const bool *alarm, size_t n, uint32_t gap);
/* Marks the reference windows struck out as disasters; returns how many, or -1 out of memory. */
int vg_find_disasters(const struct vg_replayed *replayed, bool *struck);
/* Fills level, own, days, share, not_stationary, noisy of nstreams streams, and alpha*; the alarm
 * days and share of windows in alarm of the dataset at the final levels. -1 out of memory. */
struct vg_levels {
    double alpha_star, share;
    uint32_t days;
};
int vg_find_levels(const struct vg_replayed *replayed, struct vg_budget_stream *streams,
                   struct vg_levels *out);

/* --- exclude.c -------------------------------------------------------------------------------- */

/* What tells a calendar column, fed window by window. */
struct vg_calendar_column {
    size_t windows, half;    /* of the reference; the first `half` are its first half */
    bool any, several, full; /* values at all, more than one in all, a window of 30 rows */
    bool one_each;           /* every such window holds one value */
    double first;            /* a value */
    bool ranged;             /* ranges are known in every window */
    bool has[2];
    double lo[2], hi[2];
};
void vg_calendar_column_begin(struct vg_calendar_column *column, size_t windows);
/* A window with rows > 0 values between lo and hi. */
void vg_calendar_column_add(struct vg_calendar_column *column, size_t window, double rows,
                            double lo, double hi);
bool vg_calendar_column_is(const struct vg_calendar_column *column);

#endif
