/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model of a dataset: names, look-ups, and its bytes. Pure. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/learn.h"
#include "agent/summary/codec.h"

enum { MODEL_VERSION = 2, COLUMNS_MOST = 10000, NAME_MOST = 1024, SLOTS_MOST = 3 * 86400 };

const char *vg_budget_kind_name(enum vg_budget_kind kind)
{
    static const char *const names[VG_BUDGET_KINDS] = {
        [VG_BUDGET_KS] = "ks",
        [VG_BUDGET_SPREAD] = "spread",
        [VG_BUDGET_LEVELS] = "levels",
        [VG_BUDGET_NULLS] = "nulls",
    };
    return names[kind];
}

const char *vg_budget_reason_name(enum vg_budget_reason reason)
{
    static const char *const names[VG_BUDGET_REASONS] = {
        [VG_BUDGET_TESTED] = "tested",         [VG_BUDGET_CALENDAR] = "calendar",
        [VG_BUDGET_IDENTIFIER] = "identifier", [VG_BUDGET_CROWDED] = "crowded",
        [VG_BUDGET_UNCOUNTED] = "uncounted",   [VG_BUDGET_NO_VALUES] = "no values",
        [VG_BUDGET_NOT_FINITE] = "not finite", [VG_BUDGET_FEW_VALUES] = "few values",
    };
    return names[reason];
}

void vg_budget_free(struct vg_budget *budget)
{
    if (!budget)
        return;
    for (uint32_t i = 0; budget->columns && i < budget->ncolumns; i++)
        free(budget->columns[i].name);
    free(budget->columns);
    free(budget->streams);
    free(budget->struck);
    free(budget->seen_thin);
    free(budget);
}

int vg_budget_find(const struct vg_budget *budget, const char *column)
{
    for (uint32_t i = 0; i < budget->ncolumns; i++) {
        if (!strcmp(budget->columns[i].name, column))
            return (int)i;
    }
    return -1;
}

int vg_budget_stream(const struct vg_budget *budget, uint32_t column, enum vg_budget_kind kind)
{
    for (uint32_t i = 0; i < budget->nstreams; i++) {
        if (budget->streams[i].column == column && budget->streams[i].kind == kind)
            return (int)i;
    }
    return -1;
}

double vg_budget_visible(const struct vg_budget_stream *stream, const double least[VG_BUDGET_KINDS])
{
    double unchanged = stream->kind == VG_BUDGET_SPREAD ? 1 : 0;
    double visible = fmax(stream->visible, unchanged + least[stream->kind]);
    return stream->kind == VG_BUDGET_KS && visible >= 1 ? INFINITY : visible; /* no D is larger */
}

/* --- calendars, as model and parts both hold them --- */

void vg_calendar_put(const struct vg_calendar *calendar, struct vg_buf *out)
{
    vg_blob_put_double(out, calendar->per_day);
    vg_blob_put_count(out, calendar->types);
    vg_blob_put_count(out, calendar->nslots);
    vg_blob_put_count(out, calendar->nscales);
    for (uint32_t i = 0; i < calendar->nscales; i++)
        vg_blob_put_count(out, calendar->scales[i]);
}

void vg_calendar_get(struct vg_blob *blob, struct vg_calendar *out)
{
    static const uint32_t scales[VG_BUDGET_SCALES] = {1, 2, 4, 8, 24};
    *out = (struct vg_calendar){.per_day = vg_blob_double(blob)};
    out->types = (uint32_t)vg_blob_count_to(blob, 3);
    out->nslots = (uint32_t)vg_blob_count_to(blob, SLOTS_MOST);
    out->nscales = (uint32_t)vg_blob_count_to(blob, VG_BUDGET_SCALES);
    blob->bad |= !(out->per_day > 0 && out->per_day <= 86400) || !out->nscales;
    for (uint32_t i = 0; i < out->nscales && !blob->bad; i++) {
        out->scales[i] = (uint32_t)vg_blob_count_to(blob, VG_BUDGET_LOOK);
        blob->bad |= out->scales[i] != scales[i];
    }
    if (blob->bad)
        return;
    uint32_t nslots = out->types ? out->types * (uint32_t)out->per_day : 1;
    blob->bad |= out->nslots != nslots || !nslots || (out->types && out->per_day < 4);
}

/* --- writing --- */

static void put_columns(const struct vg_budget *budget, struct vg_buf *out)
{
    vg_blob_put_count(out, budget->ncolumns);
    for (uint32_t i = 0; i < budget->ncolumns; i++) {
        const struct vg_budget_column *column = &budget->columns[i];
        uint8_t bits = (uint8_t)(column->is_private | column->had_nulls << 1 |
                                 column->all_null << 2 | column->new_values << 3);
        vg_blob_put_count(out, strlen(column->name));
        vg_buf_puts(out, column->name);
        vg_blob_put_count(out, column->kind);
        vg_blob_put_count(out, column->reason);
        vg_buf_add(out, &bits, 1);
        vg_blob_put_count(out, column->nulls_with);
        vg_blob_put_count(out, column->new_values_learnt);
    }
}

