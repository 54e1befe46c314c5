/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References of a backtest that change from window to window: the part of a season, and versions
 * that roll. What they are read into is kept while the next window needs the same. */
#include "agent/loop/backtest_beside.h"

#include <string.h>

#include "agent/loop/cycle_reference.h"
#include "agent/reference.h"
#include "agent/window.h"
#include "pgvigil/check.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

const char *vg_backtest_why_not(const struct vg_bound *bound, bool lookups)
{
    const struct vg_check_type *type = bound->rule.type;
    if (type->needs & VG_NEEDS_REVISIT)
        return "judges windows that are read again";
    if (type->cadence == VG_ON_TICK)
        return "judged at ticks, by the table as it is then";
    if (type->needs & VG_NEEDS_LOOKUP && !lookups)
        return "asks the database by itself; --lookups replays it, window by window";
    return NULL;
}

void vg_beside_begin(struct vg_beside *beside, const struct vg_work *bound, bool lookups)
{
    const struct vg_dataset *dataset = bound->job.dataset;
    *beside = (struct vg_beside){.bound = bound, .lookups = lookups};
    beside->rolls = dataset->reference.kind == VG_REF_ROLLING;
    for (size_t i = 0; i < bound->nothers; i++)
        beside->apart |= bound->others[i].wanted;
}

static int find_slot(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                     const struct vg_reference *reference, int64_t start_us)
{
    int64_t base_us = reference->base_us ? reference->base_us : dataset->schedule.window_us;
    struct vg_window base;
    vg_window_at(dataset->zone, base_us, start_us, &base);
    return vg_reference_slot(dataset->zone, spec->season, base.start_us);
}

static bool is_same(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                    const struct vg_reference *reference, int64_t before_us, int64_t now_us)
{
    struct vg_window before, now;
    if (spec->kind == VG_REF_ROLLING) {
        vg_reference_span(dataset, spec, before_us, &before);
        vg_reference_span(dataset, spec, now_us, &now);
        if (before.end_us != now.end_us)
            return false;
    }
    return !spec->season || !reference ||
           find_slot(dataset, spec, reference, before_us) ==
               find_slot(dataset, spec, reference, now_us);
}

/* Whether what there is serves a window that starts then. */
static bool serves(const struct vg_beside *beside, int64_t start_us)
{
    const struct vg_work *now = &beside->now;
    const struct vg_dataset *dataset = beside->bound->job.dataset;
    if (!now->arena)
        return false;
    int64_t before_us = now->job.range.start_us;
    if (beside->rolls && !is_same(dataset, &dataset->reference, NULL, before_us, start_us))
        return false;
    for (size_t i = 0; i < now->nothers; i++) {
        if (now->others[i].wanted && !is_same(dataset, vg_reference_spec_of(dataset, i),
                                              now->others[i].reference, before_us, start_us))
            return false;
    }
    return true;
}

static void forget_now(struct vg_beside *beside)
{
    struct vg_work *now = &beside->now;
    if (!now->arena)
        return;
    if (!beside->rolls)
        now->reference = NULL; /* it is the other's */
    vg_cycle_end(now);
}

/* The rows that come are those of the first plan: any other must read them alike. */
static bool reads_alike(const struct vg_plan *a, const struct vg_plan *b)
{
    if (a->nitems != b->nitems || a->time_item != b->time_item)
        return false;
    for (size_t i = 0; i < a->nitems; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static int plan_anew(struct vg_beside *beside, struct vg_error *err)
{
    const struct vg_work *bound = beside->bound;
    struct vg_work *now = &beside->now;
    size_t n = 0;
    if (vg_plan_make(now->job.dataset, bound->catalog, now->reference, &now->rejects, now->arena,
                     &now->plan, err) < 0)
        return -1;
    if (!reads_alike(&now->plan, &bound->plan))
        return vg_fail(err, VG_E_CONFIG,
                       "with the reference of %s the rules look at other columns than before",
                       now->reference ? "another turn" : "no turn");
    struct vg_bound *kept = vg_arena_array(now->arena, now->plan.nbound, sizeof *kept);
    if (!kept)
        return fail_memory(err);
    for (size_t i = 0; i < now->plan.nbound; i++) {
        if (!vg_backtest_why_not(&now->plan.bound[i], beside->lookups))
            kept[n++] = now->plan.bound[i];
    }
    now->plan.bound = kept;
    now->plan.nbound = n;
    for (size_t i = 0; now->reference && i < now->reference->ncolumns; i++) {
        struct vg_column_summary *total = now->reference->columns[i].total;
        if (total && total->top && vg_top_rank(total->top) < 0)
            return fail_memory(err);
    }
    return 0;
}

/* The first plan, without what is counted for references that were those of its time. */
static void plan_again(struct vg_beside *beside)
{
    struct vg_work *now = &beside->now;
    now->reference = beside->bound->reference;
    now->plan = beside->bound->plan;
    now->plan.tally.ncolumns -= now->plan.napart;
    now->plan.napart = 0;
}

static int load(struct vg_beside *beside, const struct vg_window *window, struct vg_error *err)
{
    const struct vg_work *bound = beside->bound;
    struct vg_work *now = &beside->now;
    struct vg_job job = bound->job;
    job.range = *window;
    forget_now(beside);
    if (vg_cycle_begin(now, bound->env, &job, &bound->before, err) < 0)
        return -1;
    now->catalog = bound->catalog;
    if (!beside->rolls) {
        now->reference_failed = bound->reference_failed;
        now->reference_why = bound->reference_why;
        plan_again(beside);
        if (vg_cycle_reference_others(now, err) < 0)
            return -1;
    } else if (vg_cycle_reference_load(now, err) < 0 || plan_anew(beside, err) < 0) {
        return -1;
    }
    return vg_cycle_reference_plan(now, err);
}

int vg_beside_at(struct vg_beside *beside, const struct vg_window *window,
                 const struct vg_work **out, struct vg_error *err)
{
    *out = beside->bound;
    if (!beside->rolls && !beside->apart)
        return 0;
    *out = &beside->now;
    return serves(beside, window->start_us) ? 0 : load(beside, window, err);
}

void vg_beside_end(struct vg_beside *beside)
{
    forget_now(beside);
}
