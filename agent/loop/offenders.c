/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is to be written of offending rows, and what becomes of it: noted with the cycle, done after
 * it, done again until it has worked. Owns the waits between attempts; knows no statement. */
#include "agent/loop/offenders.h"

#include <string.h>

#include "pgvigil/log.h"

enum { FIRST_SECONDS = 5, DOUBLINGS = 10 };

#define LONGEST_US  VG_HOUR_US      /* between two attempts */
#define PATIENCE_US (7 * VG_DAY_US) /* from the verdict on */

/* --- with the cycle --- */

static bool warns_by_bounds(const struct vg_work *work, const struct vg_result *result)
{
    for (size_t i = 0; i < work->plan.nbound; i++) {
        const struct vg_rule *rule = &work->plan.bound[i].rule;
        const struct vg_bounds *bounds = &rule->limits.warn_bounds;
        if (vg_streq(rule->id, result->rule))
            return result->verdict == VG_WARN && rule->type->bounds == VG_BOUNDS_ON_ROWS &&
                   (bounds->has_min || bounds->has_max);
    }
    return false;
}

static bool is_wanted(const struct vg_result *result)
{
    const struct vg_check_type *type = vg_check_find(result->check);
    bool bad = result->verdict == VG_FAIL || result->verdict == VG_WARN;
    return bad && type && !result->segment && type->cadence == VG_ON_WINDOW &&
           vg_offenders_can(type);
}

int vg_offenders_note(struct vg_work *work, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    bool read = cycle->has_window && !cycle->failed && !cycle->empty;
    work->offended = false;
    if (!work->env->offended || !work->job.dataset->quarantine.connection || !read)
        return 0;
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *result = &cycle->results[i];
        if (!is_wanted(result))
            continue;
        struct vg_offenders row = {
            .dataset = cycle->dataset,
            .rule = result->rule,
            .window = cycle->window,
            .warn = warns_by_bounds(work, result),
            .at_us = cycle->now_us,
            .next_us = cycle->now_us,
        };
        if (vg_store_offenders_add(work->env->store, &row, err) < 0)
            return -1;
        work->offended = true;
    }
    return 0;
}

void vg_offenders_leave(struct vg_work *work)
{
    const struct vg_cycle_env *env = work->env;
    struct vg_session *session = work->session;
    work->session = NULL;
    if (work->offended)
        env->offended(env->offended_arg, work->cycle.dataset, session);
    else if (session)
        env->source->ops->close(session);
}

/* --- after it --- */

static int64_t read_clock(const struct vg_cycle_env *env)
{
    return env->clock->ops->now_us(env->clock);
}

static void close_session(struct vg_work *work)
{
    if (work->session)
        work->env->source->ops->close(work->session);
    work->session = NULL;
}

/* The catalogue and the plan are read once; a session lost since is opened again. */
static int look(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_source *source = work->env->source;
    struct vg_limits_of_session limits = {dataset->timeout_us, work->env->stop};
    if (!work->plan.bound)
        return vg_cycle_bind(work, err);
    return work->session
               ? 0
               : source->ops->open(source, dataset->connection, &limits, &work->session, err);
}

static void log_row(const struct vg_offenders *row, const struct vg_error *err)
{
    char window[VG_TIME_TEXT], keys[VG_NUMBER_TEXT];
    vg_format_time(row->window.start_us, window);
    if (!err)
        vg_log(row->cut ? VG_LOG_WARN : VG_LOG_INFO,
               row->cut ? "keys of offending rows written up to quarantine.limit, there are more"
                        : "keys of offending rows written",
               "dataset", row->dataset, "rule", row->rule, "window", window, "keys",
               vg_format_double((double)row->keys, keys), NULL);
    else
        vg_log(VG_LOG_WARN,
               row->state == VG_OFFENDERS_WAITING ? "keys of offending rows not written"
                                                  : "keys of offending rows given up",
               "dataset", row->dataset, "rule", row->rule, "window", window, "error", err->msg,
               "hint", *err->hint ? err->hint : NULL, NULL);
}

static void take_failure(const struct vg_cycle_env *env, struct vg_offenders *row,
                         const struct vg_error *why)
{
    int64_t now_us = read_clock(env);
    int doublings = row->attempts < DOUBLINGS ? row->attempts : DOUBLINGS;
    int64_t wait_us = (FIRST_SECONDS * VG_US) << doublings;
    bool hopeless = row->state == VG_OFFENDERS_GIVEN_UP || now_us - row->at_us > PATIENCE_US;
    row->attempts++;
    row->keys = 0;
    row->cut = false;
    row->why = why->msg;
    row->state = hopeless ? VG_OFFENDERS_GIVEN_UP : VG_OFFENDERS_WAITING;
    row->next_us = now_us + (wait_us < LONGEST_US ? wait_us : LONGEST_US);
}

