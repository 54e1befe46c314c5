/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capturing a reference from beginning to end: what is to be read, whether it may be read now, the
 * two passes, and the record of success or failure in the store. */
#include "agent/loop/capture.h"

#include <string.h>

#include "agent/loop/calibrate.h"
#include "agent/loop/capture_pairs.h"
#include "agent/loop/capture_scan.h"
#include "agent/loop/capture_segments.h"
#include "agent/loop/cycle_structure.h"
#include "agent/loop/source.h"
#include "agent/plan_pairs.h"
#include "agent/summary/private.h"
#include "agent/window.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { SPEC_MAX = 1 << 20, FINE_BYTES_MAX = 8 << 20, RESOLUTION_LEAST = VG_COARSE };
static const double bytes_per_second = 50e6; /* of a table, both passes; a cautious guess */

/* What the columns are made of; in the arena, "" of a plain table, NULL without memory. */
static const char *write_columns(const struct vg_dataset *dataset, struct vg_arena *arena)
{
    const struct vg_long_source *wide = &dataset->long_source;
    struct vg_buf buf;
    vg_buf_init(&buf, SPEC_MAX);
    if (dataset->query)
        vg_buf_printf(&buf, " query %s", dataset->query);
    if (wide->name)
        vg_buf_printf(&buf, " long %s %s", wide->name, wide->value);
    for (size_t i = 0; wide->codec && i < dataset->ncolumns; i++) {
        if (dataset->columns[i].type && !dataset->columns[i].expr)
            vg_buf_printf(&buf, " %s: %s", dataset->columns[i].name, dataset->columns[i].type);
    }
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (dataset->columns[i].expr)
            vg_buf_printf(&buf, " %s = %s", dataset->columns[i].name, dataset->columns[i].expr);
    }
    for (size_t i = 0; i < dataset->nsegments; i++) {
        const struct vg_segment_spec *spec = &dataset->segments[i];
        vg_buf_printf(&buf, " segments of %s with categories", spec->column);
        if (!spec->values.n)
            vg_buf_printf(&buf, ", at most %zu", spec->most);
        for (size_t v = 0; v < spec->values.n; v++)
            vg_buf_printf(&buf, " %s", spec->values.items[v]);
    }
    if (vg_plan_has_pairs(dataset))
        vg_buf_puts(&buf, " with pairs of columns");
    const char *text = buf.failed ? NULL : vg_arena_strdup(arena, buf.len ? buf.data : "");
    vg_buf_free(&buf);
    return text;
}

/* That it rolls, and what it leaves out; "" of a plain one, NULL without memory. Why is for people:
 * other words ask for no other reference. */
static const char *write_spans(const struct vg_reference_spec *spec, struct vg_arena *arena)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT], length[VG_DURATION_TEXT];
    struct vg_buf buf;
    vg_buf_init(&buf, SPEC_MAX);
    if (spec->rolling_us)
        vg_buf_printf(&buf, " rolling %s", vg_format_duration(spec->rolling_us, length));
    for (size_t i = 0; i < spec->nexcept; i++)
        vg_buf_printf(&buf, " except %s to %s", vg_format_time(spec->except[i].from_us, from),
                      vg_format_time(spec->except[i].to_us, to));
    const char *text = buf.failed ? NULL : vg_arena_strdup(arena, buf.len ? buf.data : "");
    vg_buf_free(&buf);
    return text;
}

