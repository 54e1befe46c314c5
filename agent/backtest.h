/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a backtest comes to; layer 3, pure.
 *
 * Cycles over past windows go in one by one, with the alerts after each and the messages that would
 * have been sent; incidents with their evidence, pages per week, what became of injected changes
 * and the verdicts of each rule come out. Holds copies only, in an arena of its own.
 */
#ifndef PGVIGIL_AGENT_BACKTEST_H
#define PGVIGIL_AGENT_BACKTEST_H

#include "agent/inject.h"
#include "pgvigil/event.h"

/* An alert as a part of an incident. */
struct vg_backtest_alert {
    const char *rule, *check, *column, *segment; /* column, segment may be NULL */
    enum vg_class class;
    bool blind;                           /* it could not be looked at */
    int64_t onset_us, fired_us, ended_us; /* first bad window's start; due times; VG_NEVER */
    double value, limit;                  /* when it fired */
    enum vg_unit unit;
    const char *why;
};
struct vg_backtest_incident {
    char key[VG_KEY_SIZE];
    enum vg_severity severity;
    int64_t onset_us, opened_us, closed_us; /* VG_NEVER: open at the end */
    struct vg_backtest_alert *alerts;
    size_t nalerts, size;
};

struct vg_backtest_series { /* what a rule measured, per window; NAN: no verdict */
    const char *segment;    /* or NULL: all rows */
    double *values;
    size_t size;
};
enum { VG_BACKTEST_LEAST = 14 }; /* windows with a value that a limit can be told from */

struct vg_backtest_rule {            /* as it is bound to a column */
    const char *id, *check, *column; /* column may be NULL */
    const struct vg_rule *rule;      /* the caller's */
    const char *why_not;             /* it was not replayed, or NULL */
    bool unaware; /* part of it is evaluated by the server, which sees no injected change */
    uint64_t verdicts[VG_FAIL + 1];    /* of all rows and of segments */
    size_t fired;                      /* alerts of it that fired */
    double row_ns;                     /* to count a row for it alone; NAN: not measured */
    uint64_t judging_ns;               /* all of its judging, with statements of its own */
    struct vg_backtest_series *series; /* where thresholds are tuned; the first is of all rows */
    size_t nseries, series_size;
    double tuned; /* smallest limit that opens at most one incident; NAN: why_untuned */
    uint64_t above, above_now, known; /* windows above it, above today's limit, with a value */
    const char *why_untuned;
};

struct vg_backtest_week {
    int64_t start_us;
    const char *receiver;
    unsigned opened; /* incidents it was told of: pages */
    unsigned others; /* updates, reminders, ends */
};

/* What became of an injected change. */
struct vg_backtest_change {
    const struct vg_injection *injection;
    bool unread;        /* no rule looks at the column */
    bool outside;       /* no window that was replayed lies within it */
    const char *found;  /* rule that fired first and would not have without it, or NULL */
    int64_t found_us;   /* due time of that cycle */
    const char *why;    /* its evidence */
    const char *before; /* a rule of the column that fires without the change, too; or NULL */
};

struct vg_backtest {
    struct vg_arena *arena;
    const char *dataset;
    const struct vg_zone *zone;
    int64_t from_us, to_us, window_us;
    uint64_t windows, empty, rows;
    double seconds;
    int64_t reference_version, reference_from_us, reference_to_us;
    uint64_t reference_rows; /* 0: there is none */
    bool reference_captured; /* for this run */
    bool reference_rolls;    /* each window had its own; the one above is the first window's */
    bool tunes;
    struct vg_window *judged; /* where thresholds are tuned: the windows */
    size_t judged_size;
    struct vg_backtest_incident *incidents; /* in the order they opened */
    size_t nincidents, incidents_size;
    struct vg_backtest_rule *rules;
    size_t nrules;
    struct vg_backtest_week *weeks; /* by receiver, then time */
    size_t nweeks, weeks_size;
    struct vg_backtest_change *changes;
    size_t nchanges;
    const struct vg_backtest
        *control; /* the same windows as they are; what fires there is no find */
};

/* Empties; the zone, injections and rules outlive it. -1: VG_E_MEMORY. */
int vg_backtest_open(struct vg_backtest *test, const struct vg_dataset *dataset,
                     const struct vg_injection *injections, size_t n, struct vg_error *err);
/* One cycle and all alerts of the dataset after it. VG_E_MEMORY. */
int vg_backtest_take(struct vg_backtest *test, const struct vg_cycle *cycle,
                     const struct vg_alert *alerts, size_t nalerts, struct vg_error *err);
/* A message that would have gone to a receiver. VG_E_MEMORY. */
int vg_backtest_tell(struct vg_backtest *test, const struct vg_message *message,
                     const char *receiver, struct vg_error *err);
struct vg_backtest_rule *vg_backtest_rule(struct vg_backtest *test, const char *id,
                                          const char *column);
/* The rule of this id, looked for from *at on, for results come in the order of the rules. */
struct vg_backtest_rule *vg_backtest_next(struct vg_backtest *test, const char *id, size_t *at);
/* Of a change that was found: from its beginning, or that of the test, to the find. */
int64_t vg_backtest_delay(const struct vg_backtest *test, const struct vg_backtest_change *change);
void vg_backtest_close(struct vg_backtest *test);

/* --- backtest_tune.c: with `tunes` ------------------------------------------------------------ */

/* What each rule that can be tuned measured in a window; to be called before it is counted.
 * VG_E_MEMORY. */
int vg_backtest_keep(struct vg_backtest *test, const struct vg_cycle *cycle, struct vg_error *err);
/* For each rule with a limit of its own the smallest one that opens at most one incident over all
 * windows, of all rows and segments; for each other one why there is none. VG_E_MEMORY. */
int vg_backtest_tune(struct vg_backtest *test, const struct vg_dataset *dataset,
                     struct vg_error *err);
/* Why a rule has no limit that could be tuned, a single number that its value must not exceed;
 * NULL: it has. */
const char *vg_backtest_untuned(const struct vg_rule *rule);

#endif
