/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One cycle of one dataset: look, scan, judge, commit, notify; layer 5.
 *
 * Everything is read in one snapshot; results, alert states, watermark and messages are committed
 * in one transaction before anything is sent. A read that fails commits no window.
 */
#ifndef PGVIGIL_CYCLE_H
#define PGVIGIL_CYCLE_H

#include "agent/loop/due.h"
#include "agent/plan.h"
#include "pgvigil/ports.h"
#include "pgvigil/store.h"

/* What cycles work with; shared by all workers, constant while they run. */
struct vg_cycle_env {
    struct vg_source *source;
    struct vg_store *store; /* NULL: no references, nothing stored */
    bool commits;           /* false: the store is only read (check) */
    struct vg_clock *clock;
    struct vg_publisher *publisher; /* or NULL */
    const struct vg_config *config;
    const struct vg_ruleset *rules;
    const char *agent;
    struct vg_claim claim;
    const atomic_bool *stop;
    /* A cycle that began before a reload renamed or retired its dataset commits nothing: it is
     * refused while *barrier is above `book`. NULL: never. */
    const atomic_int *barrier;
    int book;                                /* number of the book that config and rules are of */
    const struct vg_strings *only_receivers; /* a replay sends to these; NULL: to all */
    bool past; /* the clock is virtual: rows after its now are those of later windows */
    void (*progress)(void *arg, const char *dataset, uint64_t rows); /* long scans; may be NULL */
    void *progress_arg;
    void (*decided)(void *arg, const struct vg_decision *decision); /* counts; may be NULL */
    void *decided_arg;
    void (*committed)(void *arg); /* messages may wait; may be NULL */
    void *committed_arg;
    /* A person wants what waits for this receiver or model (NULL: any) to be sent now; or NULL. */
    void (*urged)(void *arg, const char *sink);
    void *urged_arg;
    /* Whoever writes the keys of offending rows, and takes the snapshot over; NULL: nobody does,
     * and nothing is noted. */
    void (*offended)(void *arg, const char *dataset, struct vg_session *session);
    void *offended_arg;
    void (*quarantined)(void *arg, const struct vg_offenders *row, bool failed); /* or NULL */
    void *quarantined_arg;
    /* Takes a message instead of the outbox: nothing is sent. NULL: it goes there. */
    void (*posted)(void *arg, const struct vg_message *message, const char *receiver);
    void *posted_arg;
    /* Before and after a rule is measured; may be NULL. */
    void (*measuring)(void *arg, const struct vg_rule *rule, bool done);
    void *measuring_arg;
    /* Of a replay in memory: what cycles hand on (agent/loop/carry.h). Results, progress and the
     * like, which no later cycle of it reads, are then not stored, and the store's transaction is
     * the caller's. NULL: all is in the store. */
    struct vg_carry *carry;
};

/* The answers to the statements of one rule. */
struct vg_asked_rule {
    struct vg_rows answers[VG_LOOKUPS_MAX];
    size_t n;
    bool split;      /* the answers hold those for segments, too */
    const char *why; /* why not all was answered, or NULL */
};

/* A cycle on its way; zeroed, then vg_cycle_begin. Everything in it dies with vg_cycle_end. */
struct vg_work {
    const struct vg_cycle_env *env;
    struct vg_job job;
    struct vg_arena *arena;
    struct vg_session *session;
    const struct vg_catalog *catalog;
    struct vg_reference *reference;
    bool reference_failed;
    const char *reference_why;
    /* Per reference of the dataset, for rules that are judged apart; none where there is no such
     * rule. */
    struct vg_cycle_other *others;
    size_t nothers;
    struct vg_plan plan;
    struct vg_progress before; /* progress when the cycle began */
    struct vg_live live;
    struct vg_summary **summaries;
    size_t nsummaries; /* per variant */
    struct vg_summary *
        *segments;    /* of the plan's segments, variant by variant; NULL: not counted */
    size_t nsegments; /* of all variants */
    struct vg_window_row *probed;
    size_t nprobed; /* open windows counted at this tick */
    struct vg_window_row *ready;
    size_t nready; /* those to be judged now */
    struct vg_cycle cycle;
    struct vg_rejects rejects;   /* expressions the server would not evaluate */
    struct vg_asked_rule *asked; /* per bound rule; NULL: nothing was asked */
    const struct vg_history *history;
    struct vg_cycle_budget *budget; /* of a window that may close a base window, or NULL */
    const char *last_structure;     /* of the table when it was last seen, or NULL */
    struct vg_checksum checksum;    /* of the window, where it is to be read again */
    struct vg_checked checked;      /* of a revisit: the window as it was last read */
    struct vg_revisit revisit;      /* of a revisit that could be read */
    const char *standstill;         /* of a table that may be skipped: what it is now, or NULL */
    bool scanning;                  /* the read came as far as the scan */
    bool offended;                  /* keys of offending rows are to be written */
    int64_t started_us;
};

int vg_cycle_begin(struct vg_work *work, const struct vg_cycle_env *env, const struct vg_job *job,
                   const struct vg_progress *progress, struct vg_error *err);
/* Opens the snapshot, if the work has none: catalogue, reference, plan. */
int vg_cycle_bind(struct vg_work *work, struct vg_error *err);
/* The same, and the newest row, open windows. */
int vg_cycle_look(struct vg_work *work, struct vg_error *err);
/* Reads the window's rows into summaries. */
int vg_cycle_scan(struct vg_work *work, struct vg_error *err);
/* Look and scan, and once more without the expressions of rules that the server will not evaluate:
 * those rules are then unknown. *scanning: it came as far as the scan. */
int vg_cycle_read(struct vg_work *work, bool *scanning, struct vg_error *err);
/* A statement beside the scan that failed costs its own answer only: logged, *why (or NULL) is its
 * message, *err is cleared. -1 out of memory. */
int vg_cycle_forgive(struct vg_work *work, struct vg_error *err, const char **why);
/* Checks and judges; with work->cycle.failed only `reach`. */
int vg_cycle_judge(struct vg_work *work, struct vg_error *err);
/* One transaction; afterwards messages may be sent. */
int vg_cycle_commit(struct vg_work *work, struct vg_error *err);
void vg_cycle_end(struct vg_work *work);

/* All of it, with what follows (windows that were filled late, one cycle each). *progress is what
 * was stored last. 0, or -1 when nothing could be committed; a read that failed is a committed
 * failure. */
int vg_cycle_run(const struct vg_cycle_env *env, const struct vg_job *job,
                 struct vg_progress *progress, struct vg_error *err);
/* The dataset is no longer in the rules: its alerts end, its incidents are resolved. */
int vg_cycle_retire(const struct vg_cycle_env *env, const char *dataset, struct vg_error *err);

#endif
