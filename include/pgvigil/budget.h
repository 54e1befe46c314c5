/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alarm policy `budget`: at most B false incidents a day of a dataset, learnt from the base
 * windows of its reference; layer 1 (the functions: agent/budget/, layer 3, pure).
 *
 * Two halves. vg_budget_calibrate() is a pure function of the reference's base windows; it makes a
 * model of the dataset and a part for each column, both kept as blobs with the reference version
 * and never changed. vg_budget_test() compares a column's last base windows with its part. A stream
 * is one test of one column; a test runs once per closed base window, at up to five look-backs.
 */
#ifndef PGVIGIL_BUDGET_H
#define PGVIGIL_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/summary.h"
#include "pgvigil/time.h"

enum {
    VG_BUDGET_SCALES = 5,       /* look-backs of 1, 2, 4, 8, 24 base windows */
    VG_BUDGET_LOOK = 24,        /* the longest, in base windows */
    VG_BUDGET_THIN = 30,        /* look-backs with fewer rows carry no test */
    VG_BUDGET_SLIGHT = 4,       /* a share that moved by so many rows is no alarm, whatever its p */
    VG_BUDGET_TOP = 50,         /* values of a category tested one by one */
    VG_BUDGET_LEAST = 14,       /* base windows of a reference; with fewer it is uncalibrated */
    VG_BUDGET_STREAMS = 3,      /* most streams of one column */
    VG_BUDGET_NEW_VALUES = 20,  /* most new values reported at once */
    VG_BUDGET_WINDOWS = 100000, /* the most base windows of a reference */
    VG_BUDGET_USUAL_ROWS = 1000000000 /* of what is expected: many, so that shares are exact */
};

/* --- Base windows and slots ------------------------------------------------------------------- */

/* Where a base window lies, in local time of its start. */
struct vg_budget_place {
    uint32_t of_day; /* window of the day, 0 .. base windows a day - 1 */
    uint32_t day;    /* of the week, 0 Monday .. 6 Sunday */
};
/* base_us: an hour or a divisor of it, 2, 3, 4, 6, 8, 12 hours, days or weeks. */
struct vg_budget_place vg_budget_place(const struct vg_zone *zone, int64_t base_us,
                                       int64_t start_us);
/* The starts of all base windows from the one that holds from_us up to to_us (exclusive), those
 * without rows too; *out is owned by the caller (free()). VG_E_LIMIT above VG_BUDGET_WINDOWS,
 * VG_E_MEMORY. */
int vg_budget_starts(const struct vg_zone *zone, int64_t base_us, int64_t from_us, int64_t to_us,
                     int64_t **out, size_t *n, struct vg_error *err) VG_MUST_CHECK;
/* The starts of the n base windows that end with the one starting at newest_us, oldest first. */
void vg_budget_starts_before(const struct vg_zone *zone, int64_t base_us, int64_t newest_us,
                             size_t n, int64_t *out);
/* The 200-row rule: the shortest of 1, 2, 3, 4, 6, 12 hours, else 24, whose median non-empty
 * window has 200 rows. rows: per hour, from the start of a local day on. -1 when out of memory. */
int vg_budget_base_hours(const uint64_t *rows, size_t n);

/* --- The model of a dataset ------------------------------------------------------------------- */

enum vg_budget_kind {
    VG_BUDGET_KS,     /* the distribution of numbers: value is D */
    VG_BUDGET_SPREAD, /* their variance inside the windows: value is a ratio of deviations */
    VG_BUDGET_LEVELS, /* the shares of a category's values: value is a difference of shares */
    VG_BUDGET_NULLS,  /* the null rate: value is a difference of shares */
    VG_BUDGET_KINDS
};
const char *vg_budget_kind_name(enum vg_budget_kind kind); /* "ks" "spread" "levels" "nulls" */

