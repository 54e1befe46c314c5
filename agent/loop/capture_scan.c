/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two passes of a capture. Columns are read in groups that fit the memory; the second pass
 * comes in time order, so that one base window is counted at a time. */
#include "agent/loop/capture_scan.h"

#include <stdlib.h>
#include <string.h>

#include "agent/loop/capture_group.h"
#include "agent/loop/capture_segments.h"
#include "agent/plan.h"
#include "agent/sketch.h"
#include "agent/summary/private.h"
#include "agent/tally.h"
#include "agent/window.h"
#include "pgvigil/budget.h"

enum { GROUP_BYTES = 40 << 20, TEXT_BYTES = 5 << 20, PLAIN_BYTES = 64 << 10 };
enum { SEGMENT_BYTES = 4 * sizeof(uint64_t) * (2 * VG_COARSE + 1) };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- pass 1: grids, and rows per hour --------------------------------------------------------- */

struct pass1 {
    struct vg_capture_group group;
    struct vg_sketch **sketches; /* per column of the group; NULL: not a number */
    double *finite;              /* scratch of a batch */
    uint32_t *routes;            /* of its rows, of a long source */
    uint64_t *hours;             /* rows per hour of the range, in the first group only */
    size_t nhours;
};

static int add_values(struct pass1 *pass, size_t i, const struct vg_batch *batch,
                      struct vg_error *err)
{
    const struct vg_column *column = &batch->cols[pass->group.source[i]];
    uint32_t route = pass->group.capture->columns[pass->group.first + i].column->route;
    if (!column->special && !route)
        return vg_sketch_add(pass->sketches[i], column->num, batch->nrows, err);
    size_t n = 0;
    for (size_t r = 0; r < batch->nrows; r++) {
        if (column->state[r] == VG_CELL_VALUE && (!route || pass->routes[r] == route))
            pass->finite[n++] = column->num[r];
    }
    return vg_sketch_add(pass->sketches[i], pass->finite, n, err);
}

static void add_hours(struct pass1 *pass, const struct vg_batch *batch)
{
    const struct vg_capture *capture = pass->group.capture;
    const struct vg_column *time = &batch->cols[pass->group.time_item];
    for (size_t r = 0; r < batch->nrows; r++) {
        if (time->state[r] != VG_CELL_VALUE)
            continue;
        int64_t at = vg_sql_cell_instant(capture->dataset, capture->time, time->num[r]);
        size_t hour = (size_t)((at - capture->range.start_us) / VG_HOUR_US);
        if (at >= capture->range.start_us && hour < pass->nhours)
            pass->hours[hour]++;
    }
}

static int sketch_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct pass1 *pass = arg;
    if (pass->group.first == 0)
        pass->group.capture->rows += batch->nrows;
    if (pass->hours)
        add_hours(pass, batch);
    const struct vg_routes *routes = pass->group.capture->routes;
    if (routes)
        vg_routes_read(routes, &batch->cols[pass->group.names_item], 0, batch->nrows, pass->routes);
    if (vg_capture_segments_look(&pass->group, batch, err) < 0)
        return -1;
    for (size_t i = 0; i < pass->group.n; i++) {
        if (pass->sketches[i] && add_values(pass, i, batch, err) < 0)
            return -1;
    }
    return 0;
}

/* By the 200-row rule; the window that is judged if that is no shorter, else a whole multiple of
 * it. */
static int choose_base(struct vg_capture *capture, const uint64_t *hours, size_t n,
                       struct vg_error *err)
{
    static const int spans[] = {1, 2, 3, 4, 6, 12, 24};
    const int64_t window_us = capture->dataset->schedule.window_us;
    int found = vg_budget_base_hours(hours, n);
    if (found < 0)
        return fail_memory(err);
    if (found * VG_HOUR_US <= window_us) {
        capture->base_us = window_us;
        return 0;
    }
    size_t at = 0, last = sizeof spans / sizeof spans[0] - 1;
    while (at < last && (spans[at] < found || spans[at] * VG_HOUR_US % window_us != 0))
        at++;
    capture->base_us = spans[at] * VG_HOUR_US;
    return 0;
}

