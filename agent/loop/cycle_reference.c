/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which versions of its references judge a window, and the evidence of rules judged apart. A
 * rolling reference's version is chosen by the window's start alone, so it never holds rows of the
 * window, and a replay chooses the same. */
#include "agent/loop/cycle_reference.h"

#include <stdio.h>
#include <string.h>

#include "agent/loop/cycle_season.h"
#include "agent/loop/cycle_segments.h"
#include "agent/plan_pairs.h"
#include "agent/reference.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

const char *vg_cycle_reference_words(const struct vg_reference *reference, struct vg_arena *arena)
{
    const struct vg_reference_said said = {.name = reference->name,
                                           .spec = reference->spec,
                                           .version = reference->version,
                                           .from_us = reference->from_us,
                                           .to_us = reference->to_us,
                                           .captured_us = reference->captured_us};
    return vg_reference_words(&said, arena);
}

static int find_version(const struct vg_work *work, const struct vg_reference_spec *spec,
                        int64_t *version, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_window span = {.end_us = VG_NEVER};
    bool windowed = work->job.window || work->job.revisit;
    if (spec->kind == VG_REF_ROLLING)
        vg_reference_span(dataset, spec, windowed ? work->job.range.start_us : work->cycle.now_us,
                          &span);
    return vg_store_reference_of(work->env->store, dataset->id, spec->name, span.end_us, version,
                                 err);
}

/* Versions of other turns may be there. */
static const char *explain_turn(struct vg_work *work, const struct vg_reference_spec *spec)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    struct vg_window span;
    vg_reference_span(work->job.dataset, spec, work->job.range.start_us, &span);
    return vg_arena_printf(work->arena,
                           "this window is judged by the version of %s to %s of the rolling "
                           "reference, which is not there",
                           vg_format_time(span.start_us, from), vg_format_time(span.end_us, to));
}

/* The attempt that tells why there is none: of a rolling reference that of this turn, else the
 * newest. The number of rows: none was made. */
static size_t find_attempt(const struct vg_work *work, const struct vg_reference_spec *spec,
                           const struct vg_reference_row *rows, size_t n)
{
    struct vg_window span;
    size_t newest = 0;
    while (newest < n && !vg_streq(rows[newest].name, spec->name))
        newest++;
    if (spec->kind != VG_REF_ROLLING || !(work->job.window || work->job.revisit))
        return newest;
    vg_reference_span(work->job.dataset, spec, work->job.range.start_us, &span);
    for (size_t i = newest; i < n; i++) {
        if (vg_streq(rows[i].name, spec->name) && rows[i].to_us == span.end_us)
            return i;
    }
    return newest;
}

static int explain(struct vg_work *work, const struct vg_reference_spec *spec, bool *failed,
                   const char **why, struct vg_error *err)
{
    struct vg_reference_row *rows;
    size_t n;
    if (vg_store_references(work->env->store, work->job.dataset->id, work->arena, &rows, &n, err) <
        0)
        return -1;
    size_t i = find_attempt(work, spec, rows, n);
    *why = "no reference yet";
    if (i < n && rows[i].error) {
        *failed = true;
        *why = vg_arena_printf(work->arena, "capturing the reference failed: %s", rows[i].error);
    } else if (i < n && rows[i].complete) {
        bool turns = spec->kind == VG_REF_ROLLING && (work->job.window || work->job.revisit);
        *why = turns ? explain_turn(work, spec) : "the reference begins after this window";
    }
    return *why ? 0 : fail_memory(err);
}

static int load_first(struct vg_work *work, const struct vg_strings *cells, struct vg_error *err)
{
    const struct vg_reference_spec *spec = &work->job.dataset->reference;
    int64_t version;
    if (find_version(work, spec, &version, err) < 0)
        return -1;
    if (version && vg_store_reference(work->env->store, work->job.dataset->id, version, cells,
                                      &work->reference, err) < 0)
        return -1;
    if (work->reference && work->job.window && vg_plan_has_pairs(work->job.dataset) &&
        vg_store_reference_pairs(work->env->store, work->reference, err) < 0)
        return -1;
    if (work->reference)
        return vg_cycle_segments_load(work, err);
    return explain(work, spec, &work->reference_failed, &work->reference_why, err);
}

/* --- the others ------------------------------------------------------------------------------- */

