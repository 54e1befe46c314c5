/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measurements and results; layer 1. */
#ifndef PGVIGIL_RESULT_H
#define PGVIGIL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/rule.h"

enum vg_verdict { VG_PASS, VG_NODATA, VG_WARN, VG_UNKNOWN, VG_FAIL }; /* as pgvigil_check_status */
const char *vg_verdict_name(enum vg_verdict verdict);

enum vg_unit { VG_UNIT_NONE, VG_UNIT_RATIO, VG_UNIT_COUNT, VG_UNIT_SECONDS, VG_UNIT_ROWS };
const char *vg_unit_name(enum vg_unit unit);
enum { VG_VALUE_TEXT = 48 };
/* A value for people, about `digits` significant digits: "0.384", "3458", "9.02h". Returns out. */
char *vg_value_text(double value, enum vg_unit unit, int digits, char out[VG_VALUE_TEXT]);

enum { VG_WHY = 240 };

struct vg_window {
    int64_t start_us, end_us;
    bool repeated; /* holds a wall-clock hour twice */
};

/* One of several statistics behind one verdict. */
struct vg_reading {
    const char *statistic; /* "ks", "spread", "levels", "nulls" */
    double value, limit, p_value, level;
    double visible; /* the smallest change that can be seen in a day */
};

/* What a check found; no opinion. NAN marks numbers that do not apply. */
struct vg_measure {
    const struct vg_rule *rule;
    const char *segment;  /* or NULL */
    enum vg_verdict look; /* VG_PASS: looked; VG_NODATA or VG_UNKNOWN: could not, `why` says it */
    enum vg_verdict at_most; /* VG_FAIL usually; VG_WARN where a breach only warns */
    double value;
    bool bounded;
    double lo, hi; /* bounds of the exact value */
    double effect, p_value;
    double n_now, n_ref;  /* rows it rests on; n_now counts against min_rows */
    int direction;        /* -1 down, 0 none, 1 up */
    double limit;         /* what fails above it where the rule has no limit of its own, or NAN */
    bool is_time;         /* value, bounds and limits are microseconds since 1970 */
    uint64_t fingerprint; /* of what the rule saw in the window, to be kept; 0: none */
    double level;         /* of policy budget: p below it fails; NAN without */
    bool slight;          /* of policy budget: too small, or of too few rows, to fail whatever p */
    bool standing;        /* with VG_NODATA: so until the reference is another one */
    int resolve_after;    /* default of the rule's; 0: the contract's */
    const struct vg_reading *readings; /* all statistics behind the rule, in the arena of the
                                        * measures; of its first measure */
    size_t nreadings;
    const char *const *keys; /* of offending rows, in the arena of the measures; where the check
                              * found them itself and they are not private */
    size_t nkeys;
    char why[VG_WHY]; /* one sentence, no row values */
};
struct vg_measures {
    struct vg_arena *arena;
    struct vg_measure *items;
    size_t n, size;
    bool terse; /* of what passes, or has no data, nothing is asked but that: words may be empty,
                 * and numbers that no verdict rests on NAN */
};
/* A new zeroed measure for rule with NANs, look PASS, at_most FAIL; NULL when out of memory. To be
 * filled before the next is added. */
