/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile of a table: what rules can be suggested from; layer 3, pure.
 *
 * Rows come in the order of the time column and are counted window by window by the tally. Of each
 * window a few figures stay, of all rows one summary: memory depends on the columns and on the
 * number of windows. Rows are never kept, but for a sample of the open window.
 */
#ifndef PGVIGIL_AGENT_PROFILE_H
#define PGVIGIL_AGENT_PROFILE_H

#include "pgvigil/batch.h"
#include "pgvigil/catalog.h"
#include "pgvigil/mem.h"
#include "pgvigil/result.h"
#include "pgvigil/summary.h"

enum {
    VG_PROFILE_FEW = 30,          /* most values of a number that are listed */
    VG_PROFILE_LEAST = 50,        /* rows of a window whose shares and values count as evidence */
    VG_PROFILE_DRIFT_LEAST = 200, /* rows of a window that is compared with the reference */
    VG_PROFILE_DAYS = 35,         /* longest reference */
    VG_PROFILE_WINDOWS = 1 << 18, /* most windows */
    VG_PROFILE_KEY = 8,           /* most columns of a key */
    VG_PROFILE_PAIRS = 100        /* most pairs of columns that are compared */
};

/* The share of rows of some sort, over the windows with at least VG_PROFILE_LEAST rows. */
struct vg_profile_share {
    size_t windows;
    double least, most;  /* meaningless without windows */
    uint64_t hits, rows; /* of the window with the largest share */
};

/* Sorts of characters. */
enum {
    VG_PROFILE_UPPER = 1, /* A-Z */
    VG_PROFILE_LOWER = 2, /* a-z */
    VG_PROFILE_DIGIT = 4, /* 0-9 */
    VG_PROFILE_REST = 8
};
/* Parts of the time column that a number may repeat. */
enum vg_profile_part {
    VG_PROFILE_HOUR,
    VG_PROFILE_MINUTE,
    VG_PROFILE_ISODOW, /* 1 Monday to 7 */
    VG_PROFILE_DOW,    /* 0 Sunday to 6 */
    VG_PROFILE_PARTS
};
struct vg_profile_text {
    uint64_t blank;   /* empty, or white space only */
    unsigned sorts;   /* of characters seen */
    uint64_t formats; /* bit i: every text is of format i of checks/formats.def */
};

struct vg_profile_column {
    const struct vg_catalog_column *column;
    struct vg_column_summary *total;           /* of all rows; NULL: not counted */
    struct vg_profile_share nulls, zeros, odd; /* odd: NaN and infinities */
    struct vg_profile_share trues; /* of windows with half of the rows of those before, or more */
    size_t windows, single; /* with VG_PROFILE_LEAST values; of them those where all are the same */
    double top_most;        /* largest share of a window's rows with one category */
    struct vg_profile_share stddev; /* least and most of windows with 200 numbers */
    double distinct_least;          /* fewest distinct values of such a window; NAN unknown */
    /* Of a number: whole numbers between the smallest and the largest of a window that are none of
     * its values, if all its values are different. */
    struct vg_profile_share holes;
    unsigned parts;      /* bit i: it is enum vg_profile_part i of the time column in every row */
    uint64_t parts_rows; /* in which this was seen; meaningless when no bit is left */
    bool rises;          /* each window lies wholly above the one before */
    uint64_t ahead;      /* of a time: values later than the end of their window */
    size_t nfew;         /* distinct numbers; VG_PROFILE_FEW + 1: more */
    double few[VG_PROFILE_FEW];
    uint64_t few_rows[VG_PROFILE_FEW];
    struct vg_profile_text text;
    bool novel_known;
    bool vanishes; /* some later window lacked a category of 1 % of the rows */
    double novel;  /* largest share of a later window's rows with a category new in it */
    /* Distance D of the reference's windows with VG_PROFILE_DRIFT_LEAST values from all of them. */
    double *d; /* per window compared, in time order */
    struct vg_window *compared;
    size_t nd;
};

struct vg_profile_window {
    int64_t start_us;
    uint64_t rows; /* at least 1 */
};

/* Two columns, by their places in the profile, and what no row broke: texts a and b are not equal;
 * with `threshold`, number b is at least `from` where boolean a is true, at most `below` elsewhere.
 */
struct vg_profile_pair {
    size_t a, b;
    bool threshold, broken;
    uint64_t rows, trues; /* with values in both; meaningless when broken */
    double below, from;
};