/* Why values of a column are not tested; its null rate is. */
enum vg_budget_reason {
    VG_BUDGET_TESTED,
    VG_BUDGET_CALENDAR,   /* one value per window, or the halves of the reference do not overlap */
    VG_BUDGET_IDENTIFIER, /* text whose 50 most frequent values hold less than half of the rows */
    VG_BUDGET_CROWDED,    /* text with more values in a base window than are counted */
    VG_BUDGET_UNCOUNTED,  /* the reference keeps no counts of it: kind, or private */
    VG_BUDGET_NO_VALUES,  /* all null in the reference */
    VG_BUDGET_NOT_FINITE, /* numbers of which the reference has none that is finite */
    VG_BUDGET_FEW_VALUES, /* the reference has fewer than VG_BUDGET_THIN */
    VG_BUDGET_REASONS
};
const char *vg_budget_reason_name(enum vg_budget_reason reason); /* "tested" "calendar" ... */

enum vg_budget_value {
    VG_BUDGET_NO_VALUE, /* the stream has no categories */
    VG_BUDGET_ONE,      /* the value `value_hash`, `label` */
    VG_BUDGET_OTHER,    /* the reference's other values together */
    VG_BUDGET_UNSEEN,   /* values that are not in the reference, together */
    VG_BUDGET_RARE,     /* the values expected fewer than five times, together */
    VG_BUDGET_NULL      /* null */
};

struct vg_budget_stream {
    enum vg_budget_kind kind;
    uint32_t column;     /* index into the model's columns */
    double level;        /* alarm when the smallest p over the look-backs is below it; may be 0 */
    double own;          /* its own level a_c, before alpha* */
    uint32_t days;       /* alarm-days in the replay at alpha_0 */
    double share;        /* of replayed windows with p below alpha_0 */
    bool not_stationary; /* the reference contradicts itself: its level, outside the total, keeps
                          * to three quarters of the alarm-days by itself; may be 0 */
    bool noisy;          /* would have used more than half of the budget: a stricter level */
    bool blind;          /* its smallest visible change is above D .5, share +.3, sd x4 */
    double visible;      /* the smallest visible change: D, rise of a share, ratio of deviations;
                          * INFINITY: none */
    enum vg_budget_value visible_of; /* of LEVELS: whose share that is, usually UNSEEN */
    double visible_top;              /* of LEVELS: the rise of the most frequent value that is seen;
                                      * INFINITY: none; else 0 */
};

struct vg_budget_column {
    char *name;
    enum vg_kind kind;
    enum vg_budget_reason reason;
    bool is_private;
    bool had_nulls; /* in the reference; also where it has too few rows to tell, like all_null */
    bool all_null;  /* whole windows of NULLs are nothing new: the reference has nothing else, or
                     * had them on more than A/2 days after its first value */
    /* The column that carries the null stream: itself, another one with equal null counts in every
     * reference window, or UINT32_MAX: no nulls in the reference. */
    uint32_t nulls_with;
    /* The rule "new value" holds; where not, how many values it would have reported in the second
     * half of the reference having learnt the first (0: the values were not counted). */
    bool new_values;
    uint32_t new_values_learnt;
};