struct vg_measure *vg_measure_add(struct vg_measures *measures, const struct vg_rule *rule);
/* A measure that could not look. 0, or -1 out of memory. */
int vg_measure_skip(struct vg_measures *measures, const struct vg_rule *rule, enum vg_verdict look,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* How a column's values differ from the reference's, for people. */
enum vg_story_shape {
    VG_STORY_HIGHER,
    VG_STORY_LOWER,
    VG_STORY_WIDER,
    VG_STORY_NARROWER,
    VG_STORY_OTHER,
    VG_STORY_LEVEL,
    VG_STORY_NULLS
};
const char *vg_story_shape_name(enum vg_story_shape shape);
enum { VG_STORY_QUANTILES = 3 }; /* of 10, 50 and 90 % */
/* A part of the distribution, and its share of the rows. */
struct vg_story_part {
    double from, to;        /* values; infinite at the ends, NAN where they are private */
    bool one;               /* the value `from` alone */
    double lowest, highest; /* of the reference, the shares of values below and up to its end */
    double then, now;
};
struct vg_story {
    enum vg_story_shape shape;
    double then[VG_STORY_QUANTILES], now[VG_STORY_QUANTILES]; /* NAN: not numbers, or private */
    struct vg_story_part gained, lost; /* of numbers: where most rows came, and where from */
    const char *level;                 /* a category's value; NULL: not shown */
    const char *together;              /* values that were tested together, or NULL */
    bool unseen;                       /* the reference never saw it: all such values together */
    double level_then, level_now;      /* of it, or of NULLs: share of the rows */
    double share;                      /* at least so many of the rows are others than they were */
    const char *segment;               /* whose rows changed most, or NULL */
    double segment_share;
    int64_t since_us; /* start of the first window like this one; VG_NEVER: not known */
    bool earlier;     /* that is as far back as is kept */
};

/* After judge. Ids and copied text in the cycle's arena; no pointer into rules. */
struct vg_result {
    const char *rule, *check, *column, *segment; /* column, segment may be NULL */
    enum vg_class class;
    enum vg_cadence cadence;
    enum vg_verdict verdict;
    enum vg_severity severity;
    enum vg_unit unit;
    double value;
    bool bounded;
    double lo, hi;
    double limit, warn_limit;                /* NAN: none */
    double p_value, level, effect, n, n_ref; /* NAN: does not apply */
    bool by_p;                               /* its policy judges p, not the value */
    bool standing; /* with VG_NODATA: so until the reference is another one; no input of an alert */
    const struct vg_reading *readings;
    size_t nreadings;
    int direction;
    uint64_t fingerprint;         /* of what it saw in the window, to be kept; 0: none */
    const char *why;              /* always set */
    const struct vg_story *story; /* of drift that fails or warns, or NULL; `why` ends with it */
    const char *description, *runbook; /* or NULL */
    const char *file;
    uint32_t line;
    const char *const *keys;
    size_t nkeys; /* first offending keys; empty when private */
    /* what the alert machine needs of the rule */
    int after, resolve_after; /* defaults resolved */
    int64_t blind_after_us;
    struct vg_strings to, warn_to;
    const char *was; /* or NULL */
    /* Name of the reference it was judged against, where it is not the first; or NULL. */
    const char *against;
    /* Of drift, where the file names predictions or importances: what people read first. */
    bool prediction;          /* of a column that holds the model's output */
    double moved, importance; /* share of rows that are elsewhere, weight; NAN: not known */
    int rank;                 /* among the features, 1: first; 0: none */
};

/* A column that has moved: D of a number, total variation of a category, both shares of rows. */
struct vg_moved {
    const char *column;
    bool prediction;
    double moved, importance, score; /* score: by what features are ranked; NAN: not known */
    int rank;                        /* among the features, 1: first */
};
/* The model's output in the window beside the reference's. NAN: not known, or private. */
struct vg_predicted_class {
    const char *label;
    double now, then; /* shares */
};
struct vg_predicted {
    const char *column;
    enum vg_prediction kind;
    double mean, mean_then;
    struct vg_predicted_class *classes; /* the most frequent of the window and the reference */
    size_t nclasses;
};

enum { VG_UNTIMED_MOST = 100000 };

/* What `limits` names; how often each was reached in a cycle. */
enum vg_limit {
    VG_LIMIT_COST,
    VG_LIMIT_ROWS,
    VG_LIMIT_COLUMNS,
    VG_LIMIT_SEGMENTS,   /* values that are in the segment other */
    VG_LIMIT_CATEGORIES, /* columns with more values than are counted */
    VG_LIMITS
};
const char *vg_limit_name(enum vg_limit limit);
struct vg_reached {
    bool looked; /* there is a limit, and it was compared with */
    uint64_t n;  /* how often, or by how much, as above; 0: not */
};
/* The rows of one segment, all of its rows. */
struct vg_cycle_segment {
    const char *name; /* "column=value" */
    const struct vg_summary *summary;
};

/* Everything one cycle of one dataset found. In the cycle's arena. */
struct vg_cycle {
    const char *dataset, *model, *connection; /* model may be NULL */
    enum vg_role role;
    const char *owner, *runbook;
    int64_t due_us, now_us; /* due time of the cycle, clock when it ran */
    bool ticked;            /* live checks were run */
    bool has_window;        /* a window was read (maybe empty) */
    struct vg_window window;
    bool empty;      /* the window held no rows */
    bool late;       /* the window had been committed empty and was filled after its time */
    bool unreadable; /* given up on: rules unknown */
    bool revisited;  /* `window` was read again; has_window is false: its rules are not judged */
    bool unchanged;  /* the window was not read, as the table stands still; has_window is false */
    uint64_t rows;
    int64_t newest_us; /* newest time <= now, VG_NEVER unknown */
    uint64_t late_rows;
    bool has_late_rows;        /* growth of the window before */
    bool has_expected;         /* there is a budget that is calibrated */
    double expected_week;      /* false incidents a week to expect of it */
    bool has_untimed;          /* of the whole table, counted up to VG_UNTIMED_MOST each */
    uint64_t untimed_rows;     /* time is NULL or infinite: of no window */
    uint64_t future_rows;      /* time is after now */
    const char *sample;        /* "10 %" ..., or NULL: all rows */
    int64_t reference_version; /* 0: none */
    int64_t reference_from_us, reference_to_us;
    const char *reference; /* its words for people (vg_reference_words), or NULL */
    uint64_t reference_rows;
    /* Those that some rules are judged against apart. */
    struct vg_cycle_reference {
        const char *name, *season; /* season NULL: all of it */
        int64_t version, from_us, to_us;
        const char *words; /* for people */
        uint64_t rows;     /* those that were compared with */
    } * references;
    size_t nreferences;
    /* Predictions first, then features by how much they moved; none unless the file names some. */
    struct vg_moved *moved;
    size_t nmoved;
    struct vg_predicted *predicted;
    size_t npredicted;
    bool failed; /* the read failed; error says why */
    struct vg_error error;
    struct vg_result *results;
    size_t nresults;
    struct vg_summary *summary;              /* borrowed; NULL without a window */
    const struct vg_cycle_segment *segments; /* as the summary */
    size_t nsegments;
    struct vg_reached reached[VG_LIMITS];
    double seconds; /* how long it took */
    /* For the publishers. */
    struct vg_strings private_columns; /* no value of these may be shown: `private: true`,
                                          and the key columns while keys are private */
    int64_t every_us;                  /* time between ticks; 0: unknown */
    int64_t last_success_us;           /* clock of the last cycle that could read, this one
                                          included; VG_NEVER: none yet */
    /* Of the dataset since it was first seen, this cycle included; from its stored progress. */
    uint64_t cycles, cycle_failures, ticks_skipped, windows_skipped, rows_scanned;
};

#endif
