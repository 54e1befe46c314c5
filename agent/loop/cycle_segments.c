/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every rule on every segment: the same check, with the segment's rows in the place of all rows and
 * its part of the reference in the place of the whole. A check knows nothing of it. A segment
 * without rows has no verdict, but its volume is 0. */
#include "agent/loop/cycle_segments.h"

#include <string.h>

#include "agent/plan_segments.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The columns whose rules compare with the reference, and one that every reference holds, for the
 * rows of its segments. *all: a rule is for "*". */
static int find_used(const struct vg_work *work, struct vg_strings *out, bool *all)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const char **items = vg_arena_array(work->arena, dataset->nrules + 1, sizeof *items);
    size_t n = 0;
    *all = false;
    if (!items)
        return -1;
    items[n++] = dataset->segments[0].column;
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        /* The budget judges none, but its stories compare them. */
        bool used = rule->policy == VG_POLICY_BUDGET || !rule->unsegmented;
        if (!rule->column || !rule->type->needs_reference || !used)
            continue;
        *all |= !strcmp(rule->column, "*");
        items[n++] = rule->column;
    }
    *out = (struct vg_strings){items, n};
    return 0;
}

int vg_cycle_segments_load(struct vg_work *work, struct vg_error *err)
{
    struct vg_strings used;
    bool all;
    if (!work->job.dataset->nsegments || !work->job.window)
        return 0;
    if (vg_reference_coarse(work->reference) < 0 || find_used(work, &used, &all) < 0)
        return fail_memory(err);
    return vg_store_reference_segments(work->env->store, work->reference, all ? NULL : &used, err);
}

/* --- statements that answer for all segments at once --- */

int vg_cycle_segments_asked(const struct vg_work *work, const struct vg_rule *rule,
                            struct vg_asked *asked, struct vg_error *err)
{
    const struct vg_plan *plan = &work->plan;
    struct vg_asked_split *splits = vg_arena_array(work->arena, plan->nsplits, sizeof *splits);
    if (!splits)
        return fail_memory(err);
    if (!rule->type->grouped || rule->unsegmented || vg_rule_unsegmented(rule))
        return 0;
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct vg_plan_split *split = &plan->splits[i];
        const char *column = split->spec->column;
        if (split->problem || !split->known || (rule->segment && !vg_streq(rule->segment, column)))
            continue;
        splits[asked->nsplits++] =
            (struct vg_asked_split){vg_catalog_find(work->catalog, column), split->values};
    }
    asked->splits = splits;
    return 0;
}

/* The number that the statement gave to a split; 0: it was not asked for it. */
static size_t number_split(const struct vg_plan *plan, const struct vg_rule *rule, size_t split)
{
    size_t n = 0;
    for (size_t i = 0; i <= split; i++) {
        const struct vg_plan_split *at = &plan->splits[i];
        bool asked = !at->problem && at->known &&
                     (!rule->segment || vg_streq(rule->segment, at->spec->column));
        n += asked;
        if (i == split && !asked)
            return 0;
    }
    return n;
}

static bool is_part(const struct vg_rows *rows, size_t row, size_t number, const char *value)
{
    const char *const *last = &rows->cells[(row + 1) * rows->ncols - 2];
    int64_t at = 0;
    if (!last[0] || vg_parse_int64(last[0], &at) < 0 || at != (int64_t)number)
        return false;
    return !number || (value ? vg_streq(last[1], value) : !last[1]);
}

/* The rows of one segment. An aggregate over no rows of the table at all is a row of zeros. */
static int pick_rows(const struct vg_rows *rows, size_t number, const char *value,
                     struct vg_arena *arena, struct vg_rows *out)
{
    const char **cells = vg_arena_array(arena, (rows->nrows + 1) * rows->ncols, sizeof *cells);
    if (!cells)
        return -1;
    *out = *rows;
    out->nrows = 0;
    for (size_t row = 0; row < rows->nrows; row++) {
        if (!is_part(rows, row, number, value))
            continue;
        memcpy(cells + out->nrows++ * rows->ncols, rows->cells + row * rows->ncols,
               rows->ncols * sizeof *cells);
    }
    for (size_t c = 0; !number && !out->nrows && c < rows->ncols; c++)
        cells[c] = "0";
    out->nrows += !number && !out->nrows;
    out->cells = cells;
    return 0;
}

static int pick_answers(const struct vg_asked_rule *asked, size_t number, const char *value,
                        struct vg_arena *arena, struct vg_evidence *evidence)
{
    struct vg_rows *picked = vg_arena_array(arena, asked->n, sizeof *picked);
    if (!picked)
        return -1;
    for (size_t i = 0; i < asked->n; i++) {
        if (pick_rows(&asked->answers[i], number, value, arena, &picked[i]) < 0)
            return -1;
    }
    evidence->answers = picked;
    return 0;
}

