/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counting the rows of a profile, one window after the other. The tally counts the open window;
 * when it closes, its figures are noted per column and it is merged into the whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/profile_watch.h"
#include "agent/sql.h"
#include "agent/tally.h"
#include "agent/window.h"

enum { TEXT_BYTES = 5 << 20, PLAIN_BYTES = 16 << 10 };

struct vg_collect {
    struct vg_collect_spec spec;
    struct vg_profile *profile;
    struct vg_dataset dataset; /* for the zone alone */
    struct vg_watch *watches;
    struct vg_tally_column *columns;
    struct vg_tally_variant variant;
    struct vg_tally_plan plan;
    struct vg_tally *tally;
    struct vg_window open;
    uint64_t rows, passed; /* of the open window; of those before */
    bool is_open;
    struct vg_profile_window *windows;
    size_t nwindows, size;
    int64_t last_us, day; /* of the row before; its local day */
    uint64_t hours[24];   /* of the day */
    size_t days;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

size_t vg_collect_bytes(enum vg_kind kind, size_t windows)
{
    switch (kind) {
    case VG_KIND_NUMBER:
        return vg_watch_bytes(windows);
    case VG_KIND_TEXT:
        return TEXT_BYTES;
    default:
        return PLAIN_BYTES;
    }
}

/* --- Windows ---------------------------------------------------------------------------------- */

static int open_window(struct vg_collect *collect, int64_t at_us, struct vg_error *err)
{
    const struct vg_profile *profile = collect->profile;
    collect->open = profile->range;
    if (profile->time)
        vg_window_at(profile->zone, profile->window_us, at_us, &collect->open);
    for (size_t i = 0; i < collect->spec.n; i++) {
        collect->columns[i].top = vg_watch_wants_top(&collect->watches[i]);
        vg_watch_open(&collect->watches[i], &collect->open);
    }
    collect->rows = 0;
    collect->is_open = true;
    return vg_tally_new(&collect->plan, &collect->tally, err);
}

static int note_window(struct vg_collect *collect, struct vg_error *err)
{
    if (collect->nwindows == VG_PROFILE_WINDOWS) {
        vg_fail(err, VG_E_LIMIT, "the rows are spread over more than %d windows",
                VG_PROFILE_WINDOWS);
        return vg_hint(err, "limit the rows with --from");
    }
    void *items = collect->windows;
    if (vg_grow(&items, &collect->size, collect->nwindows + 1, sizeof *collect->windows) < 0)
        return fail_memory(err);
    collect->windows = items;
    collect->windows[collect->nwindows++] =
        (struct vg_profile_window){collect->open.start_us, collect->rows};
    return 0;
}

static int close_window(struct vg_collect *collect, struct vg_error *err)
{
    if (!collect->is_open)
        return 0;
    struct vg_summary *summary = vg_tally_take(collect->tally, 0);
    struct vg_watch_past past = {collect->nwindows,
                                 2 * collect->rows * collect->nwindows < collect->passed};
    int rc = note_window(collect, err);
    for (size_t i = 0; rc == 0 && i < collect->spec.n; i++)
        rc = vg_watch_close(&collect->watches[i], &summary->columns[i], past, err);
    collect->passed += collect->rows;
    vg_summary_free(summary);
    vg_tally_free(collect->tally);
    collect->tally = NULL;
    collect->is_open = false;
    return rc;
}

/* --- Time ------------------------------------------------------------------------------------- */

static void note_day(struct vg_collect *collect, int64_t day)
{
    struct vg_profile *profile = collect->profile;
    bool whole = collect->days > 1; /* the first may have begun before the rows */
    for (size_t h = 0; whole && h < 24; h++) {
        bool fewer = !profile->hour_days || collect->hours[h] < profile->hour_least[h];
        profile->hour_least[h] = fewer ? collect->hours[h] : profile->hour_least[h];
        if (day > collect->day + 1)
            profile->hour_least[h] = 0;
    }
    profile->hour_days += whole;
    memset(collect->hours, 0, sizeof collect->hours);
    collect->day = day;
    collect->days++;
}

static void note_time(struct vg_collect *collect, int64_t at_us)
{
    struct vg_profile *profile = collect->profile;
    int64_t local = vg_zone_local(profile->zone, at_us);
    int64_t hour = local / VG_HOUR_US - (local % VG_HOUR_US < 0);
    int64_t day = hour / 24 - (hour % 24 < 0);
    if (collect->last_us == VG_NEVER)
        profile->oldest_us = at_us;
    else if (at_us - collect->last_us > profile->gap_us)
        profile->gap_us = at_us - collect->last_us;
    if (!collect->days || day != collect->day)
        note_day(collect, day);
    collect->hours[hour - 24 * day]++;
    profile->newest_us = collect->last_us = at_us;
}

static int64_t find_instant(const struct vg_collect *collect, const struct vg_batch *batch,
                            size_t row)
{
    const struct vg_profile *profile = collect->profile;
    if (!profile->time)
        return 0;
    return vg_sql_cell_instant(&collect->dataset, profile->time,
                               batch->cols[collect->spec.time].num[row]);
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* How many rows from `first` on lie in the open window. */
static size_t count_run(struct vg_collect *collect, const struct vg_batch *batch, size_t first)
{
    size_t n = 0;
    if (!collect->profile->time)
        return batch->nrows - first;
    for (; first + n < batch->nrows; n++) {
        int64_t at_us = find_instant(collect, batch, first + n);
        if (at_us >= collect->open.end_us)
            break;
        if (collect->spec.first == 0)
            note_time(collect, at_us);
    }
    return n;
}

static int add_run(struct vg_collect *collect, const struct vg_batch *batch, size_t first, size_t n,
                   struct vg_error *err)
{
    if (vg_tally_add_range(collect->tally, batch, first, n, err) < 0)
        return -1;
    for (size_t i = 0; i < collect->spec.n; i++) {
        const struct vg_column *cells = &batch->cols[collect->spec.source[i]];
        vg_watch_rows(&collect->watches[i], cells, first, n);
        if (collect->profile->time)
            vg_clock_rows(collect->profile, collect->watches[i].out, cells,
                          &batch->cols[collect->spec.time], first, n);
    }
    collect->rows += n;
    if (collect->spec.first == 0) {
        collect->profile->rows += n;
        vg_pairs_rows(collect->profile, collect->spec.source, batch, first, n);
    }
    return 0;
}

int vg_collect_add(struct vg_collect *collect, const struct vg_batch *batch, struct vg_error *err)
{
    for (size_t first = 0; first < batch->nrows;) {
        size_t n = collect->is_open ? count_run(collect, batch, first) : 0;
        if (n && add_run(collect, batch, first, n, err) < 0)
            return -1;
        first += n;
        if (first == batch->nrows)
            break;
        if (close_window(collect, err) < 0 ||
            open_window(collect, find_instant(collect, batch, first), err) < 0)
            return -1;
    }
    return 0;
}

/* --- Beginning and end ------------------------------------------------------------------------ */

static void plan_columns(struct vg_collect *collect)
{
    const struct vg_collect_spec *spec = &collect->spec;
    for (size_t i = 0; i < spec->n; i++) {
        struct vg_profile_column *column = &spec->profile->columns[spec->first + i];
        enum vg_kind kind = column->column->kind;
        collect->columns[i] = (struct vg_tally_column){
            .name = column->column->name,
            .source = spec->source[i],
            .kind = kind,
            .distinct = kind != VG_KIND_OTHER,
            .quantiles = kind == VG_KIND_NUMBER,
        };
    }
    collect->variant = (struct vg_tally_variant){.condition = VG_TALLY_NONE};
    collect->plan = (struct vg_tally_plan){
        .columns = collect->columns,
        .ncolumns = spec->n,
        .variants = &collect->variant,
        .nvariants = 1,
        .time = VG_TALLY_NONE,
    };
}

int vg_collect_new(const struct vg_collect_spec *spec, struct vg_collect **out,
                   struct vg_error *err)
{
    struct vg_collect *collect = calloc(1, sizeof *collect);
    *out = collect;
    if (!collect)
        return fail_memory(err);
    collect->spec = *spec;
    collect->profile = spec->profile;
    collect->dataset.zone = spec->profile->zone;
    collect->last_us = VG_NEVER;
    collect->watches = vg_array(spec->n, sizeof *collect->watches);
    collect->columns = vg_array(spec->n, sizeof *collect->columns);
    if (!collect->watches || !collect->columns)
        return fail_memory(err);
    for (size_t i = 0; i < spec->n; i++) {
        if (vg_watch_begin(&collect->watches[i], spec->profile,
                           &spec->profile->columns[spec->first + i], err) < 0)
            return -1;
    }
    if (spec->first == 0 && vg_pairs_begin(spec->profile, spec->n, spec->arena) < 0)
        return fail_memory(err);
    plan_columns(collect);
    return 0;
}

int vg_collect_finish(struct vg_collect *collect, struct vg_error *err)
{
    struct vg_profile *profile = collect->profile;
    if (close_window(collect, err) < 0)
        return -1;
    for (size_t i = 0; i < collect->spec.n; i++) {
        if (vg_watch_finish(&collect->watches[i], collect->spec.arena, err) < 0)
            return -1;
    }
    if (collect->spec.first != 0)
        return 0;
    profile->windows =
        vg_arena_array(collect->spec.arena, collect->nwindows + 1, sizeof *profile->windows);
    if (!profile->windows)
        return fail_memory(err);
    if (collect->nwindows)
        memcpy(profile->windows, collect->windows, collect->nwindows * sizeof *profile->windows);
    profile->nwindows = collect->nwindows;
    return 0;
}

void vg_collect_free(struct vg_collect *collect)
{
    if (!collect)
        return;
    for (size_t i = 0; collect->watches && i < collect->spec.n; i++)
        vg_watch_end(&collect->watches[i]);
    vg_tally_free(collect->tally);
    free(collect->watches);
    free(collect->columns);
    free(collect->windows);
    free(collect);
}