static size_t measure_group1(const struct vg_capture *capture, size_t first)
{
    double estimate = capture->catalog->rows_estimate;
    uint64_t rows = estimate > 1e6 ? (uint64_t)estimate : 1000000;
    size_t bytes = 0, n = 0;
    for (size_t i = first; i < capture->ncolumns; i++, n++) {
        /* Names share the rows: they need most when they share them equally. */
        uint64_t share = capture->columns[i].column->route ? rows / capture->routes->n + 1 : rows;
        if (capture->columns[i].column->kind == VG_KIND_NUMBER)
            bytes += vg_sketch_bytes(capture->resolution, share);
        if (n && bytes > GROUP_BYTES)
            break;
    }
    return n;
}

static int take_grids(struct pass1 *pass, struct vg_error *err)
{
    for (size_t i = 0; i < pass->group.n; i++) {
        struct vg_capture_column *column = &pass->group.capture->columns[pass->group.first + i];
        if (pass->sketches[i] && vg_sketch_grid(pass->sketches[i], &column->grid, err) < 0)
            return -1;
        vg_sketch_free(pass->sketches[i]);
        pass->sketches[i] = NULL;
    }
    return 0;
}

static int sketch_group(struct pass1 *pass, struct vg_error *err)
{
    struct vg_capture *capture = pass->group.capture;
    pass->sketches = vg_array(pass->group.n, sizeof *pass->sketches);
    pass->finite = vg_array(VG_BATCH_ROWS, sizeof *pass->finite);
    pass->routes = vg_array(VG_BATCH_ROWS, sizeof *pass->routes);
    int rc = pass->sketches && pass->finite && pass->routes ? 0 : fail_memory(err);
    for (size_t i = 0; rc == 0 && i < pass->group.n; i++) {
        if (capture->columns[pass->group.first + i].column->kind != VG_KIND_NUMBER)
            continue;
        pass->sketches[i] = vg_sketch_new(capture->resolution);
        rc = pass->sketches[i] ? 0 : fail_memory(err);
    }
    if (rc == 0)
        rc = vg_capture_group_open(&pass->group, err);
    if (rc == 0)
        rc = vg_capture_group_scan(&pass->group, false, sketch_batch, pass, err);
    if (rc == 0)
        rc = take_grids(pass, err);
    for (size_t i = 0; pass->sketches && i < pass->group.n; i++)
        vg_sketch_free(pass->sketches[i]);
    free(pass->sketches);
    free(pass->finite);
    free(pass->routes);
    return rc;
}

int vg_capture_grids(struct vg_capture *capture, struct vg_error *err)
{
    struct pass1 pass = {.group = {.capture = capture}};
    if (capture->time) {
        int64_t length = capture->range.end_us - capture->range.start_us;
        pass.nhours = (size_t)((length + VG_HOUR_US - 1) / VG_HOUR_US);
        pass.hours = vg_arena_array(capture->arena, pass.nhours, sizeof *pass.hours);
        if (!pass.hours)
            return fail_memory(err);
    }
    do {
        pass.group.n = measure_group1(capture, pass.group.first);
        if (sketch_group(&pass, err) < 0)
            return -1;
        if (capture->time && !capture->base_us &&
            choose_base(capture, pass.hours, pass.nhours, err) < 0)
            return -1;
        pass.hours = NULL;
        pass.group.first += pass.group.n;
    } while (pass.group.first < capture->ncolumns);
    return vg_capture_segments_choose(capture, err);
}

/* --- pass 2: counts per base window ----------------------------------------------------------- */