/* Immutable once made. All arrays are owned. */
struct vg_budget {
    int64_t base_us;
    int64_t from_us; /* start of the first base window of the reference */
    uint32_t nwindows;
    double per_day;     /* W_d, below 1 for windows longer than a day */
    uint32_t gap;       /* base windows in 24 h, at least 1: alarms closer than it are one */
    uint32_t day_types; /* slots: 3 weekday, Saturday, Sunday; 2 weekday, weekend; 1 all days; 0 */
    uint32_t nslots;    /* max(1, per_day x day_types) */
    uint8_t *seen_thin; /* nslots: a reference window of this slot had fewer than 30 rows */
    uint32_t nscales;
    uint32_t scales[VG_BUDGET_SCALES];
    bool uncalibrated; /* fewer than VG_BUDGET_LEAST base windows: assumes independent rows */
    double budget;     /* B, false incidents a day */
    double alpha0, alpha_star;
    double allowed;       /* A = B T_ref, in alarm-days */
    uint32_t replay_days; /* alarm-days of the dataset in the replay, at the final levels */
    double share;         /* of replayed windows with any stream below its final level */
    /* False incidents a week to expect: 7 min(B, (replay_days + 1) / T_ref), as a level that just
     * keeps an event out lets about one more through in new data; 7 B when uncalibrated. */
    double expected_week;
    int64_t *struck; /* starts of the reference windows struck out as disasters, ascending */
    uint32_t nstruck;
    struct vg_budget_column *columns;
    uint32_t ncolumns;
    struct vg_budget_stream *streams; /* by column; of one column in the order of the kinds */
    uint32_t nstreams;                /* K_s */
};
void vg_budget_free(struct vg_budget *budget); /* NULL is fine */
/* The index of a column or stream, or -1. */
int vg_budget_find(const struct vg_budget *budget, const char *column);
int vg_budget_stream(const struct vg_budget *budget, uint32_t column, enum vg_budget_kind kind);
/* The smallest change that a stream alarms at: what it can see, and not below `least` (of struct
 * vg_budget_recent). In the unit of `visible`. */
double vg_budget_visible(const struct vg_budget_stream *stream,
                         const double least[VG_BUDGET_KINDS]);
/* The slot of a place. */
uint32_t vg_budget_slot(const struct vg_budget *budget, struct vg_budget_place place);

/* Blobs: version byte, payload, checksum. `out` is appended to. Reading checks everything and
 * needs nothing else. VG_E_STATE for a damaged or newer blob, VG_E_MEMORY. */
int vg_budget_write(const struct vg_budget *budget, struct vg_buf *out,
                    struct vg_error *err) VG_MUST_CHECK;
int vg_budget_read(const void *data, size_t size, struct vg_budget **out,
                   struct vg_error *err) VG_MUST_CHECK;

/* --- Calibration ------------------------------------------------------------------------------ */

/* A column under `budget`. */
struct vg_budget_input {
    const char *name;
    enum vg_kind kind;
    bool is_private; /* minimum, maximum and values in its summaries mean nothing */
};

struct vg_budget_feed;
struct vg_budget_task {
    const struct vg_zone *zone;
    int64_t base_us;
    double budget;         /* B, false incidents a day, > 0 */
    const int64_t *starts; /* of all base windows of the reference: vg_budget_starts() */
    size_t nwindows;       /* at least 1 */
    const struct vg_budget_input *columns;
    size_t ncolumns;
    /* Hands each base-window summary of a column to vg_budget_feed(), in time order; windows left
     * out are empty. Called two or three times per column, columns in order; must give the same
     * each time. 0 or -1. */
    int (*visit)(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err);
    /* Takes the blob of a column's part (borrowed), once per column, in order. 0 or -1. */
    int (*keep)(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err);
    /* Done so far, 0 .. 1; returning false stops with VG_E_CANCELLED. May be NULL. */
    bool (*progress)(void *arg, double done);
    void *arg;
};
/* What is read of a summary: rows, nulls, uncast, min, max, sum, m2, grid_id and coarse cells of
 * NUMBER (vg_column_coarsen() makes them), top of TEXT and BOOL. Numbers without cells in a window,
 * and categories without top, as private columns have them, are not tested but for their nulls. All
 * windows with values must be of one grid (VG_E_INTERNAL), their starts the task's and in order
 * (VG_E_INTERNAL). */
int vg_budget_feed(struct vg_budget_feed *feed, int64_t start_us,
                   const struct vg_column_summary *summary, struct vg_error *err) VG_MUST_CHECK;
/* Steps 2 to 9 and 11 of the policy. *out is owned by the caller. Keeps about one column's cells
 * (windows x 400 x 8 bytes, twice) and a double per stream and window: 11 MiB for 100 columns of
 * 28 days of hours. Errors: of the
 * callbacks, VG_E_MEMORY, VG_E_CANCELLED, VG_E_LIMIT (above 100 000 windows, or 2^53
 * rows). */
