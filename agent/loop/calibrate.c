/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calibrating: the base windows of a version of the reference out of the store, the model and the
 * parts of its columns back into it. Reads nothing else, so it is the same whenever it is made.
 * Owns the turn of whoever calibrates: two never learn the same, nor side by side. */
#include "agent/loop/calibrate.h"

#include <pthread.h>
#include <stdlib.h>

#include "agent/plan_budget.h"
#include "agent/reference.h"
#include "agent/window.h"
#include "checks/check_budget_text.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { MODEL_MAX = 64 << 20 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct calibration {
    const struct vg_cycle_env *env;
    const struct vg_dataset *dataset;
    struct vg_arena *arena;
    int64_t version;
    struct vg_reference *reference; /* NULL: there is none */
    struct vg_budget_input *columns;
    size_t ncolumns;
    const char *inputs;
    int64_t id;
    void (*progress)(const char *dataset, double done);
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- Which versions --------------------------------------------------------------------------- */

static int find_version(struct vg_store *store, const struct vg_dataset *dataset, int64_t start_us,
                        int64_t *version, struct vg_error *err)
{
    const struct vg_reference_spec *spec = &dataset->reference;
    struct vg_window span = {.end_us = VG_NEVER};
    if (spec->kind == VG_REF_ROLLING)
        vg_reference_span(dataset, spec, start_us, &span);
    return vg_store_reference_of(store, dataset->id, spec->name, span.end_us, version, err);
}

/* Those in use now, 0 where there is none. */
static int find_in_use(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                       int64_t versions[2], struct vg_error *err)
{
    int64_t now_us = env->clock->ops->now_us(env->clock);
    struct vg_window closed;
    versions[0] = versions[1] = 0;
    if (!vg_plan_has_budget(dataset) || dataset->reference.kind == VG_REF_NONE)
        return 0;
    if (vg_store_reference_of(env->store, dataset->id, dataset->reference.name, VG_NEVER,
                              &versions[0], err) < 0)
        return -1;
    if (dataset->reference.kind != VG_REF_ROLLING)
        return 0;
    vg_window_newest_due(dataset, now_us, &closed);
    if (find_version(env->store, dataset, closed.start_us, &versions[1], err) < 0)
        return -1;
    if (versions[1] == versions[0])
        versions[1] = 0;
    return 0;
}

/* What is to be calibrated, and whether it is. */
static int look(struct calibration *run, bool *wanted, struct vg_error *err)
{
    const struct vg_strings none = {0};
    struct vg_store *store = run->env->store;
    struct vg_calibration stored;
    bool found = false;
    *wanted = false;
    if (vg_store_reference(store, run->dataset->id, run->version, &none, &run->reference, err) < 0)
        return -1;
    if (!run->reference || run->reference->from_us == VG_NEVER || !run->reference->base_us)
        return 0;
    if (vg_plan_budget(run->dataset, run->reference, run->arena, &run->columns, &run->ncolumns) < 0)
        return fail_memory(err);
    run->inputs = vg_plan_budget_inputs(run->dataset, run->columns, run->ncolumns, run->arena);
    if (!run->inputs)
        return fail_memory(err);
    if (vg_store_calibration(store, run->version, run->arena, &stored, &found, err) < 0)
        return -1;
    *wanted = !found || !vg_streq(stored.inputs, run->inputs);
    return 0;
}

static int open_run(struct calibration *run, struct vg_error *err)
{
    run->arena = vg_arena_new();
    return run->arena ? 0 : fail_memory(err);
}

static void close_run(struct calibration *run)
{
    vg_reference_free(run->reference);
    vg_arena_free(run->arena);
    run->reference = NULL;
    run->arena = NULL;
}

static int look_only(struct calibration *run, bool *wanted, struct vg_error *err)
{
    *wanted = false;
    if (!run->version)
        return 0;
    int rc = open_run(run, err);
    if (rc == 0)
        rc = look(run, wanted, err);
    close_run(run);
    return rc;
}

int vg_calibrate_lacks(struct vg_store *store, const struct vg_dataset *dataset, int64_t version,
                       bool *lacks, struct vg_error *err)
{
    const struct vg_cycle_env env = {.store = store};
    struct calibration run = {.env = &env, .dataset = dataset, .version = version};
    *lacks = false;
    return vg_plan_has_budget(dataset) ? look_only(&run, lacks, err) : 0;
}

int vg_calibrate_wanted(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        bool *wanted, struct vg_error *err)
{
    int64_t versions[2];
    *wanted = false;
    if (find_in_use(env, dataset, versions, err) < 0)
        return -1;
    for (size_t i = 0; i < 2 && !*wanted; i++) {
        struct calibration run = {.env = env, .dataset = dataset, .version = versions[i]};
        if (look_only(&run, wanted, err) < 0)
            return -1;
    }
    return 0;
}

/* --- Learning --------------------------------------------------------------------------------- */

