/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second half of a cycle: every bound rule measures, one judge turns the list into results.
 * What could not be looked at is said rule by rule, except a failed read, of which only `reach`
 * speaks. */
#include <string.h>

#include "agent/judge.h"
#include "agent/loop/cycle.h"
#include "agent/loop/cycle_budget.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/cycle_reference.h"
#include "agent/loop/cycle_revisit.h"
#include "agent/loop/cycle_segments.h"
#include "agent/loop/cycle_story.h"
#include "agent/reference.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int64_t find_since(const struct vg_work *work, const struct vg_latest *latest)
{
    return latest->decided == VG_NODATA ? work->before.first_seen_us : latest->decided_us;
}

/* A rule is judged while it has verdicts on all rows and, where it is judged per segment, on one of
 * those it was last judged on: one value may be absent for long, not all of them. `of`: the results
 * of one rule. */
static bool is_stale(const struct vg_work *work, const struct vg_latest *of, size_t n)
{
    int64_t limit = work->cycle.now_us - work->job.dataset->schedule.nodata_after_us, last = 0;
    size_t segments = 0, mute = 0;
    if (vg_streq(of->check, "budget")) /* its verdicts come once per base window */
        limit -= 2 * vg_cycle_base_us(work);
    for (size_t i = 0; i < n; i++)
        last = of[i].at_us > last ? of[i].at_us : last;
    for (size_t i = 0; i < n; i++) {
        bool stale = of[i].verdict == VG_NODATA && find_since(work, &of[i]) < limit;
        if (!*of[i].segment && stale)
            return true;
        bool counts = *of[i].segment && of[i].at_us == last;
        segments += counts;
        mute += counts && stale;
    }
    return segments && mute == segments;
}

/* A rule without any verdict but nodata for nodata_after, or NULL. */
static int find_stale(struct vg_work *work, const char **out, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_latest *latest;
    size_t n;
    *out = NULL;
    if (!work->env->store || !work->cycle.ticked) /* only ticks ask */
        return 0;
    if (vg_store_latest(work->env->store, dataset->id, work->arena, &latest, &n, err) < 0)
        return -1;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && !strcmp(latest[end].rule, latest[i].rule);)
            end++;
        if (latest[i].cadence == VG_ON_WINDOW && is_stale(work, &latest[i], end - i))
            *out = latest[i].rule;
    }
    return 0;
}

/* Without an index, newest comes from the scan. An empty window does not say what came before it.
 */
static void take_newest_of_scan(struct vg_work *work)
{
    const struct vg_plan *plan = &work->plan;
    if (work->live.has_newest || !plan->time || !work->cycle.summary || work->job.revisit)
        return;
    const struct vg_column_summary *time = vg_summary_column(work->cycle.summary, plan->time->name);
    if (!time || !vg_column_finite(time))
        return;
    work->live.has_newest = true;
    work->live.newest_us = vg_sql_cell_instant(work->job.dataset, plan->time, time->max);
}

static int fill_live(struct vg_work *work, struct vg_error *err)
{
    struct vg_live *live = &work->live;
    live->last_judged_us =
        work->before.judged_us != VG_NEVER ? work->before.judged_us : work->before.first_seen_us;
    if (work->cycle.summary && !work->cycle.empty)
        live->last_judged_us = work->cycle.now_us;
    if (work->cycle.failed)
        live->error = &work->cycle.error;
    else
        take_newest_of_scan(work);
    work->cycle.newest_us = live->has_newest ? live->newest_us : VG_NEVER;
    return find_stale(work, &live->stale_rule, err);
}

static const char *explain_no_look(const struct vg_work *work, const struct vg_bound *bound,
                                   enum vg_verdict *look)
{
    *look = VG_UNKNOWN;
    if (bound->problem)
        return bound->problem;
    if (work->job.revisit)
        return work->cycle.failed ? work->cycle.error.msg : NULL;
    if (bound->rule.type->cadence != VG_ON_WINDOW)
        return NULL; /* the tick was fine, whatever became of the window */
    if (work->cycle.unreadable)
        return work->cycle.error.msg;
    *look = VG_NODATA;
    return work->cycle.empty ? "no rows in this window yet" : NULL;
}