int vg_budget_calibrate(const struct vg_budget_task *task, struct vg_budget **out,
                        struct vg_error *err) VG_MUST_CHECK;

/* --- The part of a column, and the test of its last base windows ------------------------------ */

/* What a column was in each slot; immutable. Numbers take 0.25 MiB for 72 slots and 200 thresholds,
 * a category up to 0.1 MiB; reading its blob takes 0.2 ms. */
struct vg_budget_part;
/* VG_E_STATE for a damaged or newer blob, VG_E_MEMORY. */
int vg_budget_part_read(const void *data, size_t size, struct vg_budget_part **out,
                        struct vg_error *err) VG_MUST_CHECK;
void vg_budget_part_free(struct vg_budget_part *part);
/* The grid on which its numbers must be counted; 0: it has none. */
uint64_t vg_budget_part_grid(const struct vg_budget_part *part);

/* A base window as the part of its column counts it, for who looks at it again with later ones. */
struct vg_budget_counts;
/* NULL when out of memory. */
struct vg_budget_counts *vg_budget_count(const struct vg_budget_part *part,
                                         const struct vg_column_summary *window) VG_MUST_CHECK;
void vg_budget_counts_free(struct vg_budget_counts *counts); /* NULL is fine */

/* The last base windows of a column, oldest first, the one just closed last, without gaps: NULL
 * for a window without rows, or that was not read. starts: as vg_budget_starts_before() gives
 * them. The test uses the last VG_BUDGET_LOOK, look-backs longer than n are left out. */
struct vg_budget_recent {
    const struct vg_zone *zone;
    const int64_t *starts;
    const struct vg_column_summary *const *windows;
    size_t n;
    /* Of the windows, by the part they are tested with; NULL, or NULL for one: not known yet. */
    const struct vg_budget_counts *const *counts;
    bool terse;                    /* of what is no alarm nothing is asked but that */
    double least[VG_BUDGET_KINDS]; /* effects below it are slight: D, |ratio - 1|, |difference|;
                                    * 0: none is */
};

enum vg_budget_look {
    VG_BUDGET_LOOKED,
    VG_BUDGET_FEW_ROWS,   /* every look-back has fewer than VG_BUDGET_THIN rows, or no spread */
    VG_BUDGET_OTHER_GRID, /* a window was counted on another grid than the reference */
    VG_BUDGET_NOT_COUNTED /* a window with values came without their counts, or with a sample */
};

/* What a test of one stream found. Alarm: p < level, unless slight. A blind stream, or one that is
 * not stationary, has a level too: what to make of it is the caller's. Of a terse test p may be any
 * that is not below the level where none is; limit, n_ref and direction are unknown then. */
struct vg_budget_found {
    uint32_t stream; /* index into the model's streams */
    enum vg_budget_look look;
    double p;     /* the smallest over the look-backs, 1 where none was tested */
    double level; /* of the stream */
    /* p < level and no alarm: a share that moved by at most VG_BUDGET_SLIGHT rows; an effect below
     * `least`; a spread in a look-back of less than half the usual rows that keeps to what such
     * look-backs of the reference show. Where another look-back is none of these and has p below
     * the level, it is what was found. */
    bool slight;
    uint32_t scale; /* the look-back of that p, in base windows; 0: none */
    /* NAN unless looked: D; a ratio of standard deviations; a difference of shares (signed). */
    double value;
    /* What the level corresponds to at this n, with the sign or side of value: p < level exactly
     * where value lies beyond it; INFINITY (0 for a ratio below 1) where nothing does. */
    double limit;
    double effect;       /* KS: D; spread: value - 1; shares: value */
    double n_now, n_ref; /* rows of the look-back, of the reference at these hours */
    double expected;     /* the share, or 1 for a ratio; NAN for KS */
    int direction;       /* 1 up or larger, -1 down or smaller, 0 neither */
    enum vg_budget_value which;
    uint64_t value_hash;
    const char *label; /* borrowed from the part; NULL unless which is VG_BUDGET_ONE */
};
/* Tests each stream of a column: up to VG_BUDGET_STREAMS into out, *n of them, in the order of the
 * model's streams. VG_E_MEMORY; VG_E_INTERNAL where part and model do not fit. */