static int feed_window(void *arg, const struct vg_window *base,
                       const struct vg_column_summary *summary, struct vg_error *err)
{
    return vg_budget_feed(arg, base->start_us, summary, err);
}

static int visit(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err)
{
    struct calibration *run = arg;
    return vg_store_reference_windows(run->env->store, run->reference->version,
                                      run->columns[column].name, feed_window, feed, err);
}

static int keep(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err)
{
    struct calibration *run = arg;
    return vg_store_calibration_part(run->env->store, run->id, run->columns[column].name, blob,
                                     size, err);
}

static bool report(void *arg, double done)
{
    struct calibration *run = arg;
    if (run->progress)
        run->progress(run->dataset->id, done);
    return !(run->env->stop && *run->env->stop);
}

static int store_model(struct calibration *run, const struct vg_budget *budget,
                       struct vg_error *err)
{
    struct vg_buf body;
    vg_buf_init(&body, MODEL_MAX);
    int rc = vg_budget_write(budget, &body, err);
    if (rc == 0 && body.failed)
        rc = fail_memory(err);
    if (rc == 0)
        rc = vg_store_calibration_done(run->env->store, run->id, body.data, body.len, err);
    vg_buf_free(&body);
    return rc;
}

/* What was written of the reference may be longer than the table: only from the first to the last
 * base window with rows is there anything that alarms could have been counted in. */
static int cut_empty_ends(const struct calibration *run, struct vg_budget_task *task,
                          struct vg_error *err)
{
    int64_t first_us = INT64_MAX, last_us = INT64_MIN;
    for (size_t i = 0; i < run->ncolumns; i++) {
        int64_t from_us = INT64_MAX, to_us = INT64_MIN;
        if (vg_store_reference_filled(run->env->store, run->reference->version,
                                      run->columns[i].name, &from_us, &to_us, err) < 0)
            return -1;
        first_us = from_us < first_us ? from_us : first_us;
        last_us = to_us > last_us ? to_us : last_us;
    }
    if (first_us > last_us)
        return 0;
    while (task->nwindows > 1 && task->starts[task->nwindows - 1] > last_us)
        task->nwindows--;
    for (; task->nwindows > 1 && *task->starts < first_us; task->nwindows--)
        task->starts++;
    return 0;
}

static int learn(struct calibration *run, struct vg_error *err)
{
    const struct vg_reference *reference = run->reference;
    struct vg_clock *clock = run->env->clock;
    struct vg_budget *budget = NULL;
    int64_t *starts = NULL;
    struct vg_budget_task task = {
        .zone = run->dataset->zone,
        .base_us = reference->base_us,
        .budget = run->dataset->budget_per_day,
        .columns = run->columns,
        .ncolumns = run->ncolumns,
        .visit = visit,
        .keep = keep,
        .progress = report,
        .arg = run,
    };
    vg_log(VG_LOG_INFO, "calibrating the budget on the reference", "dataset", run->dataset->id,
           NULL);
    int rc = vg_budget_starts(task.zone, task.base_us, reference->from_us, reference->to_us,
                              &starts, &task.nwindows, err);
    task.starts = starts;
    if (rc == 0)
        rc = cut_empty_ends(run, &task, err);
    if (rc == 0)
        rc = vg_store_calibration_begin(run->env->store, reference->version, run->inputs,
                                        clock->ops->now_us(clock), &run->id, err);
    if (rc == 0)
        rc = vg_budget_calibrate(&task, &budget, err);
    if (rc == 0)
        rc = store_model(run, budget, err);
    if (rc == 0)
        vg_calibrate_log(run->dataset->id, budget);
    vg_budget_free(budget);
    free(starts);
    return rc;
}

/* Another may have made it while this one waited for its turn. */
static int take_turn(struct calibration *run, struct vg_error *err)
{
    bool wanted;
    int rc = look_only(run, &wanted, err);
    if (rc < 0 || !wanted)
        return rc;
    pthread_mutex_lock(&turn);
    rc = open_run(run, err);
    if (rc == 0)
        rc = look(run, &wanted, err);
    if (rc == 0 && wanted)
        rc = learn(run, err);
    close_run(run);
    pthread_mutex_unlock(&turn);
    return rc;
}

int vg_calibrate_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                     void (*progress)(const char *dataset, double done), struct vg_error *err)
{
    int64_t versions[2];
    int rc = find_in_use(env, dataset, versions, err);
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        struct calibration run = {
            .env = env, .dataset = dataset, .version = versions[i], .progress = progress};
        rc = take_turn(&run, err);
    }
    return rc;
}

int vg_calibrate_window(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        int64_t start_us, struct vg_error *err)
{
    struct calibration run = {.env = env, .dataset = dataset};
    if (!vg_plan_has_budget(dataset) || dataset->reference.kind == VG_REF_NONE)
        return 0;
    if (find_version(env->store, dataset, start_us, &run.version, err) < 0)
        return -1;
    return take_turn(&run, err);
}

