/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column of the reference, read window by window into series. Pure. What a window does not hold
 * stays zero; struck windows count as empty for what is tested, and only for that. */
#include <stdlib.h>
#include <string.h>

#include "agent/budget/learn.h"
#include "pgvigil/error.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory learning the budget");
}

static int open_arrays(struct vg_budget_feed *feed)
{
    size_t n = feed->task->nwindows;
    feed->arena = vg_arena_new();
    if (!feed->arena)
        return -1;
    feed->all = vg_arena_array(feed->arena, n, sizeof *feed->all);
    feed->nulls = vg_arena_array(feed->arena, 2 * n, sizeof *feed->nulls);
    feed->values = vg_arena_array(feed->arena, n, sizeof *feed->values);
    feed->m2 = vg_arena_array(feed->arena, n, sizeof *feed->m2);
    if (feed->categories && feed->mode == VG_FEED_COUNT) {
        feed->width = vg_categories_levels(feed->categories);
        feed->counts = vg_arena_array(feed->arena, n * feed->width, sizeof *feed->counts);
        if (!feed->counts)
            return -1;
    }
    vg_calendar_column_begin(&feed->calendar, n);
    feed->calendar.ranged = !feed->input->is_private && (feed->input->kind == VG_KIND_NUMBER ||
                                                         feed->input->kind == VG_KIND_TIME);
    return feed->all && feed->nulls && feed->values && feed->m2 ? 0 : -1;
}

int vg_feed_visit(struct vg_budget_feed *feed, size_t column, struct vg_error *err)
{
    if (open_arrays(feed) < 0)
        return fail_memory(err);
    return feed->task->visit(feed->task->arg, column, feed, err);
}

void vg_feed_end(struct vg_budget_feed *feed)
{
    vg_arena_free(feed->arena);
    vg_values_free(feed->table);
    vg_rehearsal_free(feed->rehearsal);
    feed->arena = NULL;
    feed->table = NULL;
    feed->rehearsal = NULL;
}

/* --- one window --- */

/* Sums over the reference stay exact in doubles. */
static int count_rows(struct vg_budget_feed *feed, double rows, struct vg_error *err)
{
    feed->counted += rows;
    if (feed->counted <= 0x1p53)
        return 0;
    return vg_fail(err, VG_E_LIMIT, "the reference of column %s has more than 2^53 rows",
                   feed->input->name);
}

static int add_nulls(struct vg_budget_feed *feed, size_t w, const struct vg_column_summary *s,
                     struct vg_error *err)
{
    uint64_t nulls = s->nulls < s->rows ? s->nulls : s->rows;
    feed->any_null |= nulls > 0;
    feed->any_present |= nulls < s->rows;
    feed->read += (double)s->rows;
    feed->present += (double)(s->rows - nulls);
    if (feed->struck && feed->struck[w])
        return 0;
    feed->all[w] = (double)s->rows;
    feed->nulls[2 * w] = (double)(s->rows - nulls);
    feed->nulls[2 * w + 1] = (double)nulls;
    return count_rows(feed, feed->all[w], err);
}

/* Numbers of a private column show no range: only whether they are all one. */
static void add_range(struct vg_budget_feed *feed, size_t w, const struct vg_column_summary *s,
                      double values)
{
    double lo = s->min, hi = s->max;
    if (feed->input->is_private) {
        lo = vg_column_mean(s);
        hi = lo + (s->m2.hi > 0);
    }
    vg_calendar_column_add(&feed->calendar, w, values, lo, hi);
}

static int check_grid(struct vg_budget_feed *feed, const struct vg_column_summary *s,
                      struct vg_error *err)
{
    if (!feed->counts) {
        feed->width = s->coarse_cells - 1;
        feed->grid_id = s->grid_id;
        feed->counts =
            vg_arena_array(feed->arena, feed->task->nwindows * feed->width, sizeof *feed->counts);
        return feed->counts ? 0 : fail_memory(err);
    }
    if (feed->grid_id != s->grid_id || feed->width + 1 != s->coarse_cells)
        return vg_fail(err, VG_E_INTERNAL, "base windows of column %s are of two grids",
                       feed->input->name);
    return 0;
}

static int add_numbers(struct vg_budget_feed *feed, size_t w, const struct vg_column_summary *s,
                       struct vg_error *err)
{
    double finite = (double)vg_column_finite(s);
    if (!(finite > 0))
        return 0;
    add_range(feed, w, s, finite);
    if (!s->coarse || !s->grid_id || s->coarse_cells < 3) {
        feed->uncounted = true;
        return 0;
    }
    if (check_grid(feed, s, err) < 0)
        return -1;
    if (feed->struck && feed->struck[w])
        return 0;
    double below = 0, *counts = feed->counts + w * feed->width;
    for (size_t j = 0; j < feed->width; j++) {
        below += (double)s->coarse[j];
        counts[j] = below;
    }
    feed->values[w] = below + (double)s->coarse[feed->width];
    feed->m2[w] = s->m2.hi;
    return count_rows(feed, feed->values[w], err);
}