/* One rule and window, and what came of it into the store. */
static int settle(const struct vg_cycle_env *env, struct vg_offenders *row, int rc,
                  const struct vg_error *why, struct vg_error *err)
{
    if (rc < 0 && why->code == VG_E_CANCELLED)
        return 0; /* it waits for the next start */
    if (rc < 0) {
        take_failure(env, row, why);
    } else {
        row->attempts++;
        row->state = VG_OFFENDERS_WRITTEN;
        row->why = NULL;
    }
    log_row(row, rc < 0 ? why : NULL);
    if (env->quarantined)
        env->quarantined(env->quarantined_arg, row, rc < 0);
    return vg_store_offenders_put(env->store, row, err);
}

/* *why is filled where a server could not be reached: then the others need not be tried. */
static int write_row(struct vg_work *work, struct vg_offenders *row, struct vg_error *why,
                     struct vg_error *err)
{
    int rc = look(work, why);
    if (rc == 0)
        rc = vg_offenders_write(work, row, why);
    if (rc < 0 || row->cut)
        close_session(work); /* what was left of its answer went with it */
    int settled = settle(work->env, row, rc, why, err);
    if (work->plan.bound && why->code != VG_E_CONNECT && why->code != VG_E_CANCELLED)
        memset(why, 0, sizeof *why);
    return settled;
}

static int write_all(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                     struct vg_session *session, struct vg_offenders *rows, size_t n,
                     struct vg_error *err)
{
    struct vg_work work;
    struct vg_error ignored = {0};
    const struct vg_progress none = {0};
    const struct vg_job job = {
        .dataset = dataset, .due_us = rows[0].at_us, .range = rows[0].window};
    if (vg_cycle_begin(&work, env, &job, &none, err) < 0) {
        if (session)
            env->source->ops->close(session);
        return -1;
    }
    work.session = session;
    if (session && vg_cycle_bind(&work, &ignored) < 0) {
        close_session(&work); /* it waited too long; another one is as good, if the rows stand */
        work.plan.bound = NULL;
    }
    int rc = 0;
    struct vg_error why = {0};
    for (size_t i = 0; i < n && rc == 0 && why.code != VG_E_CANCELLED; i++)
        rc =
            why.code ? settle(env, &rows[i], -1, &why, err) : write_row(&work, &rows[i], &why, err);
    vg_cycle_end(&work);
    return rc;
}

static int give_up(const struct vg_cycle_env *env, struct vg_offenders *rows, size_t n,
                   struct vg_error *err)
{
    struct vg_error why = {0};
    vg_fail(&why, VG_E_NOT_FOUND, "the rule file has no quarantine any more");
    for (size_t i = 0; i < n; i++) {
        rows[i].state = VG_OFFENDERS_GIVEN_UP;
        if (settle(env, &rows[i], -1, &why, err) < 0)
            return -1;
    }
    return 0;
}

static int run_datasets(const struct vg_cycle_env *env, const char *only,
                        struct vg_session **session, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_offenders *rows;
    size_t n;
    if (vg_store_offenders_due(env->store, read_clock(env), arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && !strcmp(rows[end].dataset, rows[i].dataset);)
            end++;
        if (*session && strcmp(rows[i].dataset, only) != 0)
            continue;
        const struct vg_dataset *dataset = vg_ruleset_find(env->rules, rows[i].dataset);
        struct vg_session *taken = dataset && dataset->quarantine.connection ? *session : NULL;
        *session = taken ? NULL : *session;
        int rc = dataset && dataset->quarantine.connection
                     ? write_all(env, dataset, taken, rows + i, end - i, err)
                     : give_up(env, rows + i, end - i, err);
        if (rc < 0 || (env->stop && *env->stop) || taken)
            return rc;
    }
    return 0;
}

int vg_offenders_run(const struct vg_cycle_env *env, const char *dataset,
                     struct vg_session *session, int64_t *next_us, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    int rc = arena ? run_datasets(env, dataset, &session, arena, err)
                   : vg_fail(err, VG_E_MEMORY, "out of memory");
    if (session)
        env->source->ops->close(session);
    vg_arena_free(arena);
    *next_us = read_clock(env) + VG_MINUTE_US;
    return rc < 0 ? -1 : vg_store_offenders_next(env->store, next_us, err);
}