int vg_calibrate_load(struct vg_store *store, const struct vg_dataset *dataset,
                      struct vg_budget **out, struct vg_error *err)
{
    struct vg_calibration stored;
    int64_t version;
    bool found = false;
    *out = NULL;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return fail_memory(err);
    int rc =
        vg_store_reference_of(store, dataset->id, dataset->reference.name, VG_NEVER, &version, err);
    if (rc == 0 && version)
        rc = vg_store_calibration(store, version, arena, &stored, &found, err);
    if (rc == 0 && found)
        rc = vg_budget_read(stored.body, stored.size, out, err);
    vg_arena_free(arena);
    return rc;
}

/* --- What cannot be learnt from --------------------------------------------------------------- */

/* The budget is learnt from the first reference alone; a capture has any of them in its place. */
static bool is_first(const struct vg_dataset *dataset)
{
    bool other = false;
    for (size_t i = 0; i < dataset->nothers && !other; i++)
        other = vg_streq(dataset->others[i].name, dataset->reference.name);
    return !other;
}

int vg_calibrate_fits(const struct vg_dataset *dataset, int64_t from_us, int64_t to_us,
                      int64_t base_us, struct vg_error *err)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT], base[VG_DURATION_TEXT];
    int64_t *starts = NULL;
    size_t n;
    if (!vg_plan_has_budget(dataset) || !is_first(dataset) || from_us == VG_NEVER || !base_us)
        return 0;
    int rc = vg_budget_starts(dataset->zone, base_us, from_us, to_us, &starts, &n, err);
    free(starts);
    if (rc == 0 || err->code != VG_E_LIMIT)
        return rc;
    vg_fail(err, VG_E_LIMIT,
            "from %s to %s there are more than %d base windows of %s, those without rows too, and "
            "`drift: true` cannot be calibrated on so many",
            vg_format_time(from_us, from), vg_format_time(to_us, to), VG_BUDGET_WINDOWS,
            vg_format_duration(base_us, base));
    return vg_hint(err, "let the reference begin later, or choose a longer drift.base");
}

int vg_calibrate_hindrance(struct vg_store *store, const struct vg_dataset *dataset,
                           struct vg_arena *arena, const char **why, struct vg_error *err)
{
    const struct vg_strings none = {0};
    struct vg_reference *reference = NULL;
    struct vg_error fault = {0};
    int64_t version;
    *why = NULL;
    if (vg_store_reference_of(store, dataset->id, dataset->reference.name, VG_NEVER, &version,
                              err) < 0 ||
        (version && vg_store_reference(store, dataset->id, version, &none, &reference, err) < 0))
        return -1;
    if (reference && vg_calibrate_fits(dataset, reference->from_us, reference->to_us,
                                       reference->base_us, &fault) < 0)
        *why = vg_arena_strdup(arena, fault.msg);
    vg_reference_free(reference);
    return fault.code && !*why ? fail_memory(err) : 0;
}

/* --- What is said ----------------------------------------------------------------------------- */

static void log_streams(const char *dataset, const struct vg_budget *budget)
{
    char why[VG_WHY];
    for (uint32_t i = 0; i < budget->nstreams; i++) {
        const struct vg_budget_stream *stream = &budget->streams[i];
        vg_budget_say_stream(stream, why);
        if (*why)
            vg_log(VG_LOG_INFO, "a stream of the budget", "dataset", dataset, "column",
                   budget->columns[stream->column].name, "is", why, NULL);
    }
    for (uint32_t i = 0; i < budget->ncolumns; i++) {
        const char *reason = vg_budget_say_reason(&budget->columns[i]);
        if (*reason)
            vg_log(VG_LOG_INFO, "a column of the budget", "dataset", dataset, "column",
                   budget->columns[i].name, "is", reason, NULL);
    }
}

void vg_calibrate_log(const char *dataset, const struct vg_budget *budget)
{
    char days[VG_NUMBER_TEXT], expected[VG_NUMBER_TEXT], level[VG_NUMBER_TEXT],
        span[VG_NUMBER_TEXT], struck[VG_NUMBER_TEXT], streams[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "the budget is calibrated", "dataset", dataset, "streams",
           vg_format_double(budget->nstreams, streams), "alarm_days",
           vg_format_double(budget->replay_days, days), "of_days",
           vg_format_human(budget->nwindows / budget->per_day, 3, span), "windows_struck_out",
           vg_format_double(budget->nstruck, struck), "level",
           vg_format_human(budget->alpha_star, 2, level), "expected_false_incidents_a_week",
           vg_format_human(budget->expected_week, 2, expected), NULL);
    if (budget->uncalibrated)
        vg_log(VG_LOG_WARN,
               "the reference is too short for a replay: the levels of the budget"
               " assume independent rows",
               "dataset", dataset, NULL);
    log_streams(dataset, budget);
}