static void put_streams(const struct vg_budget *budget, struct vg_buf *out)
{
    vg_blob_put_count(out, budget->nstreams);
    for (uint32_t i = 0; i < budget->nstreams; i++) {
        const struct vg_budget_stream *stream = &budget->streams[i];
        uint8_t bits = (uint8_t)(stream->not_stationary | stream->noisy << 1 | stream->blind << 2);
        vg_blob_put_count(out, stream->kind);
        vg_blob_put_count(out, stream->column);
        vg_blob_put_double(out, stream->level);
        vg_blob_put_double(out, stream->own);
        vg_blob_put_count(out, stream->days);
        vg_blob_put_double(out, stream->share);
        vg_buf_add(out, &bits, 1);
        vg_blob_put_double(out, stream->visible);
        vg_blob_put_count(out, stream->visible_of);
        vg_blob_put_double(out, stream->visible_top);
    }
}

int vg_budget_write(const struct vg_budget *budget, struct vg_buf *out, struct vg_error *err)
{
    struct vg_calendar calendar = vg_calendar_read(budget);
    uint8_t uncalibrated = budget->uncalibrated;
    size_t start;
    vg_blob_begin(out, MODEL_VERSION, &start);
    vg_blob_put_u64(out, (uint64_t)budget->base_us);
    vg_blob_put_u64(out, (uint64_t)budget->from_us);
    vg_blob_put_count(out, budget->nwindows);
    vg_calendar_put(&calendar, out);
    vg_buf_add(out, budget->seen_thin, budget->nslots);
    vg_buf_add(out, &uncalibrated, 1);
    const double numbers[] = {budget->budget,  budget->alpha0, budget->alpha_star,
                              budget->allowed, budget->share,  budget->expected_week};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        vg_blob_put_double(out, numbers[i]);
    vg_blob_put_count(out, budget->replay_days);
    vg_blob_put_count(out, budget->nstruck);
    for (uint32_t i = 0; i < budget->nstruck; i++)
        vg_blob_put_u64(out, (uint64_t)budget->struck[i]);
    put_columns(budget, out);
    put_streams(budget, out);
    vg_blob_end(out, start);
    return out->failed ? vg_fail(err, VG_E_MEMORY, "out of memory writing the budget") : 0;
}

/* --- reading: 0, or -1 when out of memory; nonsense is blob->bad --- */

static double read_number(struct vg_blob *blob, double least, double most)
{
    double x = vg_blob_double(blob);
    blob->bad |= !(x >= least && x <= most);
    return x;
}

static int read_head(struct vg_blob *blob, struct vg_budget *out)
{
    struct vg_calendar calendar;
    out->base_us = (int64_t)vg_blob_u64(blob);
    out->from_us = (int64_t)vg_blob_u64(blob);
    out->nwindows = (uint32_t)vg_blob_count_to(blob, VG_BUDGET_WINDOWS);
    vg_calendar_get(blob, &calendar);
    blob->bad |= out->base_us <= 0 || !out->nwindows ||
                 (!blob->bad && calendar.per_day != vg_budget_per_day(out->base_us));
    const uint8_t *seen_thin = blob->bad ? NULL : vg_blob_bytes(blob, calendar.nslots);
    if (!seen_thin)
        return 0;
    out->seen_thin = vg_array(calendar.nslots, 1);
    if (!out->seen_thin)
        return -1;
    for (uint32_t i = 0; i < calendar.nslots; i++) {
        out->seen_thin[i] = seen_thin[i];
        blob->bad |= seen_thin[i] > 1;
    }
    vg_calendar_set(out, &calendar);
    uint8_t uncalibrated = vg_blob_byte(blob);
    blob->bad |= uncalibrated != (out->nwindows < VG_BUDGET_LEAST);
    out->uncalibrated = uncalibrated;
    out->budget = read_number(blob, DBL_MIN, DBL_MAX);
    out->alpha0 = read_number(blob, 0, DBL_MAX);
    out->alpha_star = read_number(blob, 0, DBL_MAX);
    out->allowed = read_number(blob, 0, DBL_MAX);
    out->share = read_number(blob, 0, 1);
    out->expected_week = read_number(blob, 0, DBL_MAX);
    out->replay_days = (uint32_t)vg_blob_count_to(blob, VG_BUDGET_WINDOWS);
    return 0;
}

static int read_struck(struct vg_blob *blob, struct vg_budget *out)
{
    uint32_t n = (uint32_t)vg_blob_count_to(blob, out->nwindows);
    blob->bad |= n > (size_t)(blob->end - blob->at) / sizeof(int64_t);
    if (blob->bad || !n)
        return 0;
    out->struck = vg_array(n, sizeof *out->struck);
    if (!out->struck)
        return -1;
    out->nstruck = n;
    for (uint32_t i = 0; i < n; i++) {
        out->struck[i] = (int64_t)vg_blob_u64(blob);
        blob->bad |= i && out->struck[i] <= out->struck[i - 1];
    }
    return 0;
}