int vg_cycle_segments_whole(const struct vg_work *work, const struct vg_asked_rule *asked,
                            struct vg_evidence *evidence, struct vg_error *err)
{
    if (!asked || !asked->split)
        return 0;
    return pick_answers(asked, 0, NULL, work->arena, evidence) < 0 ? fail_memory(err) : 0;
}

/* Of a rule with statements of its own: the segment's part of the answers; *why: it has none. */
static int take_answers(struct vg_work *work, const struct vg_bound *bound,
                        const struct vg_plan_segment *segment, struct vg_evidence *evidence,
                        const char **why)
{
    const struct vg_asked_rule *asked = work->asked ? &work->asked[bound - work->plan.bound] : NULL;
    size_t number = number_split(&work->plan, &bound->rule, segment->split);
    if (!asked || asked->why || !asked->n)
        return 0;
    if (!asked->split || !number) {
        *why = "its statement was not asked for this segment";
        return 0;
    }
    if (pick_answers(asked, number, segment->value, work->arena, evidence) < 0)
        return -1;
    if (!evidence->answers[0].nrows)
        *why = "no row of this segment is tested in this window";
    return 0;
}

/* --- what the scan counted --- */

/* Those of all rows, for the publishers. */
static int list_segments(struct vg_work *work)
{
    const struct vg_plan *plan = &work->plan;
    struct vg_cycle_segment *list = vg_arena_array(work->arena, plan->nsegments, sizeof *list);
    size_t n = 0;
    if (!list)
        return -1;
    for (size_t i = 0; i < plan->nsegments; i++) {
        if (work->segments[i] && !plan->splits[plan->segments[i].split].scattered)
            list[n++] = (struct vg_cycle_segment){plan->segments[i].name, work->segments[i]};
    }
    work->cycle.segments = list;
    work->cycle.nsegments = n;
    return 0;
}

int vg_cycle_segments_take(struct vg_work *work, struct vg_tally *tally, struct vg_error *err)
{
    const struct vg_plan *plan = &work->plan;
    size_t n = plan->tally.nvariants * plan->nsegments;
    work->segments = vg_arena_array(work->arena, n, sizeof *work->segments);
    if (!work->segments)
        return fail_memory(err);
    work->nsegments = n;
    for (size_t i = 0; i < n; i++) {
        const struct vg_plan_segment *segment = &plan->segments[i % plan->nsegments];
        size_t split = plan->tallied[segment->split];
        if (split != VG_TALLY_NONE)
            work->segments[i] =
                vg_tally_take_segment(tally, i / plan->nsegments, split, segment->route);
    }
    return list_segments(work) < 0 ? fail_memory(err) : 0;
}

void vg_cycle_segments_forget(struct vg_work *work)
{
    for (size_t i = 0; i < work->nsegments; i++)
        vg_summary_free(work->segments[i]);
    work->nsegments = 0;
    work->segments = NULL;
    work->cycle.segments = NULL;
    work->cycle.nsegments = 0;
}

const struct vg_summary *vg_cycle_segments_summary(const struct vg_work *work, size_t variant,
                                                   const struct vg_plan_segment *segment)
{
    size_t at = variant * work->plan.nsegments + (size_t)(segment - work->plan.segments);
    return at < work->nsegments ? work->segments[at] : NULL;
}

static const struct vg_plan_segment *find_segment(const struct vg_plan *plan,
                                                  const struct vg_compare *compare)
{
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct vg_plan_segment *segment = &plan->segments[i];
        if (vg_streq(segment->value, compare->baseline) &&
            vg_streq(plan->splits[segment->split].spec->column, compare->segment))
            return segment;
    }
    return NULL;
}

/* The rows of a segment in this window as a reference. NULL when out of memory. */
static const struct vg_reference *view_baseline(struct vg_work *work, const struct vg_summary *rows)
{
    struct vg_reference *view = vg_arena_alloc(work->arena, sizeof *view);
    struct vg_reference_column *columns =
        vg_arena_array(work->arena, rows->ncolumns, sizeof *columns);
    struct vg_distribution *fine = vg_arena_array(work->arena, rows->ncolumns, sizeof *fine);
    if (!view || !columns || !fine)
        return NULL;
    *view = (struct vg_reference){.from_us = VG_NEVER, .to_us = VG_NEVER, .rows = rows->rows};
    view->columns = columns;
    for (size_t i = 0; i < rows->ncolumns; i++) {
        struct vg_column_summary *column = &rows->columns[i];
        const struct vg_catalog_column *actual = vg_catalog_find(work->catalog, column->name);
        const struct vg_reference_column *then = vg_reference_find(work->reference, column->name);
        if (!actual || !then || !then->coarse || !column->fine)
            continue;
        fine[i] = (struct vg_distribution){.grid = then->coarse, .cells = column->fine};
        fine[i].n = vg_column_finite(column);
        columns[view->ncolumns++] = (struct vg_reference_column){
            .name = column->name,
            .type = actual->type,
            .kind = column->kind,
            .fine = &fine[i],
            .total = column,
        };
    }
    return view;
}

