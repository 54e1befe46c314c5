/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column of a calibration: what it is, which streams it has, their replay, their fit. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/calibrating.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory learning the budget");
}

static bool is_category(const struct vg_budget_input *input)
{
    return input->kind == VG_KIND_TEXT || input->kind == VG_KIND_BOOL;
}

void vg_calibrated_column_clear(struct vg_calibrated_column *column)
{
    for (size_t i = 0; i < column->categories.ntop; i++)
        free(column->categories.label[i]);
    free(column->categories.values);
    *column = (struct vg_calibrated_column){0};
}

/* --- what a column is --- */

/* The values of a category become its levels. */
static int make_categories(const struct vg_budget_input *input, const struct vg_values *table,
                           struct vg_categories *out)
{
    uint64_t counts[VG_BUDGET_TOP + 1], hashes[VG_BUDGET_TOP + 1];
    size_t n = vg_values_n(table);
    out->ntop = vg_values_largest(table, VG_BUDGET_TOP, hashes, counts);
    memcpy(out->hash, hashes, out->ntop * sizeof *hashes);
    out->whole = n <= VG_TOP_EXACT && !vg_values_full(table);
    out->has_other = n > out->ntop;
    out->has_unseen = out->whole && !(input->kind == VG_KIND_BOOL && n == 2);
    if (!out->whole)
        return 0;
    out->values = vg_array(n ? n : 1, sizeof *out->values);
    if (!out->values)
        return -1;
    out->nvalues = n;
    vg_values_hashes(table, out->values);
    return 0;
}

static bool is_identifier(const struct vg_values *table)
{
    uint64_t counts[VG_BUDGET_TOP + 1], hashes[VG_BUDGET_TOP + 1];
    size_t n = vg_values_largest(table, VG_BUDGET_TOP, hashes, counts);
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most += (double)counts[i];
    return most < vg_values_rows(table) / 2;
}

static enum vg_budget_reason find_reason(const struct vg_budget_feed *feed)
{
    enum vg_kind kind = feed->input->kind;
    if (kind == VG_KIND_OTHER || feed->uncounted)
        return feed->any_present ? VG_BUDGET_UNCOUNTED : VG_BUDGET_NO_VALUES;
    if (!feed->calendar.any)
        return feed->any_present ? VG_BUDGET_NOT_FINITE : VG_BUDGET_NO_VALUES;
    if (feed->present < VG_BUDGET_THIN)
        return VG_BUDGET_FEW_VALUES;
    if (vg_calendar_column_is(&feed->calendar))
        return VG_BUDGET_CALENDAR;
    if (kind == VG_KIND_TIME)
        return VG_BUDGET_UNCOUNTED;
    if (!feed->table)
        return VG_BUDGET_TESTED;
    if (feed->crowded || vg_values_full(feed->table))
        return VG_BUDGET_CROWDED;
    return is_identifier(feed->table) ? VG_BUDGET_IDENTIFIER : VG_BUDGET_TESTED;
}

/* Columns with equal null counts in every window share a stream: the first one carries it. */
static int find_mask(struct vg_calibrating *job, size_t column, const struct vg_budget_feed *feed)
{
    size_t n = job->task->nwindows;
    double *nulls = vg_arena_array(feed->arena, n, sizeof *nulls);
    if (!nulls)
        return -1;
    for (size_t w = 0; w < n; w++)
        nulls[w] = feed->nulls[2 * w + 1];
    job->columns[column].mask = vg_hash64(nulls, n * sizeof *nulls);
    for (size_t i = 0; i <= column; i++) {
        if (i == column || (job->columns[i].mask == job->columns[column].mask &&
                            job->out->columns[i].nulls_with != UINT32_MAX)) {
            job->out->columns[column].nulls_with = (uint32_t)i;
            break;
        }
    }
    return 0;
}

/* --- streams --- */

static struct vg_series make_series(const struct vg_calibrating *job,
                                    const struct vg_budget_feed *feed, enum vg_budget_kind kind)
{
    struct vg_series series = {.n = job->task->nwindows, .slot = job->slot};
    bool nulls = kind == VG_BUDGET_NULLS;
    series.rows = nulls ? feed->all : feed->values;
    series.cells = nulls ? feed->nulls : feed->counts;
    series.width = nulls ? 2 : feed->width;
    series.m2 = feed->m2;
    return series;
}

static int add_stream(struct vg_calibrating *job, size_t column, const struct vg_budget_feed *feed,
                      enum vg_budget_kind kind)
{
    struct vg_budget *out = job->out;
    size_t n = job->task->nwindows;
    out->streams[out->nstreams] =
        (struct vg_budget_stream){.kind = kind, .column = (uint32_t)column};
    uint32_t s = out->nstreams++;
    if (out->uncalibrated)
        return 0;
    job->p[s] = vg_arena_array(job->arena, n, sizeof *job->p[s]);
    if (!job->p[s])
        return -1;
    struct vg_series series = make_series(job, feed, kind);
    struct vg_calendar first = job->calendar;
    first.nscales = 1;
    return vg_replay_stream(kind, &series, &first, &job->work, job->p[s]);
}