static int narrow(struct vg_work *work, const struct vg_reference_spec *spec,
                  const struct vg_strings *of, struct vg_cycle_other *other, struct vg_error *err)
{
    struct vg_season_of in = {.store = work->env->store,
                              .dataset = work->job.dataset,
                              .season = spec->season,
                              .start_us = work->job.range.start_us,
                              .of = of};
    struct vg_reference *whole = other->reference;
    other->reference = NULL;
    int rc = vg_season_view(&in, whole, &other->reference, err);
    vg_reference_free(whole);
    return rc;
}

/* Columns of the rules that are judged against reference i. */
static int list_columns(struct vg_work *work, size_t i, struct vg_strings *out,
                        struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const char **items = vg_arena_array(work->arena, dataset->nrules + 1, sizeof *items);
    if (!items)
        return fail_memory(err);
    out->items = items;
    out->n = 0;
    for (size_t r = 0; r < dataset->nrules; r++) {
        const struct vg_rule *rule = &dataset->rules[r];
        if (rule->column && rule->against == i && vg_reference_apart(rule))
            items[out->n++] = rule->column;
    }
    return 0;
}

static bool has_wild(const struct vg_strings *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        if (!strcmp(columns->items[i], "*"))
            return true;
    }
    return false;
}

static int load_other(struct vg_work *work, size_t i, struct vg_error *err)
{
    struct vg_cycle_other *other = &work->others[i];
    const struct vg_reference_spec *spec = vg_reference_spec_of(work->job.dataset, i);
    struct vg_strings columns;
    int64_t version;
    if (list_columns(work, i, &columns, err) < 0)
        return -1;
    other->wanted = columns.n > 0;
    if (!other->wanted || spec->kind == VG_REF_NONE)
        return 0;
    if (find_version(work, spec, &version, err) < 0)
        return -1;
    if (!version)
        return explain(work, spec, &other->failed, &other->why, err);
    if (vg_store_reference(work->env->store, work->job.dataset->id, version,
                           has_wild(&columns) ? NULL : &columns, &other->reference, err) < 0)
        return -1;
    return spec->season && other->reference ? narrow(work, spec, &columns, other, err) : 0;
}

int vg_cycle_reference_others(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    bool any = false;
    for (size_t i = 0; i < dataset->nrules; i++)
        any |= vg_reference_apart(&dataset->rules[i]);
    if (!any || !work->job.window)
        return 0;
    work->others = vg_arena_array(work->arena, dataset->nothers + 1, sizeof *work->others);
    if (!work->others)
        return fail_memory(err);
    work->nothers = dataset->nothers + 1;
    for (size_t i = 0; i < work->nothers; i++) {
        if (load_other(work, i, err) < 0)
            return -1;
    }
    return 0;
}

int vg_cycle_reference_load(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    if (dataset->reference.kind == VG_REF_NONE)
        work->reference_why = "no reference is configured";
    if (!work->env->store || dataset->reference.kind == VG_REF_NONE)
        return 0;
    struct vg_strings cells = {0};
    bool all = false;
    if (vg_plan_cells(dataset, work->arena, &cells, &all) < 0)
        return fail_memory(err);
    if (!work->job.window)
        cells.n = 0;
    if (load_first(work, all && work->job.window ? NULL : &cells, err) < 0)
        return -1;
    return vg_cycle_reference_others(work, err);
}

int vg_cycle_reference_plan(struct vg_work *work, struct vg_error *err)
{
    struct vg_plan_apart *apart = vg_arena_array(work->arena, work->nothers, sizeof *apart);
    if (!work->nothers)
        return 0;
    if (!apart)
        return fail_memory(err);
    for (size_t i = 0; i < work->nothers; i++)
        apart[i].reference = work->others[i].reference;
    if (vg_plan_count_apart(&work->plan, apart, work->nothers, work->arena) < 0)
        return fail_memory(err);
    for (size_t i = 0; i < work->nothers; i++)
        work->others[i].apart = apart[i];
    return 0;
}

void vg_cycle_reference_hide(struct vg_work *work)
{
    for (size_t i = 0; i < work->nsummaries; i++)
        work->summaries[i]->ncolumns -= work->plan.napart;
}

void vg_cycle_reference_forget(struct vg_work *work)
{
    for (size_t i = 0; i < work->nsummaries; i++)
        work->summaries[i]->ncolumns += work->plan.napart;
    for (size_t i = 0; i < work->nothers; i++)
        vg_reference_free(work->others[i].reference);
    work->others = NULL;
    work->nothers = 0;
}

/* --- judging apart ---------------------------------------------------------------------------- */

