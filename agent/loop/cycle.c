/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One cycle in one breath: begin, look, scan, judge, commit. Owns what happens when a read fails:
 * no window is committed and `reach` is blind; a window that cannot be scanned three times while
 * the next is due is given up as unreadable; a condition of one rule that the server rejects leaves
 * the other rules. */
#include "agent/loop/cycle.h"

#include <string.h>

#include "agent/loop/cycle_ask.h"
#include "agent/loop/cycle_budget.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/cycle_reference.h"
#include "agent/loop/cycle_revisit.h"
#include "agent/loop/cycle_segments.h"
#include "agent/loop/cycle_still.h"
#include "agent/loop/offenders.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { SCANS_BEFORE_UNREADABLE = 3 };

int vg_cycle_begin(struct vg_work *work, const struct vg_cycle_env *env, const struct vg_job *job,
                   const struct vg_progress *progress, struct vg_error *err)
{
    const struct vg_dataset *dataset = job->dataset;
    memset(work, 0, sizeof *work);
    work->arena = vg_arena_new();
    if (!work->arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    work->env = env;
    work->job = *job;
    work->before = *progress;
    work->started_us = env->clock->ops->now_us(env->clock);
    work->cycle = (struct vg_cycle){
        .dataset = dataset->id,
        .model = dataset->model,
        .connection = dataset->connection,
        .role = dataset->role,
        .owner = dataset->owner,
        .runbook = dataset->runbook,
        .due_us = job->due_us,
        .now_us = work->started_us,
        .ticked = job->tick,
        .has_window = job->window,
        .window = job->range,
        .late = job->late,
        .newest_us = VG_NEVER,
        .every_us = dataset->schedule.every_us,
    };
    return 0;
}

static int fill_reference(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle *cycle = &work->cycle;
    if (!work->reference)
        return 0;
    cycle->reference = vg_cycle_reference_words(work->reference, work->arena);
    if (!cycle->reference)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    cycle->reference_version = work->reference->version;
    cycle->reference_from_us = work->reference->from_us;
    cycle->reference_to_us = work->reference->to_us;
    cycle->reference_rows = work->reference->rows;
    return 0;
}

static void close_session(struct vg_work *work)
{
    vg_failpoint("rollback");
    if (work->session)
        work->env->source->ops->close(work->session);
    work->session = NULL;
}

/* What was read, so that it can be read again. */
static void forget_read(struct vg_work *work)
{
    close_session(work);
    vg_cycle_reference_forget(work);
    for (size_t i = 0; i < work->nsummaries; i++)
        vg_summary_free(work->summaries[i]);
    vg_cycle_segments_forget(work);
    vg_cycle_budget_forget(work);
    vg_reference_free(work->reference);
    work->reference = NULL;
    work->nsummaries = work->nprobed = work->nready = 0;
    work->cycle.summary = NULL;
    work->cycle.sample = NULL;
    work->cycle.rows = 0;
    work->cycle.empty = false;
    work->cycle.unchanged = false;
    work->cycle.has_window = work->job.window;
}

void vg_cycle_end(struct vg_work *work)
{
    forget_read(work);
    vg_arena_free(work->arena);
    memset(work, 0, sizeof *work);
}

/* The server rejected the statement itself or a value in it: an expression may be the cause. */
static bool blames_expression(const struct vg_work *work, const struct vg_error *err)
{
    bool rejected = !strncmp(err->sqlstate, "22", 2) || !strncmp(err->sqlstate, "42", 2);
    return rejected && !work->rejects.n;
}

static int read_all(struct vg_work *work, bool *scanning, struct vg_error *err)
{
    *scanning = false;
    vg_failpoint("scan");
    if (vg_cycle_still_look(work, err) < 0 || vg_cycle_look(work, err) < 0)
        return -1;
    *scanning = (work->job.window && !work->cycle.unchanged) || work->job.revisit;
    return *scanning ? vg_cycle_scan(work, err) : 0;
}

/* A standby cancels what holds up its replay, and serialisation fails elsewhere too: a new snapshot
 * helps, as long as it is not the rule. */
static bool is_conflict(const struct vg_error *err)
{
    return !strcmp(err->sqlstate, "40001") || !strcmp(err->sqlstate, "40P01");
}

static int read_twice(struct vg_work *work, bool *scanning, struct vg_error *err)
{
    int rc = read_all(work, scanning, err);
    if (rc == 0 || !is_conflict(err))
        return rc;
    vg_log(VG_LOG_INFO, "read again after a conflict", "dataset", work->job.dataset->id, "error",
           err->msg, NULL);
    forget_read(work);
    memset(err, 0, sizeof *err);
    return read_all(work, scanning, err);
}

/* A second try without the expressions that are at fault; where none is, the first error counts. */
static int read_without(struct vg_work *work, bool *scanning, struct vg_error *err)
{
    struct vg_error first = *err;
    if (vg_cycle_find_rejects(work, err) < 0)
        return -1;
    if (!work->rejects.n) {
        *err = first;
        return -1;
    }
    forget_read(work);
    return read_twice(work, scanning, err);
}

int vg_cycle_read(struct vg_work *work, bool *scanning, struct vg_error *err)
{
    int rc = read_twice(work, scanning, err);
    if (rc < 0 && *scanning && blames_expression(work, err))
        rc = read_without(work, scanning, err);
    return rc;
}

/* What a failed read means: a blind input, or, the third time in the scan, an unreadable window. */
static void take_failure(struct vg_work *work, bool scanning, const struct vg_error *why)
{
    struct vg_cycle *cycle = &work->cycle;
    char failures[VG_NUMBER_TEXT];
    cycle->failed = true;
    cycle->error = *why;
    cycle->summary = NULL;
    if (scanning && work->job.window && !work->job.late)
        work->before.scan_failures++;
    cycle->unreadable =
        scanning && work->job.next_due && work->before.scan_failures >= SCANS_BEFORE_UNREADABLE;
    if (!cycle->unreadable)
        cycle->has_window = false;
    vg_log(VG_LOG_WARN, cycle->unreadable ? "window given up as unreadable" : "read failed",
           "dataset", cycle->dataset, "code", vg_code_name(why->code), "error", why->msg, "hint",
           *why->hint ? why->hint : NULL, "failures",
           vg_format_double(work->before.failures + 1, failures), NULL);
}

static void log_result(const struct vg_result *result, const struct vg_cycle *cycle)
{
    if (result->verdict != VG_FAIL && result->verdict != VG_WARN)
        return;
    char window[VG_TIME_TEXT];
    vg_log(VG_LOG_INFO, result->verdict == VG_FAIL ? "check failed" : "check warned", "dataset",
           cycle->dataset, "rule", result->rule, "segment", result->segment, "window",
           cycle->has_window ? vg_format_time(cycle->window.start_us, window) : NULL, "why",
           result->why, NULL);
}

static void log_cycle(const struct vg_work *work)
{
    const struct vg_cycle *cycle = &work->cycle;
    char rows[VG_NUMBER_TEXT], start[VG_TIME_TEXT], seconds[VG_NUMBER_TEXT];
    for (size_t i = 0; i < cycle->nresults; i++)
        log_result(&cycle->results[i], cycle);
    if (cycle->failed)
        return;
    bool read = cycle->has_window || cycle->revisited;
    vg_log(read || cycle->unchanged ? VG_LOG_INFO : VG_LOG_DEBUG,
           cycle->revisited     ? "window read again"
           : cycle->unchanged   ? "table unchanged and not read, its verdicts stand"
           : !cycle->has_window ? "tick"
           : cycle->empty       ? "window empty"
                                : "window judged",
           "dataset", cycle->dataset, "window",
           read ? vg_format_time(cycle->window.start_us, start) : NULL, "rows",
           read ? vg_format_double((double)cycle->rows, rows) : NULL, "seconds",
           vg_format_human(cycle->seconds, 3, seconds), NULL);
}

/* Whether the failure is the monitored database's; else the cycle is lost, and nobody is blamed. */
static bool is_of_source(const struct vg_error *err)
{
    switch (err->code) {
    case VG_E_CANCELLED:
    case VG_E_MEMORY:
    case VG_E_INTERNAL:
    case VG_E_STATE:
    case VG_E_IO:
    case VG_E_LOCKED:
        return false;
    default:
        return true;
    }
}

static int run_one(struct vg_work *work, struct vg_error *err)
{
    int rc = vg_cycle_read(work, &work->scanning, err);
    if (rc < 0 && !is_of_source(err))
        return -1;
    /* Where keys of offending rows may be wanted, they are read in the same snapshot. */
    if (rc < 0 || !work->job.dataset->quarantine.connection || !work->env->offended)
        close_session(work);
    if (rc < 0)
        take_failure(work, work->scanning, err);
    if (fill_reference(work, err) < 0)
        return -1;
    struct vg_clock *clock = work->env->clock;
    work->cycle.seconds = (double)(clock->ops->now_us(clock) - work->started_us) / (double)VG_US;
    if (vg_cycle_judge(work, err) < 0 || vg_cycle_commit(work, err) < 0)
        return -1;
    log_cycle(work);
    vg_offenders_leave(work);
    return 0;
}

/* Windows that were filled after their time: one cycle each, oldest first, told at the end. Their
 * due times lie a microsecond apart, as each is a cycle of its own. */
static int run_late(const struct vg_cycle_env *env, const struct vg_job *job,
                    const struct vg_window_row *ready, size_t n, struct vg_progress *progress,
                    struct vg_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct vg_job late = {
            .dataset = job->dataset,
            .due_us = job->due_us + (int64_t)i + 1,
            .window = true,
            .range = ready[i].window,
            .late = true,
            .catching_up = job->catching_up || i + 1 < n,
        };
        late.skipped = (struct vg_window){late.range.start_us, late.range.start_us, false};
        struct vg_work work;
        if (vg_cycle_begin(&work, env, &late, progress, err) < 0)
            return -1;
        int rc = run_one(&work, err);
        *progress = work.before;
        bool failed = work.cycle.failed;
        vg_cycle_end(&work);
        if (rc < 0 || failed)
            return rc;
    }
    return 0;
}

