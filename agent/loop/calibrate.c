/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calibrating: the base windows of the reference in use out of the store, the model and the parts
 * of its columns back into it. Reads nothing else, so it is the same whenever it is made. */
#include "agent/loop/calibrate.h"

#include <stdlib.h>

#include "agent/plan_budget.h"
#include "checks/check_budget_text.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { MODEL_MAX = 64 << 20 };

struct calibration {
    const struct vg_cycle_env *env;
    const struct vg_dataset *dataset;
    struct vg_arena *arena;
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

/* What is to be calibrated, and whether it is. */
static int look(struct calibration *run, struct vg_store *store, bool *wanted, struct vg_error *err)
{
    const struct vg_strings none = {0};
    struct vg_calibration stored;
    bool found = false;
    *wanted = false;
    if (!vg_plan_has_budget(run->dataset))
        return 0;
    if (vg_store_reference(store, run->dataset->id, 0, &none, &run->reference, err) < 0)
        return -1;
    if (!run->reference || run->reference->from_us == VG_NEVER || !run->reference->base_us)
        return 0;
    if (vg_plan_budget(run->dataset, run->reference, run->arena, &run->columns, &run->ncolumns) < 0)
        return fail_memory(err);
    run->inputs = vg_plan_budget_inputs(run->dataset, run->columns, run->ncolumns, run->arena);
    if (!run->inputs)
        return fail_memory(err);
    if (vg_store_calibration(store, run->reference->version, run->arena, &stored, &found, err) < 0)
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
}

int vg_calibrate_wanted(struct vg_store *store, const struct vg_dataset *dataset, bool *wanted,
                        struct vg_error *err)
{
    struct calibration run = {.dataset = dataset};
    *wanted = false;
    if (!vg_plan_has_budget(dataset))
        return 0;
    if (open_run(&run, err) < 0)
        return -1;
    int rc = look(&run, store, wanted, err);
    close_run(&run);
    return rc;
}

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

int vg_calibrate_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                     void (*progress)(const char *dataset, double done), struct vg_error *err)
{
    struct calibration run = {.env = env, .dataset = dataset, .progress = progress};
    bool wanted;
    if (open_run(&run, err) < 0)
        return -1;
    int rc = look(&run, env->store, &wanted, err);
    if (rc == 0 && wanted)
        rc = learn(&run, err);
    close_run(&run);
    return rc;
}

int vg_calibrate_load(struct vg_store *store, const char *dataset, int64_t version,
                      struct vg_budget **out, struct vg_error *err)
{
    struct vg_reference_row *rows;
    struct vg_calibration stored;
    size_t n;
    bool found = false;
    *out = NULL;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return fail_memory(err);
    int rc = vg_store_references(store, dataset, arena, &rows, &n, err);
    for (size_t i = 0; rc == 0 && !version && i < n; i++)
        version = rows[i].active ? rows[i].version : 0;
    if (rc == 0 && version)
        rc = vg_store_calibration(store, version, arena, &stored, &found, err);
    if (rc == 0 && found)
        rc = vg_budget_read(stored.body, stored.size, out, err);
    vg_arena_free(arena);
    return rc;
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
        const char *reason = vg_budget_say_reason(budget->columns[i].reason);
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