/* The window's columns as this reference counts them; the others as all see them. */
static const struct vg_summary *view_summary(struct vg_work *work, const struct vg_summary *all,
                                             const struct vg_plan_apart *apart)
{
    struct vg_summary *view = vg_arena_alloc(work->arena, sizeof *view);
    struct vg_column_summary *columns =
        vg_arena_array(work->arena, all->ncolumns + 1, sizeof *columns);
    if (!view || !columns)
        return NULL;
    *view = *all;
    view->columns = columns;
    for (size_t i = 0; i < all->ncolumns; i++) {
        columns[i] = all->columns[i];
        for (size_t a = 0; a < apart->n; a++) {
            if (!strcmp(apart->names[a], columns[i].name))
                columns[i] = all->columns[apart->at[a]];
        }
    }
    return view;
}

int vg_cycle_reference_evidence(struct vg_work *work, const struct vg_bound *bound,
                                struct vg_evidence *evidence, const char **why,
                                struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    const struct vg_cycle_other *other =
        rule->against < work->nothers ? &work->others[rule->against] : NULL;
    const struct vg_reference_spec *spec = vg_reference_spec_of(rule->dataset, rule->against);
    int64_t least = rule->min_rows == VG_DEFAULT ? rule->type->min_rows : rule->min_rows;
    evidence->reference = other ? other->reference : NULL;
    evidence->reference_failed = other && other->failed;
    if (other && other->why)
        evidence->reference_why = other->why;
    if (!evidence->reference || !evidence->now)
        return 0;
    if (spec->season && evidence->reference->rows < (uint64_t)(least > 1 ? least : 1)) {
        *why = vg_arena_printf(work->arena, "the reference has %llu rows of %s, fewer than %lld",
                               (unsigned long long)evidence->reference->rows,
                               vg_season_name(spec->season), (long long)(least > 1 ? least : 1));
        return *why ? 0 : fail_memory(err);
    }
    evidence->now = view_summary(work, evidence->now, &other->apart);
    return evidence->now ? 0 : fail_memory(err);
}

void vg_cycle_reference_sides(const struct vg_work *work, const struct vg_bound *bound,
                              const struct vg_column_summary **now,
                              const struct vg_reference_column **then)
{
    const struct vg_rule *rule = &bound->rule;
    const struct vg_cycle_other *other =
        rule->against < work->nothers ? &work->others[rule->against] : NULL;
    const struct vg_summary *all =
        bound->variant < work->nsummaries ? work->summaries[bound->variant] : NULL;
    *now = all ? vg_summary_column(all, rule->column) : NULL;
    *then = other && other->reference ? vg_reference_find(other->reference, rule->column) : NULL;
    for (size_t i = 0; all && *then && i < other->apart.n; i++) {
        if (!strcmp(other->apart.names[i], rule->column))
            *now = &all->columns[other->apart.at[i]];
    }
}

void vg_cycle_reference_say(const struct vg_work *work, const struct vg_rule *rule,
                            struct vg_measures *measures, size_t first)
{
    const struct vg_reference_spec *spec = vg_reference_spec_of(rule->dataset, rule->against);
    const char *season = vg_season_name(spec->season);
    (void)work;
    for (; first < measures->n; first++) {
        char *why = measures->items[first].why;
        size_t used = strlen(why);
        if (rule->dataset->nothers)
            snprintf(why + used, VG_WHY - used, ", against %s", spec->name);
        used = strlen(why);
        if (season)
            snprintf(why + used, VG_WHY - used, ", at %s", season);
    }
}

int vg_cycle_reference_list(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle *cycle = &work->cycle;
    cycle->references = vg_arena_array(work->arena, work->nothers, sizeof *cycle->references);
    if (!cycle->references && work->nothers)
        return fail_memory(err);
    for (size_t i = 0; i < work->nothers; i++) {
        const struct vg_reference *reference = work->others[i].reference;
        const struct vg_reference_spec *spec = vg_reference_spec_of(work->job.dataset, i);
        if (!reference)
            continue;
        cycle->references[cycle->nreferences++] = (struct vg_cycle_reference){
            .name = vg_arena_strdup(work->arena, spec->name),
            .season = vg_season_name(spec->season),
            .version = reference->version,
            .from_us = reference->from_us,
            .to_us = reference->to_us,
            .words = vg_cycle_reference_words(reference, work->arena),
            .rows = reference->rows,
        };
        const struct vg_cycle_reference *last = &cycle->references[cycle->nreferences - 1];
        if (!last->name || !last->words)
            return fail_memory(err);
    }
    return 0;
}
