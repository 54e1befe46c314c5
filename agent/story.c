/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has changed between a reference and a window, by counts of both in the same levels: cells of
 * the reference's grid, values of a category, NULL or not. Pure. */
#include "agent/story_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

/* Few groups of levels: with more, chance in one window would pass for its nature. */
enum { GROUPS = 10, LEVELS = 12, LABEL_CHARS = 40 };

/* --- numbers: parts of the line --- */

static void fill_part(const struct vg_story_cells *cells, const struct vg_grid *grid,
                      const struct vg_story_run *run, struct vg_story_part *out)
{
    size_t first = run->first, last = run->last;
    *out = (struct vg_story_part){.one = first == last && first % 2 == 1};
    for (size_t i = 0; i <= last; i++) {
        double then = (double)cells->then[i] / cells->m;
        out->lowest += i < first ? then : 0;
        out->highest += then;
        out->then += i >= first ? then : 0;
        out->now += i >= first ? (double)cells->now[i] / cells->rows : 0;
    }
    out->from = first ? grid->q[(first - 1) / 2] : -INFINITY;
    out->to = last / 2 < grid->n ? grid->q[last / 2] : INFINITY;
}

/* Twice the excess of the chance that a value of the window is larger, -1 .. 1. */
static double find_rise(const struct vg_story_cells *cells)
{
    double rise = 0, then = 0;
    for (size_t i = 0; i < cells->n; i++) {
        double more = (double)cells->then[i] / cells->m;
        rise += (double)cells->now[i] / cells->rows * (2 * then + more - 1);
        then += more;
    }
    return rise;
}

static void fill_quantiles(const struct vg_story_of *of, struct vg_story *out)
{
    static const double at[VG_STORY_QUANTILES] = {.1, .5, .9};
    const struct vg_distribution *fine = of->then->fine;
    const struct vg_column_summary *total = of->then->total;
    struct vg_column_summary then = {
        .kind = of->then->kind,
        .rows = fine->n,
        .min = total ? total->min : fine->grid->q[0],
        .max = total ? total->max : fine->grid->q[fine->grid->n - 1],
        .grid = fine->grid,
        .grid_id = fine->grid->id,
        .fine = fine->cells,
    };
    for (int i = 0; i < VG_STORY_QUANTILES && !of->is_private; i++) {
        double lo, hi;
        if (vg_column_quantile(&then, at[i], &lo, &hi))
            out->then[i] = lo / 2 + hi / 2;
        if (vg_column_quantile(of->now, at[i], &lo, &hi))
            out->now[i] = lo / 2 + hi / 2;
    }
}

/* By how much more of the rows lie beyond the reference's 10% and 90% quantiles. */
static double find_spread(const struct vg_story_cells *cells)
{
    double spread = 0, below = 0;
    for (size_t i = 0; i < cells->n; i++) {
        double then = (double)cells->then[i] / cells->m;
        if (below + then / 2 < 0.1 || below + then / 2 > 0.9)
            spread += (double)cells->now[i] / cells->rows - then;
        below += then;
    }
    return spread;
}

static enum vg_story_shape find_shape(const struct vg_story_cells *cells,
                                      const struct vg_story *story, const struct vg_story_run *lost)
{
    double rise = find_rise(cells);
    if (fabs(rise) >= story->share / 2)
        return rise > 0 ? VG_STORY_HIGHER : VG_STORY_LOWER;
    /* What was lost in the middle went to both sides of it, and what was gained there came from
     * them; or beside it only. */
    const struct vg_story_part *gained = &story->gained, *from = &story->lost;
    double spread = find_spread(cells);
    if (from->lowest > 0.1 && from->highest < 0.9 && lost->share > 0 && spread > 0)
        return VG_STORY_WIDER;
    bool middle = gained->lowest > 0.1 && gained->highest < 0.9 && !gained->one;
    return middle && spread < 0 ? VG_STORY_NARROWER : VG_STORY_OTHER;
}