/* What stands in the place of the reference for `compare:`, or why nothing does. */
static int find_baseline(struct vg_work *work, const struct vg_bound *bound,
                         struct vg_evidence *evidence, const char **why, struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    const struct vg_plan_segment *segment = find_segment(&work->plan, &rule->compare);
    const struct vg_summary *rows =
        segment ? vg_cycle_segments_summary(work, bound->variant, segment) : NULL;
    int64_t least = rule->min_rows == VG_DEFAULT ? rule->type->min_rows : rule->min_rows;
    if (!rows) {
        *why = vg_arena_printf(work->arena, "the baseline %s=%s is none of the segments",
                               rule->compare.segment, rule->compare.baseline);
    } else if ((double)rows->rows < (double)least) {
        *why = vg_arena_printf(work->arena, "the baseline %s has %llu rows, fewer than %lld",
                               segment->name, (unsigned long long)rows->rows, (long long)least);
    } else {
        evidence->reference = view_baseline(work, rows);
        return evidence->reference ? 0 : fail_memory(err);
    }
    return *why ? 0 : fail_memory(err);
}

/* Why there is no verdict on this segment, or NULL. */
static const char *explain(const struct vg_work *work, const struct vg_rule *rule,
                           const struct vg_plan_segment *segment, enum vg_verdict *look)
{
    const struct vg_plan_split *split = &work->plan.splits[segment->split];
    const struct vg_summary *rows = vg_cycle_segments_summary(work, 0, segment);
    *look = VG_UNKNOWN;
    if (split->problem)
        return split->problem;
    *look = VG_NODATA;
    if (!split->known)
        return "its values are not known: they come from the reference, and there is none yet";
    if (rule->type->class == VG_CLASS_VOLUME)
        return work->cycle.sample ? "the rows of segments are not counted in a sample" : NULL;
    return rows && !rows->rows ? "no rows of this segment in this window" : NULL;
}

static void fill_reference(const struct vg_work *work, const struct vg_plan_segment *segment,
                           struct vg_evidence *evidence)
{
    evidence->reference = segment->reference;
    if (work->reference && !segment->reference)
        evidence->reference_why = "the reference has no segments: capture it again";
}

static int measure_one(struct vg_work *work, const struct vg_bound *bound,
                       const struct vg_plan_segment *segment, const struct vg_evidence *whole,
                       struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    struct vg_evidence evidence = *whole;
    enum vg_verdict look;
    const char *why = explain(work, rule, segment, &look);
    evidence.now = vg_cycle_segments_summary(work, bound->variant, segment);
    evidence.segment = segment->name;
    if (!why && rule->compare.segment && work->reference) {
        if (find_baseline(work, bound, &evidence, &why, err) < 0)
            return -1;
    } else if (!rule->compare.segment) {
        fill_reference(work, segment, &evidence);
    }
    if (!why && rule->type->grouped && take_answers(work, bound, segment, &evidence, &why) < 0)
        return fail_memory(err);
    if (why)
        return vg_measure_skip(measures, rule, look, "%s", why) < 0 ? fail_memory(err) : 0;
    return rule->type->measure(rule, &evidence, measures, err);
}

int vg_cycle_segments_measure(struct vg_work *work, const struct vg_bound *bound,
                              const struct vg_evidence *whole, enum vg_verdict look,
                              const char *why, struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_plan *plan = &work->plan;
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct vg_plan_segment *segment = &plan->segments[i];
        size_t first = measures->n;
        int rc = 0;
        if (!vg_plan_judges(plan, &bound->rule, segment))
            continue;
        if (why && vg_measure_skip(measures, &bound->rule, look, "%s", why) < 0)
            rc = fail_memory(err);
        else if (!why)
            rc = measure_one(work, bound, segment, whole, measures, err);
        if (rc < 0)
            return -1;
        for (; first < measures->n; first++)
            measures->items[first].segment = segment->name;
    }
    return 0;
}