const char *vg_capture_spec(const struct vg_dataset *dataset, struct vg_arena *arena)
{
    const struct vg_reference_spec *spec = &dataset->reference;
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT], base[VG_DURATION_TEXT], window[VG_DURATION_TEXT];
    const char *what;
    switch (spec->kind) {
    case VG_REF_WINDOW:
        what = vg_arena_printf(arena, "from %s to %s", vg_format_time(spec->from_us, from),
                               vg_format_time(spec->to_us, to));
        break;
    case VG_REF_TABLE:
        what = vg_arena_printf(arena, "table %s", spec->table);
        break;
    case VG_REF_FILTER:
        what = vg_arena_printf(arena, "filter %s", spec->filter);
        break;
    case VG_REF_ROLLING:
        what = "rolling";
        break;
    default:
        what = "captured now";
    }
    const char *columns = write_columns(dataset, arena);
    const char *spans = write_spans(spec, arena);
    if (!what || !columns || !spans)
        return NULL;
    return vg_arena_printf(arena, "%s%s of %s; window %s base %s zone %s resolution %u%s%s%s", what,
                           spans, dataset->table,
                           vg_format_duration(dataset->schedule.window_us, window),
                           dataset->base_us ? vg_format_duration(dataset->base_us, base) : "auto",
                           dataset->zone->name, spec->resolution, dataset->filter ? " where " : "",
                           dataset->filter ? dataset->filter : "", columns);
}

bool vg_capture_ready(const struct vg_dataset *dataset, int64_t now_us)
{
    const struct vg_reference_spec *spec = &dataset->reference;
    if (spec->kind == VG_REF_NONE)
        return false;
    return spec->kind != VG_REF_WINDOW || spec->to_us + dataset->schedule.delay_us <= now_us;
}

static bool is_left_out(const struct vg_dataset *dataset, const struct vg_catalog_column *column)
{
    for (size_t i = 0; i < dataset->reference.exclude.n; i++) {
        if (!strcmp(dataset->reference.exclude.items[i], column->name))
            return true;
    }
    return false;
}

static int choose_columns(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_catalog *catalog = capture->catalog;
    capture->columns = vg_arena_array(capture->arena, catalog->n, sizeof *capture->columns);
    if (!capture->columns)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t numbers = 0;
    for (size_t i = 0; i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        if (column->unreadable || column->problem || is_left_out(capture->dataset, column))
            continue;
        capture->columns[capture->ncolumns++] = (struct vg_capture_column){
            .column = column,
            .is_private = vg_dataset_is_private(capture->dataset, column->name),
        };
        numbers += column->kind == VG_KIND_NUMBER;
    }
    capture->resolution = capture->dataset->reference.resolution;
    size_t most = numbers ? FINE_BYTES_MAX / (2 * sizeof(uint64_t) * numbers) : SIZE_MAX;
    if (capture->resolution > most) {
        char text[VG_NUMBER_TEXT];
        capture->resolution = most < RESOLUTION_LEAST ? RESOLUTION_LEAST : (uint32_t)most;
        vg_log(VG_LOG_WARN, "resolution lowered: fine counts are limited to 8 MiB a dataset",
               "dataset", capture->dataset->id, "resolution",
               vg_format_double(capture->resolution, text), NULL);
    }
    return 0;
}

static int find_time(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_dataset *dataset = capture->dataset;
    const struct vg_reference_spec *spec = &dataset->reference;
    if (spec->kind != VG_REF_WINDOW)
        return 0;
    capture->time = vg_catalog_find(capture->catalog, dataset->time_column);
    if (capture->time && capture->time->kind == VG_KIND_TIME)
        return 0;
    return vg_fail(err, VG_E_CONFIG, "%s has no date or timestamp column %s", dataset->table,
                   dataset->time_column);
}