static void tell_numbers(const struct vg_story_of *of, const struct vg_story_cells *cells,
                         struct vg_story *out)
{
    const struct vg_grid *grid = of->then->fine->grid;
    struct vg_story_run gained = vg_story_find_run(cells, 1), lost = vg_story_find_run(cells, -1);
    fill_part(cells, grid, &gained, &out->gained);
    fill_part(cells, grid, &lost, &out->lost);
    out->share = gained.share > lost.share ? gained.share : lost.share;
    fill_quantiles(of, out);
    out->shape = find_shape(cells, out, &lost);
    if (of->is_private) {
        out->gained.from = out->gained.to = out->lost.from = out->lost.to = NAN;
        out->gained.one = out->lost.one = false;
    }
}

/* --- categories --- */

struct levels { /* those of the reference that changed most, then all others, then unseen ones */
    uint64_t hash[LEVELS];
    size_t n;
    double then[LEVELS + 2], now[LEVELS + 2];
};

static double find_change(const struct vg_top_entry *entry, const struct vg_story_of *of, double m,
                          double n)
{
    return (double)vg_top_count_hash(of->now->top, entry->hash) / n - (double)entry->count / m;
}

static void keep_level(struct levels *levels, const struct vg_top_entry *entry, double then,
                       double now)
{
    levels->hash[levels->n] = entry->hash;
    levels->then[levels->n] = then;
    levels->now[levels->n++] = now;
}

/* Only what was tested is known to be no chance: of the other values some always rise. */
static void tell_tested(const struct vg_story_of *of, struct vg_story *out)
{
    if (of->together) {
        out->together = of->together;
        out->unseen = of->unseen;
        out->level = NULL;
        out->level_then = of->together_then;
        out->level_now = of->together_now;
    }
    if (of->together || of->tested)
        out->share = fabs(out->level_now - out->level_then);
}

/* All values of the reference, and the largest change of one, or that of the value that was
 * tested. */
static void tell_level(const struct vg_story_of *of, const struct vg_top_entry *entries, size_t n,
                       struct vg_arena *arena, struct vg_story *out, struct levels *levels)
{
    double m = (double)vg_column_finite(of->then->total), rows = (double)vg_column_finite(of->now);
    double known = 0, held = 0, gained = 0, most = 0;
    *levels = (struct levels){.n = 0};
    for (size_t i = 0; i < n; i++) {
        double now = (double)vg_top_count_hash(of->now->top, entries[i].hash);
        double change = find_change(&entries[i], of, m, rows);
        known += now;
        held += (double)entries[i].count;
        gained += change > 0 ? change : 0;
        if (levels->n < LEVELS)
            keep_level(levels, &entries[i], (double)entries[i].count, now);
        bool tested = of->tested && entries[i].hash == *of->tested;
        if (fabs(change) <= most && !tested)
            continue;
        most = tested ? INFINITY : fabs(change);
        size_t len = vg_utf8_prefix(entries[i].label, strlen(entries[i].label), LABEL_CHARS);
        out->level = of->shows_values ? vg_arena_strndup(arena, entries[i].label, len) : NULL;
        out->level_then = (double)entries[i].count / m;
        out->level_now = now / rows;
    }
    double unseen = (rows - known) / rows;
    out->share = gained + unseen;
    if (unseen > most) {
        out->unseen = true;
        out->level = NULL;
        out->level_then = 0;
        out->level_now = unseen;
    }
    double kept_then = 0, kept_now = 0;
    for (size_t i = 0; i < levels->n; i++) {
        kept_then += levels->then[i];
        kept_now += levels->now[i];
    }
    levels->then[levels->n] = held - kept_then;
    levels->now[levels->n] = known - kept_now;
    levels->now[levels->n + 1] = rows - known;
}