static int measure_rule(struct vg_work *work, const struct vg_bound *bound,
                        struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    enum vg_verdict look;
    const char *why = explain_no_look(work, bound, &look);
    const struct vg_asked_rule *asked = work->asked ? &work->asked[bound - work->plan.bound] : NULL;
    struct vg_evidence evidence = {
        .now = bound->variant < work->nsummaries ? work->summaries[bound->variant] : NULL,
        .reference = work->reference,
        .reference_failed = work->reference_failed,
        .reference_why = work->reference_why,
        .catalog = work->catalog,
        .live = &work->live,
        .window = work->cycle.has_window && work->plan.time ? &work->cycle.window : NULL,
        .history = work->history,
        .answers = asked ? asked->answers : NULL,
        .nanswers = asked ? asked->n : 0,
        .answers_why = asked ? asked->why : NULL,
        .revisit = work->job.revisit ? &work->revisit : NULL,
        .last_structure = work->last_structure,
        .now_us = work->cycle.now_us,
    };
    if (rule->policy == VG_POLICY_BUDGET && !bound->problem && !work->cycle.unreadable)
        return vg_cycle_budget_measure(work, bound, &evidence, measures, err);
    bool whole = !rule->compare.segment, apart = vg_reference_apart(rule);
    size_t first = measures->n;
    const struct vg_evidence all = evidence;
    if (vg_cycle_segments_whole(work, asked, &evidence, err) < 0)
        return -1;
    if (apart && !why) {
        look = VG_NODATA;
        if (vg_cycle_reference_evidence(work, bound, &evidence, &why, err) < 0)
            return -1;
    }
    if (whole && why && vg_measure_skip(measures, rule, look, "%s", why) < 0)
        return fail_memory(err);
    if (whole && !why && rule->type->measure(rule, &evidence, measures, err) < 0)
        return -1;
    if (apart)
        vg_cycle_reference_say(work, rule, measures, first);
    return vg_cycle_segments_measure(work, bound, &all, look, why, measures, err);
}

static bool is_wanted(const struct vg_work *work, const struct vg_rule *rule)
{
    bool unread_now = work->cycle.unchanged || (work->cycle.failed && !work->job.revisit);
    if (unread_now && vg_streq(rule->type->name, "reach"))
        return true;
    if (rule->type->needs & VG_NEEDS_REVISIT)
        return work->cycle.revisited &&
               (!work->cycle.failed || vg_cycle_revisit_over(work, work->scanning));
    if (work->cycle.failed && !work->cycle.unreadable)
        return false;
    if (rule->policy == VG_POLICY_BUDGET)
        return work->cycle.has_window && vg_cycle_budget_closes(work);
    if (rule->type->cadence == VG_ON_WINDOW)
        return work->cycle.has_window;
    /* Freshness without an index is known only when a window was read. */
    bool unread = vg_streq(rule->type->name, "freshness") && !work->live.has_newest &&
                  work->plan.time && !work->cycle.summary;
    return work->cycle.ticked && !unread;
}

/* Rules as they stand in the file, for a cycle that never came to bind them. */
static int bind_unseen(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    if (work->plan.bound)
        return 0;
    struct vg_bound *bound = vg_arena_array(work->arena, dataset->nrules, sizeof *bound);
    if (!bound)
        return fail_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < dataset->nrules; i++) {
        if (!vg_streq(dataset->rules[i].column, "*"))
            bound[n++].rule = dataset->rules[i];
    }
    work->plan.dataset = dataset;
    work->plan.bound = bound;
    work->plan.nbound = n;
    return 0;
}

static void fill_keys(struct vg_work *work)
{
    for (size_t i = 0; i < work->cycle.nresults; i++) {
        struct vg_result *result = &work->cycle.results[i];
        bool bad = result->verdict == VG_FAIL || result->verdict == VG_WARN;
        /* Rows do not offend where a share of them is bounded from below, too. */
        const struct vg_check_type *type = vg_check_find(result->check);
        if (type && type->bounds == VG_BOUNDS_ON_VALUE)
            continue;
        bad &= !result->segment; /* keys are kept for all rows together */
        for (size_t v = 0; bad && !result->nkeys && v < work->nsummaries; v++) {
            const struct vg_predicate_summary *predicate =
                vg_summary_predicate(work->summaries[v], result->rule);
            if (!predicate || !predicate->nkeys)
                continue;
            result->keys = (const char *const *)predicate->keys;
            result->nkeys = predicate->nkeys;
        }
    }
}

static int measure_wanted(struct vg_work *work, const struct vg_bound *bound,
                          struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_cycle_env *env = work->env;
    if (!is_wanted(work, &bound->rule))
        return 0;
    if (env->measuring)
        env->measuring(env->measuring_arg, &bound->rule, false);
    int rc = measure_rule(work, bound, measures, err);
    if (env->measuring)
        env->measuring(env->measuring_arg, &bound->rule, true);
    return rc;
}

int vg_cycle_judge(struct vg_work *work, struct vg_error *err)
{
    if (fill_live(work, err) < 0 || bind_unseen(work, err) < 0 ||
        vg_cycle_reference_list(work, err) < 0 || vg_cycle_budget_open(work, err) < 0)
        return -1;
    /* Of a replay only what alarms is told. */
    struct vg_measures measures = {.arena = work->arena, .terse = work->env->carry != NULL};
    for (size_t i = 0; i < work->plan.nbound; i++) {
        if (measure_wanted(work, &work->plan.bound[i], &measures, err) < 0)
            return -1;
    }
    if (vg_judge(&measures, work->arena, &work->cycle.results, &work->cycle.nresults, err) < 0)
        return -1;
    fill_keys(work);
    return vg_cycle_rank(work, err) < 0 ? -1 : vg_cycle_stories(work, err);
}
