/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column, window by window: shares, distinct values, what is new, and a few quantiles of each
 * window of the reference. Pure; the sample of a large window is drawn with seeded randomness. */
#include "agent/profile_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql.h"
#include "pgvigil/sort.h"

enum {
    KEPT = 16384,      /* values of a window that are held */
    NOVEL_MOST = 2000, /* categories up to which new ones are looked for */
    VANISH_PARTS = 100,
    NOVEL_BEFORE = 7, /* windows before one that tells what is new */
    QUANTILE_BYTES = 2 * 4096 * 2 * 16,
    MANY_WINDOWS = 100
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

size_t vg_watch_bytes(size_t windows)
{
    return KEPT * sizeof(double) + QUANTILE_BYTES + windows * VG_POINTS * sizeof(double);
}

int vg_watch_begin(struct vg_watch *watch, const struct vg_profile *profile,
                   struct vg_profile_column *out, struct vg_error *err)
{
    *watch = (struct vg_watch){.profile = profile, .out = out, .random = 88172645463325252U};
    vg_profile_text_begin(&out->text);
    vg_clock_begin(out);
    out->distinct_least = (double)NAN;
    if (out->column->kind != VG_KIND_NUMBER)
        return 0;
    watch->kept = vg_array(KEPT, sizeof *watch->kept);
    return watch->kept ? 0 : fail_memory(err);
}

bool vg_watch_wants_top(const struct vg_watch *watch)
{
    enum vg_kind kind = watch->out->column->kind;
    const struct vg_column_summary *total = watch->out->total;
    if (kind != VG_KIND_TEXT && kind != VG_KIND_BOOL)
        return false;
    return !total || (total->top && vg_top_size(total->top) <= NOVEL_MOST);
}

void vg_watch_open(struct vg_watch *watch, const struct vg_window *window)
{
    bool naive = vg_sql_naive(watch->out->column);
    int64_t end_us = watch->profile->time ? window->end_us : watch->profile->made_us;
    watch->until = naive ? vg_zone_local(watch->profile->zone, end_us) : end_us;
    watch->window = *window;
    watch->nkept = 0;
    watch->seen = 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* Vitter's algorithm R: each of the values seen is held with the same chance. */
static void keep_value(struct vg_watch *watch, double x)
{
    watch->seen++;
    if (watch->nkept < KEPT) {
        watch->kept[watch->nkept++] = x;
        return;
    }
    watch->random ^= watch->random << 13;
    watch->random ^= watch->random >> 7;
    watch->random ^= watch->random << 17;
    uint64_t at = watch->random % watch->seen;
    if (at < KEPT)
        watch->kept[at] = x;
}

static void add_few(struct vg_profile_column *out, double x)
{
    for (size_t i = 0; i < out->nfew && i < VG_PROFILE_FEW; i++) {
        if (out->few[i] == x) {
            out->few_rows[i]++;
            return;
        }
    }
    if (out->nfew < VG_PROFILE_FEW) {
        out->few[out->nfew] = x;
        out->few_rows[out->nfew] = 1;
    }
    out->nfew++;
}

static void add_numbers(struct vg_watch *watch, const struct vg_column *rows, size_t first,
                        size_t n)
{
    for (size_t r = first; r < first + n; r++) {
        if (rows->state[r] != VG_CELL_VALUE)
            continue;
        keep_value(watch, rows->num[r]);
        if (watch->out->nfew <= VG_PROFILE_FEW)
            add_few(watch->out, rows->num[r]);
    }
}

void vg_watch_rows(struct vg_watch *watch, const struct vg_column *rows, size_t first, size_t n)
{
    char space[36];
    switch (watch->out->column->kind) {
    case VG_KIND_NUMBER:
        add_numbers(watch, rows, first, n);
        break;
    case VG_KIND_TIME:
        for (size_t r = first; r < first + n; r++)
            watch->out->ahead +=
                rows->state[r] == VG_CELL_PINF ||
                (rows->state[r] == VG_CELL_VALUE && rows->num[r] > (double)watch->until);
        break;
    case VG_KIND_TEXT:
        for (size_t r = first; r < first + n; r++) {
            if (rows->state[r] == VG_CELL_VALUE)
                vg_profile_text_add(&watch->out->text, vg_text_cell(rows, r, space));
        }
        break;
    default:
        break;
    }
}

/* --- Windows ---------------------------------------------------------------------------------- */

static void add_share(struct vg_profile_share *share, uint64_t hits, uint64_t rows)
{
    if (rows < VG_PROFILE_LEAST)
        return;
    double ratio = (double)hits / (double)rows;
    if (!share->windows || ratio < share->least)
        share->least = ratio;
    if (!share->windows || ratio > share->most) {
        share->most = ratio;
        share->hits = hits;
        share->rows = rows;
    }
    share->windows++;
}

static void note_distinct(struct vg_profile_column *out, const struct vg_column_summary *window)
{
    double value, lo, hi;
    if (vg_column_finite(window) < VG_PROFILE_LEAST ||
        !vg_column_distinct_bounds(window, &value, &lo, &hi))
        return;
    out->windows++;
    out->single += value <= 1;
    if (!(lo >= out->distinct_least))
        out->distinct_least = lo;
}

static void note_spread(struct vg_profile_column *out, const struct vg_column_summary *window)
{
    double sd = vg_column_stddev(window);
    struct vg_profile_share *spread = &out->stddev;
    if (vg_column_finite(window) < VG_PROFILE_DRIFT_LEAST || isnan(sd))
        return;
    spread->least = spread->windows ? fmin(spread->least, sd) : sd;
    spread->most = spread->windows ? fmax(spread->most, sd) : sd;
    spread->windows++;
}

static void note_top(struct vg_profile_column *out, const struct vg_column_summary *window)
{
    struct vg_top_entry largest;
    bool sampled;
    uint64_t n = vg_column_finite(window);
    if (n < VG_PROFILE_LEAST || !window->top ||
        !vg_top_largest(window->top, &largest, 1, &sampled) || sampled)
        return;
    out->top_most = fmax(out->top_most, (double)largest.count / (double)n);
}

/* Whether a value of a hundredth of all rows is missing where ten of it were to be expected. At
 * most a hundred have such a share. */
static void note_vanished(struct vg_profile_column *out, const struct vg_column_summary *window)
{
    struct vg_top_entry entries[VANISH_PARTS];
    bool sampled;
    uint64_t n = vg_column_finite(window), all = vg_column_finite(out->total);
    if (n < 10 * VANISH_PARTS)
        return;
    size_t size = vg_top_largest(out->total->top, entries, VANISH_PARTS, &sampled);
    for (size_t i = 0; i < size; i++)
        out->vanishes |= entries[i].count * VANISH_PARTS >= all &&
                         !vg_top_count_hash(window->top, entries[i].hash);
}

static int note_novel(struct vg_profile_column *out, const struct vg_column_summary *window,
                      size_t before, struct vg_error *err)
{
    uint64_t n = vg_column_finite(window), novel = 0;
    if (before < NOVEL_BEFORE || n < VG_PROFILE_LEAST || !window->top || !out->total ||
        !out->total->top)
        return 0;
    size_t size = vg_top_size(window->top);
    bool sampled, known = false;
    struct vg_top_entry *entries = vg_array(size, sizeof *entries);
    if (!entries)
        return fail_memory(err);
    size = vg_top_largest(window->top, entries, size, &sampled);
    for (size_t i = 0; i < size; i++)
        novel += vg_top_count_hash(out->total->top, entries[i].hash) ? 0 : entries[i].count;
    vg_top_largest(out->total->top, entries, 1, &known);
    free(entries);
    if (sampled || known)
        return 0;
    out->novel_known = true;
    note_vanished(out, window);
    out->novel = fmax(out->novel, (double)novel / (double)n);
    return 0;
}

static int note_points(struct vg_watch *watch, struct vg_error *err)
{
    const struct vg_window *reference = &watch->profile->reference;
    bool within =
        watch->window.start_us >= reference->start_us && watch->window.start_us < reference->end_us;
    if (!watch->kept || watch->seen < VG_PROFILE_DRIFT_LEAST || !within)
        return 0;
    void *items = watch->points;
    if (vg_grow(&items, &watch->size, watch->npoints + 1, sizeof *watch->points) < 0)
        return fail_memory(err);
    watch->points = items;
    int64_t span = reference->end_us - reference->start_us;
    bool many = watch->profile->time && span / watch->profile->window_us > MANY_WINDOWS;
    struct vg_points *points = &watch->points[watch->npoints];
    *points =
        (struct vg_points){watch->window, watch->seen, many ? VG_POINTS / 2 : VG_POINTS, NULL};
    points->q = vg_array(points->n, sizeof *points->q);
    if (!points->q)
        return fail_memory(err);
    watch->npoints++;
    vg_sort_doubles(watch->kept, watch->nkept);
    for (uint32_t i = 0; i < points->n; i++)
        points->q[i] = watch->kept[(size_t)(((double)i + 0.5) / points->n * (double)watch->nkept)];
    return 0;
}

/* Of a key: as many values as rows. */
static void note_holes(struct vg_profile_column *out, const struct vg_column_summary *window)
{
    uint64_t n = vg_column_finite(window);
    if (n != window->rows || n < VG_PROFILE_LEAST)
        return;
    double span = window->max - window->min + 1, missing = fmax(0, span - (double)n);
    add_share(&out->holes, span < 0x1p53 ? (uint64_t)missing : UINT64_MAX / 2, n);
}

static void note_rise(struct vg_watch *watch, const struct vg_column_summary *window)
{
    if (!vg_column_finite(window))
        return;
    watch->fell |= watch->out->total && vg_column_finite(watch->out->total) &&
                   !(window->min > watch->last_max);
    watch->last_max = window->max;
}

static int merge_total(struct vg_profile_column *out, struct vg_column_summary *window,
                       struct vg_error *err)
{
    if (out->total)
        return vg_column_merge(out->total, window, err);
    out->total = malloc(sizeof *out->total);
    if (!out->total)
        return fail_memory(err);
    *out->total = *window;
    memset(window, 0, sizeof *window);
    return 0;
}

int vg_watch_close(struct vg_watch *watch, struct vg_column_summary *window,
                   struct vg_watch_past past, struct vg_error *err)
{
    struct vg_profile_column *out = watch->out;
    uint64_t finite = vg_column_finite(window);
    add_share(&out->nulls, window->nulls, window->rows);
    if (window->kind == VG_KIND_NUMBER) {
        uint64_t odd = window->nans + window->pinfs + window->ninfs;
        add_share(&out->zeros, window->zeros, finite);
        add_share(&out->odd, odd, finite + odd);
    }
    if (window->kind == VG_KIND_BOOL && window->top && !past.scarce)
        add_share(&out->trues, vg_top_count(window->top, "true", 4), finite);
    note_distinct(out, window);
    if (!past.scarce) {
        note_top(out, window);
        note_spread(out, window);
    }
    if (window->kind == VG_KIND_NUMBER) {
        note_rise(watch, window);
        note_holes(out, window);
    }
    if (note_novel(out, window, past.before, err) < 0 || note_points(watch, err) < 0)
        return -1;
    return merge_total(out, window, err);
}

int vg_watch_finish(struct vg_watch *watch, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_profile_column *out = watch->out;
    out->rises = watch->kept && !watch->fell && out->windows > 2;
    if (watch->npoints < 2)
        return 0;
    out->d = vg_arena_array(arena, watch->npoints, sizeof *out->d);
    out->compared = vg_arena_array(arena, watch->npoints, sizeof *out->compared);
    if (!out->d || !out->compared)
        return fail_memory(err);
    for (size_t i = 0; i < watch->npoints; i++)
        out->compared[i] = watch->points[i].window;
    out->nd = watch->npoints;
    return vg_points_distances(watch->points, watch->npoints, out->d, err);
}

void vg_watch_end(struct vg_watch *watch)
{
    for (size_t i = 0; i < watch->npoints; i++)
        free(watch->points[i].q);
    free(watch->points);
    free(watch->kept);
}