/* Keeps the labels of the levels that have none yet. */
static int add_labels(struct vg_budget_feed *feed, const struct vg_top_entry *entries, size_t n)
{
    struct vg_categories *categories = feed->categories;
    for (size_t i = 0; i < categories->ntop; i++) {
        for (size_t k = 0; k < n && !categories->label[i]; k++) {
            if (entries[k].hash != categories->hash[i])
                continue;
            categories->label[i] = strdup(entries[k].label);
            if (!categories->label[i])
                return -1;
        }
    }
    return 0;
}

/* Every value of a window: into the table, or past the rule "new value". */
static int add_entries(struct vg_budget_feed *feed, size_t w, const struct vg_top *top, double rows)
{
    size_t n;
    bool sampled;
    struct vg_top_entry *entries = vg_top_entries(top, &n, &sampled);
    if (!entries)
        return -1;
    int rc = 0;
    feed->crowded |= sampled;
    if (feed->mode == VG_FEED_LOOK && n) {
        double same = (double)(entries[0].hash >> 11);
        vg_calendar_column_add(&feed->calendar, w, rows, same, same + (n > 1));
    }
    for (size_t i = 0; rc == 0 && i < n && feed->mode == VG_FEED_LOOK; i++)
        rc = vg_values_add(feed->table, entries[i].hash, entries[i].count, w < feed->calendar.half);
    if (rc == 0 && feed->mode == VG_FEED_COUNT)
        rc = add_labels(feed, entries, n);
    for (size_t i = 0; rc == 0 && i < n && feed->rehearsal; i++)
        rc = vg_rehearsal_add(feed->rehearsal, entries[i].hash, entries[i].count);
    if (feed->rehearsal)
        vg_rehearsal_end(feed->rehearsal);
    free(entries);
    return rc;
}

static bool lacks_labels(const struct vg_categories *categories)
{
    for (size_t i = 0; i < categories->ntop; i++) {
        if (!categories->label[i])
            return true;
    }
    return false;
}

static int add_category(struct vg_budget_feed *feed, size_t w, const struct vg_column_summary *s,
                        struct vg_error *err)
{
    double rows = vg_summary_values(s), *counts = feed->counts + w * feed->width;
    enum vg_budget_look look;
    if (!(rows > 0))
        return 0;
    if (!s->top) {
        feed->uncounted = true;
        return 0;
    }
    bool lists = feed->mode == VG_FEED_LOOK || feed->rehearsal || lacks_labels(feed->categories);
    if (lists && add_entries(feed, w, s->top, rows) < 0)
        return fail_memory(err);
    if (feed->mode == VG_FEED_LOOK || (feed->struck && feed->struck[w]))
        return 0;
    if (vg_categories_count(feed->categories, s, counts, &feed->values[w], &look) < 0)
        return fail_memory(err);
    feed->crowded |= look != VG_BUDGET_LOOKED;
    return count_rows(feed, feed->values[w], err);
}

/* Windows that the visit leaves out move the rehearsal on, too. */
static void move_to(struct vg_budget_feed *feed, size_t w, const struct vg_column_summary *s)
{
    for (; feed->rehearsal && feed->next < w; feed->next++)
        vg_rehearsal_begin(feed->rehearsal, 0);
    if (feed->rehearsal)
        vg_rehearsal_begin(feed->rehearsal, vg_summary_values(s));
    feed->next = w + 1;
}

int vg_budget_feed(struct vg_budget_feed *feed, int64_t start_us,
                   const struct vg_column_summary *summary, struct vg_error *err)
{
    const struct vg_budget_task *task = feed->task;
    size_t lo = feed->next, hi = task->nwindows;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (task->starts[mid] < start_us)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo >= task->nwindows || task->starts[lo] != start_us)
        return vg_fail(err, VG_E_INTERNAL, "a base window of column %s is out of place",
                       feed->input->name);
    move_to(feed, lo, summary);
    if (add_nulls(feed, lo, summary, err) < 0)
        return -1;
    switch (feed->input->kind) {
    case VG_KIND_NUMBER:
        return add_numbers(feed, lo, summary, err);
    case VG_KIND_TIME:
        if (vg_column_finite(summary))
            add_range(feed, lo, summary, (double)vg_column_finite(summary));
        return 0;
    case VG_KIND_BOOL:
    case VG_KIND_TEXT:
        return feed->table || feed->categories ? add_category(feed, lo, summary, err) : 0;
    case VG_KIND_OTHER:
        return 0;
    }
    return 0;
}