struct vg_profile {
    const char *connection, *table, *dataset; /* as written; the dataset's name */
    const char *timezone;                     /* to be written into the file, or NULL */
    const struct vg_zone *zone;
    const struct vg_catalog *catalog;
    const struct vg_catalog_column *time; /* NULL: a state */
    const char *key[VG_PROFILE_KEY];
    size_t nkey;
    const char *key_why;
    int64_t window_us;
    uint64_t hour_median;       /* rows of an hour of the newest two weeks */
    struct vg_window range;     /* whole windows that were read */
    struct vg_window reference; /* whole days; the oldest of the range */
    int64_t made_us;
    uint64_t rows;
    int64_t oldest_us, newest_us;
    int64_t left_before_us;            /* rows before it were left out, 0: none were */
    int64_t gap_us;                    /* longest time between two rows that follow each other */
    struct vg_profile_window *windows; /* with rows, in time order */
    size_t nwindows;
    /* Per hour of the local day, over the days: fewest and most rows. Without a time column 0. */
    uint64_t hour_least[24];
    size_t hour_days; /* whole days in which they were counted */
    struct vg_profile_column *columns;
    size_t ncolumns;
    struct vg_profile_pair *pairs; /* of the columns that were counted first */
    size_t npairs;
};

/* The column that says when a row came, or NULL: the table is a state. */
const struct vg_catalog_column *vg_profile_time(const struct vg_catalog *catalog);
/* An hour if an hour has 200 rows in the median, hours without rows included, else a day. */
int64_t vg_profile_window_us(const struct vg_catalog_column *time, uint64_t hour_median);
/* The oldest days of a range of whole windows: all of up to 35, else a calendar month where it
 * begins with one, else four weeks. Half-open; whole local days. */
struct vg_window vg_profile_reference(const struct vg_zone *zone, const struct vg_window *range);
/* Whether a column says by its name what should not be shown. */
bool vg_profile_sounds_private(const char *name);
/* Rows of the windows with rows, in the median. */
uint64_t vg_profile_median(const struct vg_profile *profile);
bool vg_profile_is_key(const struct vg_profile *profile, const char *column);
const struct vg_profile_column *vg_profile_find(const struct vg_profile *profile,
                                                const char *column);

/* --- Counting --------------------------------------------------------------------------------- */

/* Columns first .. first + n - 1 of a profile that has its time, window, range and reference. The
 * windows, gaps and hours are counted with the first columns. */
struct vg_collect_spec {
    struct vg_profile *profile;
    struct vg_arena *arena; /* of the profile */
    size_t first, n;
    const size_t *source; /* of each column, in the batch */
    size_t time;          /* in the batch; VG_TALLY_NONE without a time column */
};
struct vg_collect;

/* VG_E_MEMORY, VG_E_LIMIT for more than VG_PROFILE_WINDOWS windows. */
int vg_collect_new(const struct vg_collect_spec *spec, struct vg_collect **out,
                   struct vg_error *err) VG_MUST_CHECK;
/* Rows in the order of the time column, none without a time. */
int vg_collect_add(struct vg_collect *collect, const struct vg_batch *batch,
                   struct vg_error *err) VG_MUST_CHECK;
/* After the last row: totals and distances are in the profile. */
int vg_collect_finish(struct vg_collect *collect, struct vg_error *err) VG_MUST_CHECK;
void vg_collect_free(struct vg_collect *collect); /* NULL is fine */
/* Bytes that a column of this kind takes while it is counted; windows: of the reference. */
size_t vg_collect_bytes(enum vg_kind kind, size_t windows);
/* Frees the totals. */
void vg_profile_clear(struct vg_profile *profile);

/* --- Distances -------------------------------------------------------------------------------- */

enum { VG_POINTS = 128 };
/* The values of one window as at most VG_POINTS quantiles of equal weight. */
struct vg_points {
    struct vg_window window;
    uint64_t rows;
    uint32_t n;
    double *q; /* ascending */
};
/* D of each from the mixture of all, weighted by rows; right to about 1 / n. VG_E_MEMORY. */
int vg_points_distances(const struct vg_points *points, size_t n, double *d,
                        struct vg_error *err) VG_MUST_CHECK;

/* --- Texts ------------------------------------------------------------------------------------ */

void vg_profile_text_begin(struct vg_profile_text *text);
void vg_profile_text_add(struct vg_profile_text *text, struct vg_slice value);
/* The most telling format that all texts have, or NULL. */
const char *vg_profile_text_format(const struct vg_profile_text *text);

#endif
