/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calibration, in the order of the policy: look at every column, replay it at the shortest
 * look-back, strike out disasters, replay and fit what is left, learn the levels. Pure.
 *
 * One column is in memory at a time; what outlives it is the p of its streams in every window and
 * the little that its smallest visible change needs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/calibrating.h"

enum { BLOB_MOST = 64 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory learning the budget");
}

/* --- the dataset as a whole --- */

static int open_calendar(struct vg_calibrating *job)
{
    const struct vg_budget_task *task = job->task;
    size_t n = task->nwindows;
    struct vg_budget_place *places = vg_arena_array(job->arena, n, sizeof *places);
    job->slot = vg_arena_array(job->arena, n, sizeof *job->slot);
    job->struck = vg_arena_array(job->arena, n, sizeof *job->struck);
    job->well_filled = vg_arena_array(job->arena, n, sizeof *job->well_filled);
    if (!places || !job->slot || !job->struck || !job->well_filled)
        return -1;
    for (size_t w = 0; w < n; w++)
        places[w] = vg_budget_place(task->zone, task->base_us, task->starts[w]);
    vg_calendar_of(places, n, vg_budget_per_day(task->base_us), &job->calendar);
    for (size_t w = 0; w < n; w++)
        job->slot[w] = vg_calendar_slot(&job->calendar, places[w]);
    return 0;
}

static int open_model(struct vg_calibrating *job)
{
    const struct vg_budget_task *task = job->task;
    struct vg_budget *out = job->out;
    size_t most = VG_BUDGET_STREAMS * task->ncolumns + 1;
    vg_calendar_set(out, &job->calendar);
    out->base_us = task->base_us;
    out->from_us = task->starts[0];
    out->nwindows = (uint32_t)task->nwindows;
    out->uncalibrated = task->nwindows < VG_BUDGET_LEAST;
    out->budget = task->budget;
    out->allowed = task->budget * ((double)task->nwindows / out->per_day) + 1e-9;
    out->seen_thin = vg_array(out->nslots, 1);
    out->columns = vg_array(task->ncolumns + 1, sizeof *out->columns);
    out->streams = vg_array(most, sizeof *out->streams);
    job->columns = vg_arena_array(job->arena, task->ncolumns + 1, sizeof *job->columns);
    job->p = vg_arena_array(job->arena, most, sizeof *job->p);
    job->sights = vg_arena_array(job->arena, most, sizeof *job->sights);
    if (!out->seen_thin || !out->columns || !out->streams || !job->columns || !job->p ||
        !job->sights)
        return -1;
    for (size_t i = 0; i < task->ncolumns; i++) {
        const struct vg_budget_input *input = &task->columns[i];
        out->columns[i] = (struct vg_budget_column){
            .kind = input->kind, .is_private = input->is_private, .nulls_with = UINT32_MAX};
        out->columns[i].name = strdup(input->name);
        if (!out->columns[i].name)
            return -1;
        out->ncolumns++;
    }
    return 0;
}

static int say_progress(const struct vg_calibrating *job, double done, struct vg_error *err)
{
    const struct vg_budget_task *task = job->task;
    if (task->progress && !task->progress(task->arg, done))
        return vg_fail(err, VG_E_CANCELLED, "learning the budget was stopped");
    return 0;
}

/* --- levels, once every stream has been replayed --- */

static void find_alpha0(struct vg_calibrating *job)
{
    struct vg_budget *out = job->out;
    double tests = out->per_day * (out->nstreams ? out->nstreams : 1) * out->nscales;
    out->alpha0 = fmin(out->budget / tests, 1);
}

static struct vg_replayed read_replayed(const struct vg_calibrating *job)
{
    const struct vg_budget *out = job->out;
    return (struct vg_replayed){.p = (const double *const *)job->p,
                                .nstreams = out->nstreams,
                                .n = out->nwindows,
                                .alpha0 = out->alpha0,
                                .allowed = out->allowed,
                                .gap = out->gap};
}

