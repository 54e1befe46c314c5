/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning made columns and testing each of their hours, by the functions that the agent uses. */
#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/budget/learn.h"
#include "pgvigil/time.h"

enum { REFERENCE_DAYS = 28, MOST_BYTES = 1 << 28, CHECKED = 89 };
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
    watch->plan = (struct draw_plan){.days = REFERENCE_DAYS, .reference_days = REFERENCE_DAYS};
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

/* --- Testing hours ---------------------------------------------------------------------------- */

/* The hours of a series as one kind of stream sees them. */
struct hours {
    struct vg_series series;
    uint32_t *slot;
    double *rows, *cells, *m2;
};

static void read_hour(const struct vg_budget_part *part, enum vg_budget_kind kind,
                      const struct vg_column_summary *window, struct hours *out, size_t w)
{
    double *cells = out->cells + w * out->series.width, below = 0;
    enum vg_budget_look look;
    if (kind == VG_BUDGET_LEVELS) {
        if (vg_categories_count(&part->categories, window, cells, &out->rows[w], &look) < 0)
            need(NULL);
        return;
    }
    out->rows[w] = (double)window->rows;
    if (kind == VG_BUDGET_NULLS) {
        cells[0] = (double)(window->rows - window->nulls);
        cells[1] = (double)window->nulls;
        return;
    }
    for (size_t j = 0; j < out->series.width; j++) {
        below += (double)window->coarse[j];
        cells[j] = below;
    }
    out->m2[w] = window->m2.hi;
}

static struct hours read_hours(const struct watch *watch, size_t column, enum vg_budget_kind kind,
                               const struct draw_series *series, size_t from, size_t to)
{
    const struct vg_budget_part *part = watch->parts[column];
    size_t n = to - from;
    size_t width = kind == VG_BUDGET_LEVELS  ? vg_categories_levels(&part->categories)
                   : kind == VG_BUDGET_NULLS ? 2
                                             : part->ncells - 1;
    struct hours out = {.slot = need(calloc(n, sizeof *out.slot)),
                        .rows = need(calloc(n, sizeof *out.rows)),
                        .cells = need(calloc(n * width, sizeof *out.cells)),
                        .m2 = need(calloc(n, sizeof *out.m2))};
    out.series = (struct vg_series){n, out.slot, out.rows, out.cells, width, out.m2};
    for (size_t w = 0; w < n; w++) {
        size_t hour = (size_t)watch->plan.days * 24 + from + w;
        out.slot[w] =
            vg_budget_slot(watch->budget, vg_budget_place(&vg_utc, VG_HOUR_US, hour_start(hour)));
        read_hour(part, kind, &series->windows[from + w], &out, w);
    }
    return out;
}

static void free_hours(struct hours *hours)
{
    free(hours->slot);
    free(hours->rows);
    free(hours->cells);
    free(hours->m2);
}

static void lower(double *least, double p)
{
    if (p < *least)
        *least = p;
}

static void judge_numbers(const struct vg_budget_part *part, enum vg_budget_kind kind,
                          const struct vg_series *series, double *least)
{
    double *p[VG_BUDGET_SCALES];
    struct vg_work work = {0};
    size_t n = series->n;
    double *found = need(calloc(VG_BUDGET_SCALES * n, sizeof *found));
    for (size_t i = 0; i < VG_BUDGET_SCALES; i++)
        p[i] = found + i * n;
    if (kind == VG_BUDGET_KS && vg_fit_ks_judge(&part->ks, series, 0, &work, NULL, p) < 0)
        need(NULL);
    for (size_t i = 0; kind == VG_BUDGET_KS && i < part->ks.basis.calendar.nscales; i++) {
        for (size_t w = 0; w < n; w++)
            lower(&least[w], p[i][w]);
    }
    const struct vg_fit_spread *spread = &part->spread;
    for (size_t i = 0; kind == VG_BUDGET_SPREAD && i < spread->nscales; i++) {
        for (size_t w = spread->scales[i] - 1; w < n; w++)
            lower(&least[w],
                  vg_fit_spread_p(spread, i, vg_spread_level(series, w, spread->scales[i])));
    }
    vg_work_free(&work);
    free(found);
}