static int add_streams(struct vg_calibrating *job, size_t column, const struct vg_budget_feed *feed)
{
    const struct vg_budget_column *known = &job->out->columns[column];
    bool tested = known->reason == VG_BUDGET_TESTED;
    bool numbers = tested && !is_category(feed->input);
    if (numbers && (add_stream(job, column, feed, VG_BUDGET_KS) < 0 ||
                    add_stream(job, column, feed, VG_BUDGET_SPREAD) < 0))
        return -1;
    if (tested && !numbers && add_stream(job, column, feed, VG_BUDGET_LEVELS) < 0)
        return -1;
    return known->nulls_with == column ? add_stream(job, column, feed, VG_BUDGET_NULLS) : 0;
}

/* The second visit of a category: counts of its levels, and the rule "new value" rehearsed. */
static int count_categories(struct vg_calibrating *job, size_t column, struct vg_values *table,
                            struct vg_budget_feed *feed, struct vg_error *err)
{
    struct vg_budget_column *known = &job->out->columns[column];
    *feed = (struct vg_budget_feed){.task = job->task,
                                    .input = &job->task->columns[column],
                                    .mode = VG_FEED_COUNT,
                                    .categories = &job->columns[column].categories};
    if (make_categories(feed->input, table, feed->categories) < 0)
        return fail_memory(err);
    if (feed->categories->whole) {
        feed->rehearsal = vg_rehearsal_new(table, job->out->gap);
        if (!feed->rehearsal)
            return fail_memory(err);
    }
    if (vg_feed_visit(feed, column, err) < 0)
        return -1;
    if (feed->rehearsal) {
        uint32_t reported = vg_rehearsal_reported(feed->rehearsal);
        known->new_values = reported <= job->out->allowed / 2;
        known->new_values_learnt = known->new_values ? 0 : reported;
    }
    return 0;
}

/* Days on which a base window was nothing but NULLs though the column had had values before. */
static uint32_t count_void_days(const struct vg_calibrating *job, const struct vg_budget_feed *feed)
{
    uint32_t days = 0;
    bool had_values = false;
    for (size_t w = 0, last = 0; w < job->task->nwindows; w++) {
        bool is_void = feed->all[w] >= VG_BUDGET_THIN && !(feed->nulls[2 * w] > 0);
        had_values |= feed->nulls[2 * w] > 0;
        if (!had_values || !is_void || (days && w - last < job->out->gap))
            continue;
        days++;
        last = w;
    }
    return days;
}

static int note_column(struct vg_calibrating *job, size_t column, const struct vg_budget_feed *feed,
                       struct vg_error *err)
{
    struct vg_budget_column *known = &job->out->columns[column];
    known->reason = find_reason(feed);
    known->had_nulls = feed->any_null;
    known->all_null = feed->any_null &&
                      (!feed->any_present || count_void_days(job, feed) > job->out->allowed / 2);
    for (size_t w = 0; w < job->task->nwindows; w++)
        job->well_filled[w] |= feed->all[w] >= VG_BUDGET_THIN;
    if (feed->read < VG_BUDGET_THIN) {
        known->had_nulls = known->all_null = true; /* a few rows show nothing of what can be */
        return 0;
    }
    if (feed->any_null && find_mask(job, column, feed) < 0)
        return fail_memory(err);
    return 0;
}

int vg_calibrate_look(struct vg_calibrating *job, size_t column, struct vg_error *err)
{
    struct vg_budget_column *known = &job->out->columns[column];
    struct vg_budget_feed look = {.task = job->task, .input = &job->task->columns[column]};
    struct vg_budget_feed count = {0};
    const struct vg_budget_feed *feed = &look;
    int rc = -1;
    if (is_category(look.input) && !(look.table = vg_values_new()))
        return fail_memory(err);
    if (vg_feed_visit(&look, column, err) < 0 || note_column(job, column, &look, err) < 0)
        goto out;
    bool counts = known->reason != VG_BUDGET_CROWDED && known->reason != VG_BUDGET_FEW_VALUES;
    if (look.table && counts && vg_values_n(look.table) && !look.uncounted) {
        if (count_categories(job, column, look.table, &count, err) < 0)
            goto out;
        feed = &count;
    }
    rc = add_streams(job, column, feed) < 0 ? fail_memory(err) : 0;
out:
    vg_feed_end(&count);
    vg_feed_end(&look);
    return rc;
}

/* --- the last visit --- */