/* The rows of spans that are left out are not read. */
static int leave_out(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_reference_spec *spec = &capture->dataset->reference;
    struct vg_rows_of rows = {.dataset = capture->dataset, .time = capture->time};
    struct vg_buf buf;
    if (!capture->time || !spec->nexcept)
        return 0;
    vg_buf_init(&buf, SPEC_MAX);
    for (size_t i = 0; i < spec->nexcept; i++) {
        vg_buf_printf(&buf, "%sNOT (%s >= ", i ? " AND " : "", capture->time->quoted);
        vg_sql_put_instant(&buf, &rows, spec->except[i].from_us);
        vg_buf_printf(&buf, " AND %s < ", capture->time->quoted);
        vg_sql_put_instant(&buf, &rows, spec->except[i].to_us);
        vg_buf_putc(&buf, ')');
    }
    capture->filter = buf.failed ? NULL : vg_arena_strdup(capture->arena, buf.data);
    vg_buf_free(&buf);
    return capture->filter ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int open_rows(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_dataset *dataset = capture->dataset;
    const struct vg_reference_spec *spec = &dataset->reference;
    struct vg_source *source = capture->env->source;
    struct vg_limits_of_session limits = {dataset->timeout_us, capture->env->stop};
    struct vg_source_rows rows = {
        .table = spec->kind == VG_REF_TABLE ? spec->table : NULL,
        .range = spec->kind == VG_REF_WINDOW ? &capture->range : NULL,
        .filter = spec->kind == VG_REF_FILTER ? spec->filter : NULL,
        .timeout_us = capture->timeout_us,
    };
    capture->filter = rows.filter;
    capture->range = (struct vg_window){spec->from_us, spec->to_us, false};
    if (source->ops->open(source, dataset->connection, &limits, &capture->session, err) < 0 ||
        vg_source_captured(source, capture->session, dataset, &rows, capture->arena,
                           &capture->catalog, err) < 0 ||
        find_time(capture, err) < 0 || leave_out(capture, err) < 0)
        return -1;
    if (vg_plan_routes(capture->catalog, capture->arena, &capture->routes) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return choose_columns(capture, err) < 0 ? -1 : vg_capture_segments_open(capture, err);
}

static int guard_time(struct vg_capture *capture, bool patient, struct vg_error *err)
{
    const struct vg_dataset *dataset = capture->dataset;
    int64_t bytes = capture->catalog->bytes > 0 ? capture->catalog->bytes : 0; /* -1: unknown */
    double seconds = (double)bytes / bytes_per_second;
    char text[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "capturing reference", "dataset", dataset->id, "estimated_seconds",
           vg_format_human(seconds, 2, text), NULL);
    if (patient || seconds * (double)VG_US <= (double)dataset->reference.timeout_us)
        return 0;
    vg_fail(err, VG_E_TIMEOUT, "capturing would take about %.0f s, more than reference.timeout",
            seconds);
    return vg_hint(err, "run: pgvigil reference capture %s", dataset->id);
}

static int begin_version(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_reference_spec *spec = &capture->dataset->reference;
    bool timed = spec->kind == VG_REF_WINDOW;
    struct vg_reference meta = {
        .from_us = timed ? spec->from_us : VG_NEVER,
        .to_us = timed ? spec->to_us : VG_NEVER,
        .base_us = capture->base_us,
        .captured_us = capture->env->clock->ops->now_us(capture->env->clock),
        .resolution = capture->resolution,
        .name = spec->name,
        .rolling = spec->rolling_us > 0,
        .stands_for = capture->how->stands_for,
        .given_by = capture->how->by,
        .spec = vg_capture_spec(capture->dataset, capture->arena),
        .ncolumns = capture->ncolumns,
    };
    if (!meta.spec)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (capture->catalog &&
        vg_cycle_structure_text(capture->catalog, capture->arena, &meta.structure, err) < 0)
        return -1;
    return vg_store_reference_begin(capture->env->store, capture->dataset->id, &meta,
                                    &capture->version, err);
}

/* The distribution of a public number; its grid stays the capture's. */
static int take_fine(const struct vg_capture_column *column, struct vg_distribution *fine,
                     struct vg_error *err)
{
    *fine = (struct vg_distribution){.grid = column->grid, .cells = column->total->fine};
    for (size_t c = 0; c < 2 * (size_t)column->grid->n + 1; c++)
        fine->n += fine->cells[c];
    return vg_column_coarsen(column->total) < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static int store_column(struct vg_capture *capture, size_t i, struct vg_error *err)
{
    const struct vg_capture_column *column = &capture->columns[i];
    struct vg_column_summary *total = column->total;
    struct vg_distribution public = {0}, *fine = NULL, *hidden = NULL;
    struct vg_reference_column row = {
        .name = column->column->name,
        .type = column->column->type,
        .kind = column->column->kind,
        .not_null = column->column->not_null,
        .computed = column->column->computed,
        .total = total,
    };
    int rc = 0;
    if (column->grid && total && total->fine && column->is_private) {
        rc = vg_private_distribution(column->grid, total->fine, &hidden, err);
        fine = hidden;
    } else if (column->grid && total && total->fine) {
        rc = take_fine(column, &public, err);
        fine = &public;
    }
    if (column->is_private && total)
        vg_private_column(total);
    row.fine = fine;
    if (rc == 0)
        rc = vg_store_reference_column(capture->env->store, capture->version, i, &row, err);
    vg_distribution_free(hidden);
    return rc;
}

static int store_columns(struct vg_capture *capture, struct vg_error *err)
{
    struct vg_store *store = capture->env->store;
    if (vg_store_begin(store, &capture->env->claim, err) < 0)
        return -1;
    for (size_t i = 0; i < capture->ncolumns; i++) {
        if (store_column(capture, i, err) < 0) {
            vg_store_rollback(store);
            return -1;
        }
    }
    return vg_store_commit(store, err);
}

/* What could never be calibrated is not put in use; the length of its base windows may be known
 * only when its rows have been read once. */
static int guard_windows(const struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_reference_spec *spec = &capture->dataset->reference;
    int64_t from_us = spec->kind == VG_REF_WINDOW ? spec->from_us : VG_NEVER;
    return vg_calibrate_fits(capture->dataset, from_us, spec->to_us, capture->base_us, err);
}

static int read_rows(struct vg_capture *capture, bool patient, struct vg_error *err)
{
    if (guard_windows(capture, err) < 0 || guard_time(capture, patient, err) < 0 ||
        vg_capture_grids(capture, err) < 0)
        return -1;
    if (!capture->rows)
        return vg_fail(err, VG_E_DATA, "the reference has no rows");
    if (guard_windows(capture, err) < 0)
        return -1;
    if (begin_version(capture, err) < 0 || vg_capture_counts(capture, err) < 0 ||
        vg_capture_pairs(capture, err) < 0)
        return -1;
    return store_columns(capture, err);
}

/* A failure before a version exists is recorded too, so that status can say why there is none. */
static void record_failure(struct vg_capture *capture, const struct vg_error *why)
{
    struct vg_error err = {0};
    struct vg_store *store = capture->env->store;
    int64_t now_us = capture->env->clock->ops->now_us(capture->env->clock);
    if (!capture->version && begin_version(capture, &err) < 0)
        goto lost;
    if (vg_store_reference_done(store, capture->version, capture->rows, why->msg, now_us, &err) ==
        0)
        return;
lost:
    vg_log(VG_LOG_ERROR, "cannot record a failed capture", "dataset", capture->dataset->id, "error",
           err.msg, NULL);
}

static void close_capture(struct vg_capture *capture)
{
    if (capture->session)
        capture->env->source->ops->close(capture->session);
    vg_capture_segments_close(capture);
    for (size_t i = 0; i < capture->ncolumns; i++) {
        vg_column_free(capture->columns[i].total);
        vg_grid_free(capture->columns[i].grid);
    }
    vg_arena_free(capture->arena);
}

int vg_capture_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                   const struct vg_capture_how *how, struct vg_capture_result *out,
                   struct vg_error *err)
{
    struct vg_capture capture = {
        .env = env, .dataset = dataset, .base_us = dataset->base_us, .how = how};
    capture.patient = how->patient;
    capture.timeout_us = how->patient ? VG_DAY_US : dataset->reference.timeout_us;
    capture.arena = vg_arena_new();
    if (!capture.arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = open_rows(&capture, err);
    if (rc == 0)
        rc = read_rows(&capture, how->patient, err);
    if (rc == 0)
        rc = vg_store_reference_done(env->store, capture.version, capture.rows, NULL,
                                     env->clock->ops->now_us(env->clock), err);
    if (rc < 0 && err->code != VG_E_CANCELLED) /* unfinished versions go at the next start */
        record_failure(&capture, err);
    *out = (struct vg_capture_result){
        .version = capture.version,
        .rows = capture.rows,
        .columns = capture.ncolumns,
        .windows = capture.windows,
        .base_us = capture.base_us,
        .resolution = capture.resolution,
    };
    close_capture(&capture);
    return rc;
}