int vg_budget_test(const struct vg_budget *budget, uint32_t column,
                   const struct vg_budget_part *part, const struct vg_budget_recent *recent,
                   struct vg_budget_found *out, size_t *n, struct vg_error *err) VG_MUST_CHECK;
/* How many coarse cells (2k+1) its numbers are counted in; 0: none. */
size_t vg_budget_part_cells(const struct vg_budget_part *part);
/* The coarse cells of the last `scale` windows and what was expected in them, as many numbers each
 * as the part has cells: for PSI, Wasserstein-1 and the like. false: no such grid or counts. */
bool vg_budget_expected(const struct vg_budget *budget, const struct vg_budget_part *part,
                        const struct vg_budget_recent *recent, size_t scale, double *expected,
                        double *now);
/* The shares of its coarse cells, as many as the part has, at the hours of a place. false: no
 * numbers. */
bool vg_budget_usual(const struct vg_budget *budget, const struct vg_budget_part *part,
                     struct vg_budget_place place, double *shares);
/* The share of NULLs at the hours of a place; NAN: that of this column is not tested. */
double vg_budget_usual_nulls(const struct vg_budget *budget, const struct vg_budget_part *part,
                             struct vg_budget_place place);
/* The values of the whole reference, each as often, of VG_BUDGET_USUAL_ROWS, as at the hours of a
 * place; as below. */
int vg_budget_usual_values(const struct vg_budget *budget, const struct vg_budget_part *part,
                           struct vg_budget_place place, const struct vg_top *whole,
                           struct vg_top **out, struct vg_error *err) VG_MUST_CHECK;
/* The values of the whole reference, each as often, of VG_BUDGET_USUAL_ROWS, as is expected at the
 * hours of the last `scale` windows: a value that is tested alone in its share at these hours, the
 * others in theirs together. 1: *out is the caller's, to be freed with a summary that holds it; 0:
 * no values were counted; -1: VG_E_MEMORY. */
int vg_budget_expected_values(const struct vg_budget *budget, const struct vg_budget_part *part,
                              const struct vg_budget_recent *recent, size_t scale,
                              const struct vg_top *whole, struct vg_top **out,
                              struct vg_error *err) VG_MUST_CHECK;

/* --- Hard rules: outside the budget, no statistics -------------------------------------------- */

/* 100 % null in a window with rows, though not so in the reference but on a few days. */
bool vg_budget_all_null(const struct vg_budget_column *column,
                        const struct vg_column_summary *window);
/* A null in a column without nulls in the reference. */
bool vg_budget_first_null(const struct vg_budget_column *column,
                          const struct vg_column_summary *window);
/* A window here without rows breaks the rule: in the reference this slot always had
 * VG_BUDGET_THIN rows or more. A slot of a handful of rows is empty by chance now and then. */
bool vg_budget_must_have_rows(const struct vg_budget *budget, struct vg_budget_place place);

struct vg_budget_new_values {
    struct vg_budget_new_value {
        uint64_t hash;
        const char *label; /* borrowed from the newest window that holds it */
        uint64_t count;
        double share; /* of the rows with a value */
    } items[VG_BUDGET_NEW_VALUES];
    size_t n;
};
/* Values absent from the reference that hold at least 1 % and 5 of the at least 30 rows of `recent`
 * (here the base windows of the last 24 h, as many as they are), largest first (ties by hash),
 * without those in `told` (hashes already reported). Always none where column->new_values is false,
 * or a window was not counted in full. -1 VG_E_MEMORY. */
int vg_budget_find_new_values(const struct vg_budget_column *column,
                              const struct vg_budget_part *part,
                              const struct vg_budget_recent *recent, const uint64_t *told,
                              size_t ntold, struct vg_budget_new_values *out,
                              struct vg_error *err) VG_MUST_CHECK;

#endif
