/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds for each drift what its story is made of: the column in the window and in the reference,
 * the segments of both, the base windows before. What the store cannot tell is left out of the
 * story: it never costs a verdict. */
#include "agent/loop/cycle_story.h"

#include "agent/loop/carry.h"
#include "agent/loop/cycle_budget_sides.h"
#include "agent/loop/cycle_reference.h"
#include "agent/loop/cycle_segments.h"
#include "agent/plan_segments.h"
#include "agent/reference.h"
#include "agent/story.h"
#include "checks/check_budget_text.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { SENTENCE_MAX = 4096 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static const struct vg_bound *find_bound(const struct vg_work *work, const char *rule)
{
    for (size_t i = 0; i < work->plan.nbound; i++) {
        if (vg_streq(work->plan.bound[i].rule.id, rule))
            return &work->plan.bound[i];
    }
    return NULL;
}

static const struct vg_plan_segment *find_segment(const struct vg_plan *plan, const char *name)
{
    for (size_t i = 0; name && i < plan->nsegments; i++) {
        if (vg_streq(plan->segments[i].name, name))
            return &plan->segments[i];
    }
    return NULL;
}

static void fill_segment(const struct vg_work *work, const struct vg_bound *bound,
                         const struct vg_plan_segment *segment, const char *column,
                         struct vg_story_segment *out)
{
    const struct vg_summary *rows = vg_cycle_segments_summary(work, bound->variant, segment);
    *out = (struct vg_story_segment){
        .name = segment->name,
        .now = rows ? vg_summary_column(rows, column) : NULL,
        .then = segment->reference ? vg_reference_find(segment->reference, column) : NULL,
    };
}

static int fill_segments(const struct vg_work *work, const struct vg_bound *bound,
                         const char *column, struct vg_story_of *of)
{
    const struct vg_plan *plan = &work->plan;
    struct vg_story_segment *items = vg_arena_array(work->arena, plan->nsegments, sizeof *items);
    if (!items)
        return -1;
    for (size_t i = 0; i < plan->nsegments; i++)
        fill_segment(work, bound, &plan->segments[i], column, &items[i]);
    of->segments = items;
    of->nsegments = plan->nsegments;
    return 0;
}

/* Values that have no share of their own in the test. */
static void fill_together(const struct vg_budget_found *found, struct vg_story_of *of)
{
    of->together = vg_budget_say_value(found->which);
    of->unseen = found->which == VG_BUDGET_UNSEEN;
    of->together_then = found->expected;
    of->together_now = found->expected + found->value;
}

/* An alarm of the budget is about the rows of its look-back, against what is usual at its hours.
 * What it tells beside the tests (the first NULL, a new value) needs no story, and compared with
 * all hours of the reference it would have the wrong one. */
static int fill_look_back(struct vg_work *work, const struct vg_bound *bound,
                          const struct vg_result *result, struct vg_budget_sides *sides,
                          struct vg_story_of *of, struct vg_error *err)
{
    const struct vg_reference_column *whole =
        work->reference ? vg_reference_find(work->reference, result->column) : NULL;
    int rc = whole ? vg_cycle_budget_sides(work, result, whole, sides, err) : 0;
    if (rc <= 0)
        return rc;
    of->now = &sides->now;
    of->then = &sides->then;
    of->nulls = sides->nulls;
    of->window = &sides->window;
    of->all_hours = whole;
    of->past_grid_id = sides->numbers ? whole->fine->grid->id : 0;
    of->tested = sides->one ? &sides->value : NULL;
    if (!sides->one && sides->found.which != VG_BUDGET_NO_VALUE)
        fill_together(&sides->found, of);
    return fill_segments(work, bound, result->column, of) < 0 ? fail_memory(err) : 1;
}

/* The rows that the result is about; false: they were not counted. */
static int fill_rows(const struct vg_work *work, const struct vg_bound *bound,
                     const struct vg_result *result, struct vg_story_of *of)
{
    const struct vg_plan_segment *segment = find_segment(&work->plan, result->segment);
    const struct vg_summary *all =
        bound->variant < work->nsummaries ? work->summaries[bound->variant] : NULL;
    struct vg_story_segment rows = {.now = all ? vg_summary_column(all, result->column) : NULL};
    if (vg_reference_apart(&bound->rule))
        vg_cycle_reference_sides(work, bound, &rows.now, &rows.then);
    else if (segment)
        fill_segment(work, bound, segment, result->column, &rows);
    else if (work->reference && !result->segment)
        rows.then = vg_reference_find(work->reference, result->column);
    if (!rows.now || !rows.then || rows.now->kind != rows.then->kind)
        return 0;
    of->now = rows.now;
    of->then = rows.then;
    if (!segment && !vg_reference_apart(&bound->rule) &&
        fill_segments(work, bound, result->column, of) < 0)
        return -1;
    return 1;
}