static double find_sharpest(const struct vg_fit_ks *fit)
{
    double most = 0;
    for (size_t i = 0; i < fit->basis.calendar.nscales; i++) {
        if (fit->deff[i] > 0)
            most = fmax(most, fit->sight[i]);
    }
    return most;
}

void vg_sight_look(const struct vg_sight *sight, const struct vg_categories *categories,
                   struct vg_budget_stream *stream)
{
    size_t of;
    switch (stream->kind) {
    case VG_BUDGET_KS:
        stream->visible = vg_sight_distance(sight->effective, stream->level);
        return;
    case VG_BUDGET_SPREAD:
        stream->visible = vg_fit_spread_visible(&sight->spread, stream->level);
        return;
    default:
        stream->visible = vg_fit_counts_visible(&sight->counts, stream->level, &of);
    }
    if (stream->kind != VG_BUDGET_LEVELS)
        return;
    stream->visible_of = sight->counts.single ? VG_BUDGET_ONE : vg_categories_level(categories, of);
    stream->visible_top = vg_fit_counts_visible_of(&sight->counts, stream->level, 0);
}

/* A stream fitted: into the part, and what its sight needs. */
struct fitting {
    struct vg_calibrating *job;
    struct vg_budget_feed *feed;
    struct vg_budget_part part;
    struct vg_part_counts counts;
};

static int fit_numbers(struct fitting *fitting, enum vg_budget_kind kind,
                       const struct vg_series *series, struct vg_sight *sight)
{
    struct vg_calibrating *job = fitting->job;
    struct vg_budget_part *part = &fitting->part;
    bool independent = job->out->uncalibrated;
    if (kind == VG_BUDGET_SPREAD) {
        int rc = vg_fit_spread(series, &job->calendar, &job->work, &part->spread);
        sight->spread = part->spread;
        return rc;
    }
    if (vg_fit_ks(series, &job->calendar, independent, fitting->feed->arena, &job->work,
                  &part->ks) < 0)
        return -1;
    sight->effective = find_sharpest(&part->ks);
    part->grid_id = fitting->feed->grid_id;
    part->ncells = series->width + 1;
    return vg_slot_cells_of(series, job->calendar.nslots, fitting->feed->arena,
                            &fitting->counts.ks);
}

static int fit_shares(struct fitting *fitting, enum vg_budget_kind kind,
                      const struct vg_series *series, struct vg_sight *sight)
{
    struct vg_calibrating *job = fitting->job;
    bool nulls = kind == VG_BUDGET_NULLS;
    if (vg_fit_counts(series, &job->calendar, job->out->uncalibrated, job->arena, &job->work,
                      &sight->counts) < 0)
        return -1;
    *(nulls ? &fitting->part.nulls : &fitting->part.levels) = sight->counts;
    return vg_slot_counts_of(series, job->calendar.nslots, fitting->feed->arena,
                             nulls ? &fitting->counts.nulls : &fitting->counts.levels);
}

static int fit_stream(struct fitting *fitting, uint32_t s)
{
    struct vg_calibrating *job = fitting->job;
    enum vg_budget_kind kind = job->out->streams[s].kind;
    struct vg_series series = make_series(job, fitting->feed, kind);
    fitting->part.has[kind] = true;
    if (!job->out->uncalibrated &&
        vg_replay_stream(kind, &series, &job->calendar, &job->work, job->p[s]) < 0)
        return -1;
    if (kind == VG_BUDGET_KS || kind == VG_BUDGET_SPREAD)
        return fit_numbers(fitting, kind, &series, &job->sights[s]);
    return fit_shares(fitting, kind, &series, &job->sights[s]);
}

int vg_calibrate_fit(struct vg_calibrating *job, size_t column, struct vg_error *err)
{
    struct vg_categories *categories = &job->columns[column].categories;
    struct vg_budget_feed feed = {.task = job->task,
                                  .input = &job->task->columns[column],
                                  .mode = VG_FEED_COUNT,
                                  .struck = job->struck,
                                  .categories = categories->ntop ? categories : NULL};
    struct fitting fitting = {
        .job = job,
        .feed = &feed,
        .part = {.calendar = job->calendar, .uncalibrated = job->out->uncalibrated}};
    int rc = vg_feed_visit(&feed, column, err);
    for (uint32_t s = 0; rc == 0 && s < job->out->nstreams; s++) {
        if (job->out->streams[s].column == column && fit_stream(&fitting, s) < 0)
            rc = fail_memory(err);
    }
    fitting.part.categories = *categories;
    vg_buf_clear(&job->blob);
    if (rc == 0)
        rc = vg_budget_part_write(&fitting.part, &fitting.counts, &job->blob, err);
    if (rc == 0)
        rc = job->task->keep(job->task->arg, column, job->blob.data, job->blob.len, err);
    vg_feed_end(&feed);
    return rc;
}