struct pass2 {
    struct vg_capture_group group;
    struct vg_tally_column *columns;
    struct vg_tally_variant variant;
    struct vg_tally_plan plan;
    struct vg_tally *tally;
    struct vg_capture_segments segments;
    struct vg_window base;
    bool open;
};

static int store_window(struct pass2 *pass, struct vg_column_summary *column, bool is_private,
                        struct vg_error *err)
{
    if (column->fine && !is_private && vg_column_coarsen(column) < 0)
        return fail_memory(err);
    /* Its grid is remade from the whole; windows on it would show single rows: only how many. */
    const struct vg_column_summary bare = vg_private_counts(column);
    return vg_store_reference_window(pass->group.capture->env->store, pass->group.capture->version,
                                     &pass->base, is_private ? &bare : column, err);
}

/* The column leaves the summary, which keeps an empty one in its place. */
static struct vg_column_summary *move_column(struct vg_summary *summary, size_t i)
{
    struct vg_column_summary *moved = malloc(sizeof *moved);
    if (!moved)
        return NULL;
    *moved = summary->columns[i];
    memset(&summary->columns[i], 0, sizeof summary->columns[i]);
    return moved;
}

static int add_total(struct vg_capture_column *column, struct vg_summary *summary, size_t i,
                     struct vg_error *err)
{
    if (column->total)
        return vg_column_merge(column->total, &summary->columns[i], err);
    column->total = move_column(summary, i);
    return column->total ? 0 : fail_memory(err);
}

static int store_summary(struct pass2 *pass, struct vg_summary *summary, struct vg_error *err)
{
    struct vg_capture *capture = pass->group.capture;
    struct vg_store *store = capture->env->store;
    if (vg_store_begin(store, &capture->env->claim, err) < 0)
        return -1;
    for (size_t i = 0; i < pass->group.n; i++) {
        bool is_private = capture->columns[pass->group.first + i].is_private;
        if (store_window(pass, &summary->columns[i], is_private, err) < 0) {
            vg_store_rollback(store);
            return -1;
        }
    }
    if (vg_store_commit(store, err) < 0)
        return -1;
    for (size_t i = 0; i < pass->group.n; i++) {
        if (add_total(&capture->columns[pass->group.first + i], summary, i, err) < 0)
            return -1;
    }
    return 0;
}

static int close_window(struct pass2 *pass, struct vg_error *err)
{
    if (!pass->open)
        return 0;
    struct vg_summary *summary = vg_tally_take(pass->tally, 0);
    int rc = store_summary(pass, summary, err);
    vg_summary_free(summary);
    vg_tally_free(pass->tally);
    pass->tally = NULL;
    pass->open = false;
    pass->group.capture->windows += pass->group.first == 0;
    return rc;
}

static int open_window(struct pass2 *pass, int64_t at_us, struct vg_error *err)
{
    const struct vg_capture *capture = pass->group.capture;
    if (capture->time)
        vg_window_at(capture->dataset->zone, capture->base_us, at_us, &pass->base);
    if (vg_tally_new(&pass->plan, &pass->tally, err) < 0)
        return -1;
    pass->open = true;
    return 0;
}

/* How many rows from `first` on lie in the open base window; rows come in time order. */
static size_t count_run(const struct pass2 *pass, const struct vg_batch *batch, size_t first)
{
    const struct vg_capture *capture = pass->group.capture;
    if (!capture->time)
        return batch->nrows - first;
    const struct vg_column *time = &batch->cols[pass->group.time_item];
    size_t n = 0;
    while (first + n < batch->nrows &&
           vg_sql_cell_instant(capture->dataset, capture->time, time->num[first + n]) <
               pass->base.end_us)
        n++;
    return n;
}

