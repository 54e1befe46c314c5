/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning made columns and testing each of their hours, by the functions that the agent uses. */
#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgvigil/time.h"

enum { REFERENCE_DAYS = 28, MOST_BYTES = 1 << 28 };
#define EPOCH_US INT64_C(978307200000000) /* Monday, 1 January 2001 */

static void *need(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(70);
    }
    return memory;
}

static void must(int rc, const struct vg_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->msg);
        exit(70);
    }
}

void watch_begin(struct watch *watch, unsigned long seed, size_t columns, bool with_peers)
{
    *watch = (struct watch){.n = columns, .with_peers = with_peers};
    watch->plan = (struct draw_plan){0, REFERENCE_DAYS, NULL, 0, REFERENCE_DAYS};
    watch->rng = need(gsl_rng_alloc(gsl_rng_mt19937));
    gsl_rng_set(watch->rng, seed);
    watch->columns = need(calloc(columns, sizeof *watch->columns));
    watch->windows = need(calloc(columns, sizeof *watch->windows));
    watch->peers = need(calloc(columns, sizeof *watch->peers));
    watch->blobs = need(calloc(columns, sizeof *watch->blobs));
    watch->parts = need(calloc(columns, sizeof *watch->parts));
    for (size_t i = 0; i < columns; i++) {
        vg_buf_init(&watch->windows[i], MOST_BYTES);
        vg_buf_init(&watch->blobs[i], MOST_BYTES);
    }
}

static void keep_windows(const struct draw_series *series, struct vg_buf *out)
{
    struct vg_error err = {0};
    struct vg_buf blob;
    vg_buf_init(&blob, MOST_BYTES);
    for (size_t h = 0; h < series->hours; h++) {
        vg_buf_clear(&blob);
        must(vg_column_write(&series->windows[h], &blob, &err), &err);
        vg_buf_add(out, &blob.len, sizeof blob.len);
        vg_buf_add(out, blob.data, blob.len);
    }
    vg_buf_free(&blob);
    need(out->failed ? NULL : out->data);
}

void watch_add(struct watch *watch, size_t column, enum draw_table table, struct draw_law law)
{
    struct draw_series series;
    struct draw_column *made = &watch->columns[column];
    *made = (struct draw_column){.table = table, .law = law};
    made->phase = 2 * M_PI * gsl_rng_uniform(watch->rng);
    draw_series(watch->rng, made, &watch->plan, false, &series);
    keep_windows(&series, &watch->windows[column]);
    if (watch->with_peers)
        peer_learn(made, &series, &watch->peers[column]);
    draw_series_free(&series);
}

static int64_t hour_start(size_t hour)
{
    return EPOCH_US + (int64_t)hour * VG_HOUR_US;
}