static int read_column(struct vg_blob *blob, uint32_t ncolumns, struct vg_budget_column *out)
{
    size_t len = (size_t)vg_blob_count_to(blob, NAME_MOST);
    const char *name = (const char *)vg_blob_bytes(blob, len);
    blob->bad |= !name || memchr(name, 0, len);
    if (blob->bad)
        return 0;
    out->name = strndup(name, len);
    if (!out->name)
        return -1;
    out->kind = (enum vg_kind)vg_blob_count_to(blob, VG_KIND_TEXT);
    out->reason = (enum vg_budget_reason)vg_blob_count_to(blob, VG_BUDGET_REASONS - 1);
    uint8_t bits = vg_blob_byte(blob);
    out->is_private = bits & 1;
    out->had_nulls = bits >> 1 & 1;
    out->all_null = bits >> 2 & 1;
    out->new_values = bits >> 3 & 1;
    uint64_t with = vg_blob_count_to(blob, UINT32_MAX);
    blob->bad |= bits > 15 || (with >= ncolumns && with != UINT32_MAX);
    out->nulls_with = (uint32_t)with;
    out->new_values_learnt = (uint32_t)vg_blob_count_to(blob, UINT32_MAX);
    return 0;
}

static int read_columns(struct vg_blob *blob, struct vg_budget *out)
{
    uint32_t n = (uint32_t)vg_blob_count_to(blob, COLUMNS_MOST);
    blob->bad |= n > (size_t)(blob->end - blob->at);
    if (blob->bad)
        return 0;
    out->columns = vg_array(n + 1, sizeof *out->columns);
    if (!out->columns)
        return -1;
    for (out->ncolumns = 0; out->ncolumns < n && !blob->bad; out->ncolumns++) {
        if (read_column(blob, n, &out->columns[out->ncolumns]) < 0)
            return -1;
    }
    return 0;
}

static void read_stream(struct vg_blob *blob, const struct vg_budget *budget,
                        struct vg_budget_stream *out)
{
    out->kind = (enum vg_budget_kind)vg_blob_count_to(blob, VG_BUDGET_KINDS - 1);
    out->column = (uint32_t)vg_blob_count_to(blob, UINT32_MAX);
    out->level = read_number(blob, 0, DBL_MAX);
    out->own = read_number(blob, 0, DBL_MAX);
    out->days = (uint32_t)vg_blob_count_to(blob, budget->nwindows);
    out->share = read_number(blob, 0, 1);
    uint8_t bits = vg_blob_byte(blob);
    out->not_stationary = bits & 1;
    out->noisy = bits >> 1 & 1;
    out->blind = bits >> 2 & 1;
    out->visible = read_number(blob, 0, HUGE_VAL);
    out->visible_of = (enum vg_budget_value)vg_blob_count_to(blob, VG_BUDGET_NULL);
    out->visible_top = read_number(blob, 0, HUGE_VAL);
    blob->bad |= bits > 7 || out->column >= budget->ncolumns;
}

/* In the order of columns, then kinds. */
static int read_streams(struct vg_blob *blob, struct vg_budget *out)
{
    uint32_t n = (uint32_t)vg_blob_count_to(blob, VG_BUDGET_STREAMS * COLUMNS_MOST);
    blob->bad |= n > VG_BUDGET_STREAMS * (size_t)out->ncolumns;
    if (blob->bad)
        return 0;
    out->streams = vg_array(n + 1, sizeof *out->streams);
    if (!out->streams)
        return -1;
    out->nstreams = n;
    for (uint32_t i = 0; i < n && !blob->bad; i++) {
        struct vg_budget_stream *stream = &out->streams[i];
        read_stream(blob, out, stream);
        blob->bad |=
            i && (stream->column < stream[-1].column ||
                  (stream->column == stream[-1].column && stream->kind <= stream[-1].kind));
    }
    return 0;
}

int vg_budget_read(const void *data, size_t size, struct vg_budget **out, struct vg_error *err)
{
    struct vg_blob blob;
    *out = NULL;
    if (vg_blob_open(&blob, data, size, MODEL_VERSION, err) < 0)
        return vg_where(err, "the budget of a dataset");
    struct vg_budget *budget = calloc(1, sizeof *budget);
    int rc = budget ? read_head(&blob, budget) : -1;
    if (rc == 0 && !blob.bad)
        rc = read_struck(&blob, budget);
    if (rc == 0 && !blob.bad)
        rc = read_columns(&blob, budget);
    if (rc == 0 && !blob.bad)
        rc = read_streams(&blob, budget);
    if (rc == 0 && !blob.bad && blob.at == blob.end) {
        *out = budget;
        return 0;
    }
    vg_budget_free(budget);
    if (rc < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory reading the budget of a dataset");
    return vg_fail(err, VG_E_STATE, "the stored budget of a dataset (%zu bytes) contradicts itself",
                   size);
}