static int strike(struct vg_calibrating *job)
{
    struct vg_budget *out = job->out;
    struct vg_replayed replayed = read_replayed(job);
    int n = vg_find_disasters(&replayed, job->struck);
    out->struck = n > 0 ? vg_array((size_t)n, sizeof *out->struck) : NULL;
    if (n < 0 || (n && !out->struck))
        return -1;
    for (size_t w = 0; w < out->nwindows; w++) {
        if (job->struck[w])
            out->struck[out->nstruck++] = job->task->starts[w];
    }
    return 0;
}

static int set_levels(struct vg_calibrating *job)
{
    struct vg_budget *out = job->out;
    double days = out->nwindows / out->per_day;
    out->alpha_star = out->alpha0;
    out->expected_week = 7 * out->budget;
    for (uint32_t s = 0; s < out->nstreams; s++)
        out->streams[s].level = out->streams[s].own = out->alpha0;
    if (out->uncalibrated)
        return 0;
    struct vg_replayed replayed = read_replayed(job);
    struct vg_levels levels;
    if (vg_find_levels(&replayed, out->streams, &levels) < 0)
        return -1;
    out->alpha_star = levels.alpha_star;
    out->replay_days = levels.days;
    out->share = levels.share;
    out->expected_week = 7 * fmin(out->budget, (levels.days + 1) / days);
    return 0;
}

static void set_sights(struct vg_calibrating *job)
{
    static const double most[VG_BUDGET_KINDS] = {[VG_BUDGET_KS] = 0.5,
                                                 [VG_BUDGET_SPREAD] = 4,
                                                 [VG_BUDGET_LEVELS] = 0.3,
                                                 [VG_BUDGET_NULLS] = 0.3};
    for (uint32_t s = 0; s < job->out->nstreams; s++) {
        struct vg_budget_stream *stream = &job->out->streams[s];
        vg_sight_look(&job->sights[s], &job->columns[stream->column].categories, stream);
        stream->blind = !(stream->visible <= most[stream->kind]);
    }
}

static void set_thin_slots(struct vg_calibrating *job)
{
    for (size_t w = 0; w < job->out->nwindows; w++) {
        if (!job->well_filled[w])
            job->out->seen_thin[job->slot[w]] = 1;
    }
}

static int learn(struct vg_calibrating *job, struct vg_error *err)
{
    size_t n = job->task->ncolumns;
    for (size_t i = 0; i < n; i++) {
        if (vg_calibrate_look(job, i, err) < 0 ||
            say_progress(job, (double)(i + 1) / (double)(3 * n), err) < 0)
            return -1;
    }
    find_alpha0(job);
    set_thin_slots(job);
    if (!job->out->uncalibrated && strike(job) < 0)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (vg_calibrate_fit(job, i, err) < 0 ||
            say_progress(job, (double)(n + 2 * (i + 1)) / (double)(3 * n), err) < 0)
            return -1;
    }
    if (set_levels(job) < 0)
        return fail_memory(err);
    set_sights(job);
    return 0;
}

int vg_budget_calibrate(const struct vg_budget_task *task, struct vg_budget **out,
                        struct vg_error *err)
{
    struct vg_calibrating job = {.task = task};
    *out = NULL;
    if (task->nwindows > VG_BUDGET_WINDOWS)
        return vg_fail(err, VG_E_LIMIT, "the reference has more than %d base windows",
                       VG_BUDGET_WINDOWS);
    if (!task->nwindows || !(task->budget > 0) || task->base_us <= 0)
        return vg_fail(err, VG_E_INTERNAL, "nothing to learn a budget from");
    job.arena = vg_arena_new();
    job.out = calloc(1, sizeof *job.out);
    vg_buf_init(&job.blob, BLOB_MOST);
    int rc = job.arena && job.out && open_calendar(&job) == 0 && open_model(&job) == 0
                 ? learn(&job, err)
                 : fail_memory(err);
    for (size_t i = 0; job.columns && i < task->ncolumns; i++)
        vg_calibrated_column_clear(&job.columns[i]);
    vg_buf_free(&job.blob);
    vg_work_free(&job.work);
    vg_arena_free(job.arena);
    if (rc == 0)
        *out = job.out;
    else
        vg_budget_free(job.out);
    return rc;
}