static int count_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct pass2 *pass = arg;
    const struct vg_capture *capture = pass->group.capture;
    struct vg_tally *segments = pass->segments.tally;
    if (segments && vg_tally_add(segments, batch, err) < 0)
        return -1;
    for (size_t first = 0; first < batch->nrows;) {
        size_t n = pass->open ? count_run(pass, batch, first) : 0;
        if (n && vg_tally_add_range(pass->tally, batch, first, n, err) < 0)
            return -1;
        first += n;
        if (first == batch->nrows)
            break;
        int64_t at = capture->time
                         ? vg_sql_cell_instant(capture->dataset, capture->time,
                                               batch->cols[pass->group.time_item].num[first])
                         : 0;
        if (close_window(pass, err) < 0 || open_window(pass, at, err) < 0)
            return -1;
    }
    return 0;
}

/* What a column takes in one segment. */
static size_t measure_segment(const struct vg_capture *capture,
                              const struct vg_capture_column *column)
{
    bool category = column->column->kind == VG_KIND_TEXT && !column->is_private;
    size_t values = category ? (size_t)capture->segment_values * VG_VALUE_BYTES : 0;
    return sizeof(struct vg_column_summary) + values + (column->coarse ? SEGMENT_BYTES : 0);
}

static size_t measure_group2(const struct vg_capture *capture, size_t first)
{
    size_t bytes = 0, n = 0;
    for (size_t i = first; i < capture->ncolumns; i++, n++) {
        enum vg_kind kind = capture->columns[i].column->kind;
        bytes += kind == VG_KIND_NUMBER ? 4 * sizeof(uint64_t) * (size_t)capture->resolution : 0;
        bytes += capture->nsegments * measure_segment(capture, &capture->columns[i]);
        bytes += kind == VG_KIND_TEXT ? TEXT_BYTES : PLAIN_BYTES;
        if (n && bytes > GROUP_BYTES)
            break;
    }
    return n;
}

static int plan_group(struct pass2 *pass, struct vg_error *err)
{
    struct vg_capture *capture = pass->group.capture;
    pass->columns = vg_arena_array(capture->arena, pass->group.n, sizeof *pass->columns);
    if (!pass->columns)
        return fail_memory(err);
    for (size_t i = 0; i < pass->group.n; i++) {
        const struct vg_capture_column *column = &capture->columns[pass->group.first + i];
        enum vg_kind kind = column->column->kind;
        pass->columns[i] = (struct vg_tally_column){
            .name = column->column->name,
            .source = pass->group.source[i],
            .route = column->column->route,
            .kind = kind,
            .grid = column->grid,
            .distinct = kind != VG_KIND_OTHER,
            .top = (kind == VG_KIND_TEXT || kind == VG_KIND_BOOL) && !column->is_private,
            .values = (uint32_t)capture->dataset->caps.categories,
        };
    }
    pass->variant = (struct vg_tally_variant){.condition = VG_TALLY_NONE};
    pass->plan = (struct vg_tally_plan){
        .columns = pass->columns,
        .ncolumns = pass->group.n,
        .variants = &pass->variant,
        .nvariants = 1,
        .time = pass->group.time_item,
        .routes = capture->routes,
        .names = pass->group.names_item,
    };
    return 0;
}

int vg_capture_counts(struct vg_capture *capture, struct vg_error *err)
{
    struct pass2 pass = {.group = {.capture = capture}};
    int rc = 0;
    while (rc == 0 && pass.group.first < capture->ncolumns) {
        pass.group.n = measure_group2(capture, pass.group.first);
        rc = vg_capture_group_open(&pass.group, err);
        if (rc == 0)
            rc = plan_group(&pass, err);
        if (rc == 0)
            rc = vg_capture_segments_begin(&pass.segments, &pass.group, err);
        if (rc == 0)
            rc = vg_capture_group_scan(&pass.group, capture->time != NULL, count_batch, &pass, err);
        if (rc == 0)
            rc = close_window(&pass, err);
        if (rc == 0)
            rc = vg_capture_segments_store(&pass.segments, capture, err);
        pass.group.first += pass.group.n;
    }
    vg_tally_free(pass.tally);
    vg_tally_free(pass.segments.tally);
    return rc;
}