static int visit(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err)
{
    const struct watch *watch = arg;
    const struct vg_buf *windows = &watch->windows[column];
    size_t at = 0;
    for (size_t h = 0; at < windows->len; h++) {
        struct vg_column_summary *window;
        size_t size;
        memcpy(&size, windows->data + at, sizeof size);
        at += sizeof size;
        if (vg_column_read(windows->data + at, size, &window, err) < 0)
            return -1;
        at += size;
        int rc = vg_budget_feed(feed, hour_start(h), window, err);
        vg_column_free(window);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int keep(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err)
{
    struct watch *watch = arg;
    vg_buf_add(&watch->blobs[column], blob, size);
    return watch->blobs[column].failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void watch_learn(struct watch *watch)
{
    struct vg_error err = {0};
    size_t hours = (size_t)watch->plan.days * 24;
    int64_t *starts = need(calloc(hours, sizeof *starts));
    struct vg_budget_input *inputs = need(calloc(watch->n, sizeof *inputs));
    for (size_t h = 0; h < hours; h++)
        starts[h] = hour_start(h);
    for (size_t i = 0; i < watch->n; i++) {
        static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_TEXT, VG_KIND_OTHER};
        char name[24];
        snprintf(name, sizeof name, "c%zu", i);
        inputs[i] =
            (struct vg_budget_input){need(strdup(name)), kinds[watch->columns[i].table], false};
    }
    struct vg_budget_task task = {.zone = &vg_utc,
                                  .base_us = VG_HOUR_US,
                                  .budget = 1 / 7.0,
                                  .starts = starts,
                                  .nwindows = hours,
                                  .columns = inputs,
                                  .ncolumns = watch->n,
                                  .visit = visit,
                                  .keep = keep,
                                  .arg = watch};
    double began = now_seconds();
    must(vg_budget_calibrate(&task, &watch->budget, &err), &err);
    watch->seconds = now_seconds() - began;
    for (size_t i = 0; i < watch->n; i++) {
        must(vg_budget_part_read(watch->blobs[i].data, watch->blobs[i].len, &watch->parts[i], &err),
             &err);
        free((char *)(uintptr_t)inputs[i].name);
    }
    free(inputs);
    free(starts);
}

json_t *watch_report(const struct watch *watch)
{
    const struct vg_budget *budget = watch->budget;
    json_int_t not_stationary = 0, good_not_stationary = 0, blind = 0, own = 0;
    for (uint32_t i = 0; i < budget->nstreams; i++) {
        const struct vg_budget_stream *stream = &budget->streams[i];
        bool good = watch->columns[stream->column].law.step == 0;
        not_stationary += stream->not_stationary;
        good_not_stationary += good && stream->not_stationary;
        blind += stream->blind;
        own += stream->own < budget->alpha_star;
    }
    return json_pack("{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "alpha0", budget->alpha0,
                     "alpha_star", budget->alpha_star, "streams", (json_int_t)budget->nstreams,
                     "day_types", (json_int_t)budget->day_types, "struck",
                     (json_int_t)budget->nstruck, "not_stationary", not_stationary,
                     "good_not_stationary", good_not_stationary, "blind", blind, "own_levels", own,
                     "learn_seconds", watch->seconds);
}

static bool is_alarm(const struct watch *watch, size_t column,
                     const struct vg_budget_recent *recent)
{
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    struct vg_error err = {0};
    size_t n;
    must(vg_budget_test(watch->budget, (uint32_t)column, watch->parts[column], recent, found, &n,
                        &err),
         &err);
    for (size_t i = 0; i < n; i++) {
        if (found[i].look == VG_BUDGET_LOOKED && found[i].p < found[i].level)
            return true;
    }
    return false;
}

void watch_series(const struct watch *watch, size_t column, const struct draw_series *series,
                  size_t from, bool *alarm)
{
    size_t first = (size_t)watch->plan.days * 24;
    for (size_t h = 0; h < series->hours; h++) {
        const struct vg_column_summary *windows[VG_BUDGET_LOOK];
        int64_t starts[VG_BUDGET_LOOK];
        size_t n = h + 1 < VG_BUDGET_LOOK ? h + 1 : (size_t)VG_BUDGET_LOOK;
        for (size_t i = 0; i < n; i++) {
            windows[i] = &series->windows[h + 1 - n + i];
            starts[i] = hour_start(first + h + 1 - n + i);
        }
        struct vg_budget_recent recent = {&vg_utc, starts, windows, n};
        alarm[h] = h >= from && is_alarm(watch, column, &recent);
    }
}

void watch_end(struct watch *watch)
{
    for (size_t i = 0; i < watch->n; i++) {
        vg_grid_free(watch->columns[i].grid);
        vg_buf_free(&watch->windows[i]);
        vg_buf_free(&watch->blobs[i]);
        vg_budget_part_free(watch->parts[i]);
        peer_free(&watch->peers[i]);
    }
    vg_budget_free(watch->budget);
    free(watch->columns);
    free(watch->windows);
    free(watch->peers);
    free(watch->blobs);
    free(watch->parts);
    gsl_rng_free(watch->rng);
}