static int fill_past(struct vg_work *work, const char *column, struct vg_stored_windows *stored,
                     struct vg_budget_sides *sides, struct vg_story_of *of, struct vg_error *err)
{
    if (!work->env->store || !of->window)
        return 0;
    if (work->env->carry && vg_carry_flush(work->env->carry, err) < 0)
        return -1;
    if (vg_store_summary_windows(work->env->store, work->job.dataset->id, column,
                                 of->window->start_us, work->arena, stored, err) < 0) {
        if (err->code == VG_E_MEMORY)
            return -1;
        vg_log(VG_LOG_WARN, "a drift is explained without the windows before it", "dataset",
               work->job.dataset->id, "column", column, "error", err->msg, NULL);
        *err = (struct vg_error){.code = VG_OK};
        return 0;
    }
    struct vg_story_past *past = vg_arena_array(work->arena, stored->n, sizeof *past);
    for (size_t i = 0; past && i < stored->n; i++)
        past[i] = (struct vg_story_past){.window = stored->items[i].window,
                                         .column = stored->items[i].column};
    of->npast = past ? stored->n : 0;
    of->past = past;
    return past ? vg_cycle_budget_sides_usual(work, sides, past, stored->n, err) : fail_memory(err);
}

/* What the story is made of, but for the windows before; 0: nothing. */
static int fill_story(struct vg_work *work, const struct vg_bound *bound,
                      const struct vg_result *result, struct vg_budget_sides *sides,
                      struct vg_story_of *of, struct vg_error *err)
{
    if (bound->rule.policy == VG_POLICY_BUDGET)
        return fill_look_back(work, bound, result, sides, of, err);
    int rc = fill_rows(work, bound, result, of);
    return rc < 0 ? fail_memory(err) : rc;
}

static int tell(struct vg_work *work, const struct vg_bound *bound, const struct vg_result *result,
                struct vg_budget_sides *sides, struct vg_story_of *of, struct vg_story **out,
                struct vg_error *err)
{
    struct vg_stored_windows stored = {NULL, 0};
    struct vg_story *story = vg_arena_alloc(work->arena, sizeof *story);
    int rc = story ? 1 : fail_memory(err);
    /* Windows before are kept of all rows together, as the first reference counts them. */
    if (rc > 0 && !result->segment && !bound->variant && !vg_reference_apart(&bound->rule))
        rc = fill_past(work, result->column, &stored, sides, of, err) < 0 ? -1 : 1;
    if (rc > 0) {
        rc = vg_story_tell(of, work->arena, story);
        if (rc < 0)
            fail_memory(err);
    }
    for (size_t i = 0; i < stored.n; i++)
        vg_column_free(stored.items[i].column);
    *out = rc > 0 ? story : NULL;
    return rc;
}

int vg_cycle_story(struct vg_work *work, const struct vg_result *result, struct vg_story **out,
                   struct vg_error *err)
{
    const struct vg_bound *bound = find_bound(work, result->rule);
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_budget_sides sides = {.nulls = false};
    struct vg_story_of of = {.nulls = vg_streq(result->check, "null_rate")};
    *out = NULL;
    if (!bound || bound->rule.compare.segment || result->class != VG_CLASS_DRIFT || !result->column)
        return 0;
    of.is_private = vg_dataset_is_private(dataset, result->column);
    of.shows_values = dataset->expose_values && !of.is_private;
    of.window = work->cycle.has_window && work->plan.time ? &work->cycle.window : NULL;
    int rc = fill_story(work, bound, result, &sides, &of, err);
    if (rc > 0)
        rc = tell(work, bound, result, &sides, &of, out, err);
    vg_cycle_budget_sides_end(&sides);
    return rc;
}

static int append_story(struct vg_work *work, struct vg_result *result,
                        const struct vg_story *story, struct vg_error *err)
{
    struct vg_buf text;
    vg_buf_init(&text, SENTENCE_MAX);
    vg_buf_printf(&text, "%s; ", result->why);
    vg_story_write(story, &text);
    const char *why = text.failed ? NULL : vg_arena_strdup(work->arena, text.data);
    vg_buf_free(&text);
    if (!why)
        return fail_memory(err);
    result->why = why;
    result->story = story;
    return 0;
}

int vg_cycle_stories(struct vg_work *work, struct vg_error *err)
{
    for (size_t i = 0; i < work->cycle.nresults; i++) {
        struct vg_result *result = &work->cycle.results[i];
        struct vg_story *story;
        if (result->verdict != VG_FAIL && result->verdict != VG_WARN)
            continue;
        if (work->env->carry && vg_carry_burns(work->env->carry, result))
            continue;
        int rc = vg_cycle_story(work, result, &story, err);
        if (rc < 0 || (rc > 0 && append_story(work, result, story, err) < 0))
            return -1;
    }
    return 0;
}