static int tell_category(const struct vg_story_of *of, struct vg_arena *arena, struct vg_story *out,
                         struct levels *levels)
{
    const struct vg_column_summary *then = of->then->total;
    if (of->is_private || !of->now->top || !then || !then->top || !vg_column_finite(of->now) ||
        !vg_column_finite(then))
        return 0;
    bool sampled;
    size_t n = vg_top_size(then->top);
    struct vg_top_entry *entries = vg_arena_array(arena, n + 1, sizeof *entries);
    if (!entries)
        return -1;
    n = vg_top_largest(then->top, entries, n + 1, &sampled);
    if (sampled)
        return 0;
    out->shape = VG_STORY_LEVEL;
    tell_level(of, entries, n, arena, out, levels);
    tell_tested(of, out);
    return 1;
}

/* --- since when --- */

/* Adds coarse cells to the groups that hold about as many rows of the reference each. */
static void group_cells(const uint64_t *then, double m, const uint64_t *cells, size_t n,
                        double out[GROUPS])
{
    double below = 0;
    for (size_t i = 0; i < n; i++) {
        double place = (below + (double)then[i] / 2) / m * GROUPS;
        out[place < GROUPS ? (size_t)place : GROUPS - 1] += (double)cells[i];
        below += (double)then[i];
    }
}

/* A window of other hours: what is usual at them is taken for what is usual at those of `then`. */
static void shift_hours(const uint64_t *then, double m, const struct vg_story_past *past, size_t n,
                        double out[GROUPS])
{
    double below = 0, rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += (double)past->column->coarse[i];
    for (size_t i = 0; i < n; i++) {
        double place = (below + (double)then[i] / 2) / m * GROUPS;
        out[place < GROUPS ? (size_t)place : GROUPS - 1] +=
            rows * ((double)then[i] / m - past->usual[i]);
        below += (double)then[i];
    }
}

static void find_since(const struct vg_story_of *of, const double *then, const double *now,
                       size_t n, const double *past, struct vg_story *out)
{
    size_t known = 0; /* the first window whose rows can be compared */
    for (; known < of->npast; known++) {
        double rows = 0;
        for (size_t i = 0; i < n; i++)
            rows += past[known * n + i];
        if (rows > 0)
            break;
    }
    if (known == of->npast)
        return;
    size_t k = vg_story_since(then, now, n, past, of->npast);
    out->since_us = k < of->npast ? of->past[k].window.start_us : of->window->start_us;
    out->earlier = k <= known;
}

static int since_numbers(const struct vg_story_of *of, struct vg_story *out, double *past)
{
    const struct vg_distribution *fine = of->then->fine;
    struct vg_column_summary then = {
        .grid = fine->grid, .grid_id = fine->grid->id, .fine = fine->cells};
    struct vg_column_summary now = {.grid = fine->grid, .fine = of->now->fine};
    double groups[2][GROUPS] = {{0}, {0}};
    int rc = -1;
    if (vg_column_coarsen(&then) < 0 || vg_column_coarsen(&now) < 0)
        goto out;
    size_t n = then.coarse_cells;
    double m = (double)fine->n;
    uint64_t grid_id = of->past_grid_id ? of->past_grid_id : then.grid_id;
    group_cells(then.coarse, m, then.coarse, n, groups[0]);
    group_cells(then.coarse, m, now.coarse, n, groups[1]);
    for (size_t i = 0; i < of->npast; i++) {
        const struct vg_column_summary *column = of->past[i].column;
        if (column->coarse && column->grid_id == grid_id && column->coarse_cells == n)
            group_cells(then.coarse, m, column->coarse, n, past + i * GROUPS);
        else
            continue;
        if (of->past[i].usual)
            shift_hours(then.coarse, m, &of->past[i], n, past + i * GROUPS);
    }
    find_since(of, groups[0], groups[1], GROUPS, past, out);
    rc = 0;
out:
    free(then.coarse);
    free(now.coarse);
    return rc;
}