static void judge_shares(const struct vg_fit_counts *fit, const struct vg_series *series,
                         size_t from, double *least)
{
    struct vg_counts_look look;
    struct vg_arena *arena = need(vg_arena_new());
    if (vg_counts_look_init(&look, fit->ntested, arena) < 0)
        need(NULL);
    for (size_t i = 0; i < fit->basis.calendar.nscales && fit->phi[i]; i++) {
        uint32_t scale = fit->basis.calendar.scales[i];
        for (size_t w = scale > from + 1 ? scale - 1 : from; w < series->n; w++) {
            vg_fit_counts_judge(fit, series, w, i, &look);
            lower(&least[w], look.smallest);
        }
    }
    vg_arena_free(arena);
}

/* The smallest p of a stream in the hours from .. to, of which the first `before` only serve to
 * look back on. */
static double *judge_stream(const struct watch *watch, size_t column, enum vg_budget_kind kind,
                            const struct hours *hours, size_t before)
{
    const struct vg_budget_part *part = watch->parts[column];
    double *least = need(calloc(hours->series.n, sizeof *least));
    for (size_t w = 0; w < hours->series.n; w++)
        least[w] = 1;
    if (kind == VG_BUDGET_KS || kind == VG_BUDGET_SPREAD)
        judge_numbers(part, kind, &hours->series, least);
    else
        judge_shares(kind == VG_BUDGET_NULLS ? &part->nulls : &part->levels, &hours->series, before,
                     least);
    return least;
}

/* Whether the agent's own test of one hour says alarm: of p below the level not all do. It must
 * find the same p, and one below the level only where p is. */
static bool test_hour(const struct watch *watch, size_t column, const struct draw_series *series,
                      size_t hour, uint32_t stream, double p)
{
    const struct vg_column_summary *windows[VG_BUDGET_LOOK];
    int64_t starts[VG_BUDGET_LOOK];
    size_t have = hour + 1 - series->first, nfound;
    size_t n = have < VG_BUDGET_LOOK ? have : (size_t)VG_BUDGET_LOOK;
    for (size_t i = 0; i < n; i++) {
        windows[i] = &series->windows[hour + 1 - n + i];
        starts[i] = hour_start((size_t)watch->plan.days * 24 + hour + 1 - n + i);
    }
    struct vg_budget_recent recent = {
        .zone = &vg_utc, .starts = starts, .windows = windows, .n = n};
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    struct vg_error err = {0};
    must(vg_budget_test(watch->budget, (uint32_t)column, watch->parts[column], &recent, found,
                        &nfound, &err),
         &err);
    size_t at = 0;
    while (at < nfound && found[at].stream != stream)
        at++;
    bool alarm = at < nfound && found[at].p < found[at].level && !found[at].slight;
    /* an alarm may rest on another look-back or value, if the one with the smallest p is slight */
    bool same = at < nfound && fabs(found[at].p - p) <= 1e-8 * p;
    if (same || (alarm && found[at].p > p))
        return alarm;
    fprintf(stderr, "column %zu, hour %zu: p %.17g, and by the agent's test %.17g\n", column, hour,
            p, at < nfound ? found[at].p : (double)NAN);
    exit(70);
}

void watch_series(const struct watch *watch, size_t column, const struct draw_series *series,
                  size_t from, size_t to, bool *alarm)
{
    size_t first = from - series->first < VG_BUDGET_LOOK ? series->first : from - VG_BUDGET_LOOK;
    memset(alarm + from, 0, (to - from) * sizeof *alarm);
    for (uint32_t s = 0; s < watch->budget->nstreams; s++) {
        const struct vg_budget_stream *stream = &watch->budget->streams[s];
        if (stream->column != column)
            continue;
        struct hours hours = read_hours(watch, column, stream->kind, series, first, to);
        double *p = judge_stream(watch, column, stream->kind, &hours, from - first);
        for (size_t h = from; h < to; h++) {
            bool below = p[h - first] < stream->level;
            if (below || h % CHECKED == 0)
                alarm[h] |= test_hour(watch, column, series, h, s, p[h - first]);
        }
        free(p);
        free_hours(&hours);
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
