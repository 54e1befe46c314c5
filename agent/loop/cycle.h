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
    const struct vg_strings *only_receivers; /* a replay sends to these; NULL: to all */
    void (*progress)(void *arg, const char *dataset, uint64_t rows); /* long scans; may be NULL */
    void *progress_arg;
    void (*decided)(void *arg, const struct vg_decision *decision); /* counts; may be NULL */
    void *decided_arg;
    void (*committed)(void *arg); /* messages may wait; may be NULL */
    void *committed_arg;
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
    struct vg_plan plan;
    struct vg_progress before; /* progress when the cycle began */
    struct vg_live live;
    struct vg_summary **summaries;
    size_t nsummaries; /* per variant */
    struct vg_window_row *probed;
    size_t nprobed; /* open windows counted at this tick */
    struct vg_window_row *ready;
    size_t nready; /* those to be judged now */
    struct vg_cycle cycle;
    const char *where_problem;
    int64_t started_us;
};

int vg_cycle_begin(struct vg_work *work, const struct vg_cycle_env *env, const struct vg_job *job,
                   const struct vg_progress *progress, struct vg_error *err);
/* Opens the snapshot; catalogue, reference, plan, newest row, open windows. */
int vg_cycle_look(struct vg_work *work, struct vg_error *err);
/* Reads the window's rows into summaries. */
int vg_cycle_scan(struct vg_work *work, struct vg_error *err);
/* Look and scan, and once more without the conditions of rules when the server rejects one of them:
 * those rules are then unknown. *scanning: it came as far as the scan. */
int vg_cycle_read(struct vg_work *work, bool *scanning, struct vg_error *err);
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