/* The window of a revisit; where none is left (a reload took them away), the progress says so. */
static int find_revisit(struct vg_work *work, struct vg_progress *progress, bool *found,
                        struct vg_error *err)
{
    *found = true;
    if (!work->job.revisit || vg_cycle_revisit_load(work, found, err) < 0)
        return work->job.revisit ? -1 : 0;
    if (*found)
        return 0;
    return vg_store_checked_next(work->env->store, work->job.dataset->id, &progress->revisit_us,
                                 err);
}

int vg_cycle_run(const struct vg_cycle_env *env, const struct vg_job *job,
                 struct vg_progress *progress, struct vg_error *err)
{
    struct vg_work work;
    if (vg_cycle_begin(&work, env, job, progress, err) < 0)
        return -1;
    bool found;
    int rc = find_revisit(&work, progress, &found, err);
    if (rc == 0 && found)
        rc = run_one(&work, err);
    if (rc == 0 && found) {
        *progress = work.before;
        if (!work.cycle.failed)
            rc = run_late(env, job, work.ready, work.nready, progress, err);
    }
    vg_cycle_end(&work);
    return rc;
}

int vg_cycle_retire(const struct vg_cycle_env *env, const char *dataset, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int64_t now_us = env->clock->ops->now_us(env->clock);
    struct vg_cycle cycle = {.dataset = dataset, .due_us = now_us, .now_us = now_us};
    struct vg_settling settling = {.cycle = &cycle};
    int rc = vg_store_begin(env->store, &env->claim, err);
    if (rc < 0)
        goto out;
    rc = vg_cycle_settle(env, &settling, arena, err);
    rc = rc ? rc : vg_cycle_tell_ends(env, &settling, arena, err);
    if (rc == 0)
        rc = vg_store_retire(env->store, dataset, err);
    if (rc < 0)
        vg_store_rollback(env->store);
    else
        rc = vg_store_commit(env->store, err);
    if (rc == 0 && env->publisher)
        env->publisher->ops->retire(env->publisher, dataset);
    if (rc == 0)
        vg_log(VG_LOG_INFO, "dataset retired", "dataset", dataset, NULL);
out:
    vg_arena_free(arena);
    return rc;
}