/* Of a window of other hours what is usual at them is taken for what is at those of `then`. */
static double count_level(const struct vg_story_of *of, const struct vg_story_past *past,
                          uint64_t hash)
{
    double counted = (double)vg_top_count_hash(past->column->top, hash);
    double rows = (double)vg_column_finite(past->column),
           m = (double)vg_column_finite(of->then->total);
    if (!past->usual_values || !(m > 0))
        return counted;
    double usual = (double)vg_top_count_hash(past->usual_values, hash) / past->usual_rows;
    return counted + rows * ((double)vg_top_count_hash(of->then->total->top, hash) / m - usual);
}

static void since_levels(const struct vg_story_of *of, const struct levels *levels, double *past,
                         struct vg_story *out)
{
    size_t n = levels->n + 2;
    for (size_t i = 0; i < of->npast; i++) {
        const struct vg_column_summary *column = of->past[i].column;
        double *counts = past + i * n, others = (double)vg_column_finite(column);
        if (!column->top)
            continue;
        for (size_t k = 0; k < levels->n; k++)
            others -= counts[k] = count_level(of, &of->past[i], levels->hash[k]);
        /* Of the rest it is not known which the reference saw: as the window has it. */
        double rest = levels->now[levels->n] + levels->now[levels->n + 1];
        double unseen = rest > 0 ? levels->now[levels->n + 1] / rest : 0;
        counts[levels->n] = others * (1 - unseen);
        counts[levels->n + 1] = others * unseen;
    }
    find_since(of, levels->then, levels->now, n, past, out);
}

static void since_nulls(const struct vg_story_of *of, double *past, struct vg_story *out)
{
    const struct vg_column_summary *then = of->then->total, *now = of->now;
    double before[2] = {(double)(then->rows - then->nulls), (double)then->nulls};
    double after[2] = {(double)(now->rows - now->nulls), (double)now->nulls};
    for (size_t i = 0; i < of->npast; i++) {
        const struct vg_story_past *at = &of->past[i];
        double rows = (double)at->column->rows, nulls = (double)at->column->nulls;
        if (at->has_usual_nulls)
            nulls += rows * (vg_column_null_ratio(then) - at->usual_nulls);
        past[2 * i] = rows - nulls;
        past[2 * i + 1] = nulls;
    }
    find_since(of, before, after, 2, past, out);
}

static int tell_since(const struct vg_story_of *of, const struct levels *levels,
                      struct vg_arena *arena, struct vg_story *out)
{
    if (!of->window || !of->npast)
        return 0;
    double *past = vg_arena_array(arena, of->npast * (LEVELS + 2), sizeof *past);
    if (!past)
        return -1;
    if (out->shape == VG_STORY_NULLS)
        since_nulls(of, past, out);
    else if (out->shape == VG_STORY_LEVEL)
        since_levels(of, levels, past, out);
    else
        return since_numbers(of, out, past);
    return 0;
}

/* --- all of it --- */

static int tell_nulls(const struct vg_story_of *of, struct vg_story *out)
{
    const struct vg_column_summary *then = of->then->total;
    if (!then || !then->rows || !of->now->rows)
        return 0;
    out->shape = VG_STORY_NULLS;
    out->level_then = vg_column_null_ratio(then);
    out->level_now = vg_column_null_ratio(of->now);
    out->share = fabs(out->level_now - out->level_then);
    return 1;
}

int vg_story_tell(const struct vg_story_of *of, struct vg_arena *arena, struct vg_story *out)
{
    struct levels levels;
    struct vg_story_cells cells;
    int rc = 0;
    *out = (struct vg_story){.since_us = VG_NEVER};
    for (int i = 0; i < VG_STORY_QUANTILES; i++)
        out->then[i] = out->now[i] = NAN;
    if (of->nulls) {
        rc = tell_nulls(of, out);
    } else if (of->now->kind == VG_KIND_NUMBER) {
        rc = vg_story_find_cells(of->now, of->then, &cells);
        if (rc)
            tell_numbers(of, &cells, out);
    } else {
        rc = tell_category(of, arena, out, &levels);
    }
    if (rc <= 0)
        return rc;
    vg_story_tell_segments(of, out);
    return tell_since(of, &levels, arena, out) < 0 ? -1 : 1;
}
