/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The budget in a cycle. The base window at hand is what is stored of it and the window that was
 * just read, unless that one was stored before; the ones before it are as they are stored, also
 * where rows came late or a revisit has replaced them: cycle_budget_look.c. */
#include "agent/loop/cycle_budget_parts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/loop/calibrate.h"
#include "agent/loop/carry.h"
#include "agent/loop/cycle_commit.h"
#include "agent/window.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static bool has_budget(const struct vg_work *work)
{
    for (size_t i = 0; i < work->plan.nbound; i++) {
        if (work->plan.bound[i].rule.policy == VG_POLICY_BUDGET)
            return true;
    }
    return false;
}

static int find_window(const struct vg_work *work, int64_t start_us, struct vg_window_row *out,
                       bool *found, struct vg_error *err)
{
    if (!work->env->carry)
        return vg_store_window(work->env->store, work->job.dataset->id, start_us, out, found, err);
    const struct vg_window_row *row = vg_carry_window(work->env->carry, start_us);
    *found = row != NULL;
    if (row)
        *out = *row;
    return 0;
}

/* Whether the window's rows are in the stored summaries: it was judged before. */
static int find_counted(struct vg_work *work, struct vg_error *err)
{
    struct vg_window_row row;
    bool found;
    if (find_window(work, work->cycle.window.start_us, &row, &found, err) < 0)
        return -1;
    work->budget->counted = found && row.status == VG_WINDOW_JUDGED;
    return 0;
}

/* Which of the base windows were read and found empty; the others without a summary were not. */
static int find_empty(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++) {
        struct vg_window_row row;
        bool found;
        if (find_window(work, budget->starts[i], &row, &found, err) < 0)
            return -1;
        budget->empty[i] = found && row.status == VG_WINDOW_EMPTY;
    }
    return 0;
}

/* The model, or why it cannot be read; neither where there is no calibration. */
static int read_model(struct vg_work *work, const char **why, struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    int64_t version = work->reference->version;
    struct vg_calibration stored;
    struct vg_error fault = {0};
    bool found;
    if (work->env->carry)
        return vg_carry_model(work->env->carry, version, &budget->model, &budget->id, why, err);
    if (vg_store_calibration(work->env->store, version, work->arena, &stored, &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    if (vg_budget_read(stored.body, stored.size, &budget->owned, &fault) < 0) {
        *why = fault.code == VG_E_MEMORY ? NULL : vg_arena_strdup(work->arena, fault.msg);
        return *why ? 0 : fail_memory(err);
    }
    budget->model = budget->owned;
    budget->id = stored.id;
    return 0;
}

/* Not yet, or never. */
static int explain_model(struct vg_work *work, struct vg_error *err)
{
    const struct vg_reference *reference = work->reference;
    struct vg_error fault = {0};
    if (vg_calibrate_fits(work->job.dataset, reference->from_us, reference->to_us,
                          reference->base_us, &fault) == 0)
        return 0;
    work->budget->why = vg_arena_strdup(work->arena, fault.msg);
    return work->budget->why ? 0 : fail_memory(err);
}

static int load_model(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    const char *fault = NULL;
    budget->why = "the budget is not calibrated on this reference yet";
    if (!work->reference)
        return 0;
    if (read_model(work, &fault, err) < 0)
        return -1;
    if (fault)
        budget->why = fault;
    if (!budget->model)
        return fault ? 0 : explain_model(work, err);
    work->cycle.has_expected = true;
    work->cycle.expected_week = budget->model->expected_week;
    if (budget->model->base_us == vg_cycle_base_us(work))
        return 0;
    budget->why = "the reference has base windows of another length than the rules";
    budget->model = NULL;
    return 0;
}

/* Whether all windows of the base window but the one at hand were judged: a look that commits
 * nothing follows no others, and a part of a base window is none. */
static int find_whole(struct vg_work *work, bool *whole, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_window *base = &work->budget->base;
    struct vg_window window;
    *whole = true;
    vg_window_at(dataset->zone, dataset->schedule.window_us, base->start_us, &window);
    while (*whole && window.start_us < base->end_us) {
        struct vg_window_row row;
        bool found = true;
        bool at_hand = window.start_us == work->cycle.window.start_us;
        if (!at_hand && find_window(work, window.start_us, &row, &found, err) < 0)
            return -1;
        *whole =
            at_hand || (found && (row.status == VG_WINDOW_JUDGED || row.status == VG_WINDOW_EMPTY));
        vg_window_next(dataset->zone, dataset->schedule.window_us, &window, &window);
    }
    return 0;
}

static int look_at_whole(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    bool whole;
    if (work->env->commits || !budget->model)
        return 0;
    if (find_whole(work, &whole, err) < 0)
        return -1;
    if (whole)
        return 0;
    budget->model = NULL;
    budget->why = vg_arena_printf(work->arena,
                                  "the newest closed base window, %s to %s, was not judged in full "
                                  "by `pgvigil run`, and a check reads one window only",
                                  vg_format_time(budget->base.start_us, from),
                                  vg_format_time(budget->base.end_us, to));
    return budget->why ? 0 : fail_memory(err);
}

int vg_cycle_budget_open(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_cycle *cycle = &work->cycle;
    if (!cycle->has_window || cycle->unchanged || !has_budget(work))
        return 0;
    struct vg_cycle_budget *budget = vg_arena_alloc(work->arena, sizeof *budget);
    if (!budget)
        return fail_memory(err);
    *budget = (struct vg_cycle_budget){.why = NULL};
    work->budget = budget;
    vg_cycle_base(work, &cycle->window, &budget->base);
    budget->closes = !work->env->store;
    if (!work->env->store)
        return 0;
    budget->closes = budget->base.end_us == cycle->window.end_us;
    if (!budget->closes && !work->env->commits) {
        vg_window_before(dataset->zone, vg_cycle_base_us(work), &budget->base, &budget->base);
        budget->closes = true;
    }
    if (!budget->closes)
        return 0;
    vg_budget_starts_before(dataset->zone, vg_cycle_base_us(work), budget->base.start_us,
                            VG_BUDGET_LOOK, budget->starts);
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++)
        vg_window_at(dataset->zone, vg_cycle_base_us(work), budget->starts[i], &budget->bases[i]);
    if (find_counted(work, err) < 0 || find_empty(work, err) < 0)
        return -1;
    return load_model(work, err) < 0 ? -1 : look_at_whole(work, err);
}

bool vg_cycle_budget_closes(const struct vg_work *work)
{
    return work->budget && work->budget->closes;
}

void vg_cycle_budget_forget(struct vg_work *work)
{
    if (work->budget)
        vg_budget_free(work->budget->owned);
    work->budget = NULL;
}

/* --- One column ------------------------------------------------------------------------------- */

/* Whether rows are missed: none here, where the reference always had some, though the base window
 * before had its rows in time. A table that is filled late has none yet, and that is no news. */
static int find_lost(struct vg_work *work, const struct vg_look_back *look, bool *lost,
                     struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_cycle_budget *budget = work->budget;
    const struct vg_column_summary *now = look->windows[VG_BUDGET_LOOK - 1];
    const struct vg_column_summary *before = look->windows[VG_BUDGET_LOOK - 2];
    struct vg_window_row row;
    struct vg_window newest;
    bool found = false;
    *lost = false;
    struct vg_budget_place place =
        vg_budget_place(dataset->zone, budget->model->base_us, budget->base.start_us);
    if ((now && now->rows) || !before || !before->rows || work->cycle.late ||
        work->cycle.unreadable || !vg_budget_must_have_rows(budget->model, place))
        return 0;
    vg_window_at(dataset->zone, dataset->schedule.window_us, budget->base.start_us - 1, &newest);
    if (find_window(work, newest.start_us, &row, &found, err) < 0)
        return -1;
    *lost = found && row.status == VG_WINDOW_JUDGED &&
            row.committed_us <= row.due_us + dataset->schedule.every_us;
    return 0;
}

/* Where the types differ and the rule file does not say that this one is right. */
static void compare_types(const struct vg_work *work, const char *name,
                          struct vg_budget_evidence *of)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_reference_column *then = vg_reference_find(work->reference, name);
    const struct vg_catalog_column *now =
        work->catalog ? vg_catalog_find(work->catalog, name) : NULL;
    if (!then || !now || now->computed || vg_streq(then->type, now->type))
        return;
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (dataset->columns[i].type && vg_streq(dataset->columns[i].name, name))
            return;
    }
    of->type_then = then->type;
    of->type_now = now->type;
}

static int find_fresh(struct vg_work *work, const char *name, struct vg_budget_evidence *of,
                      struct vg_budget_new_values *fresh, struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    const struct vg_budget *model = budget->model;
    const struct vg_budget_column *column = &model->columns[of->column];
    uint64_t *told;
    size_t ntold;
    struct vg_budget_recent day = *of->recent;
    size_t n = model->gap < day.n ? model->gap : day.n;
    if (!column->new_values)
        return 0;
    day.starts += day.n - n;
    day.windows += day.n - n;
    day.counts += day.n - n;
    day.n = n;
    if (vg_budget_find_new_values(column, of->part, &day, NULL, 0, fresh, err) < 0)
        return -1;
    if (!fresh->n)
        return 0;
    if (vg_store_told(work->env->store, work->reference->version, name, work->arena, &told, &ntold,
                      err) < 0 ||
        vg_budget_find_new_values(column, of->part, &day, told, ntold, fresh, err) < 0)
        return -1;
    of->fresh = fresh->items;
    of->nfresh = fresh->n;
    for (size_t i = 0; i < of->nfresh; i++) {
        struct told *one = vg_arena_alloc(work->arena, sizeof *one);
        if (!one)
            return fail_memory(err);
        *one = (struct told){
            .column = column->name, .hash = fresh->items[i].hash, .next = budget->told};
        budget->told = one;
    }
    return 0;
}

static int measure_column(struct vg_work *work, const struct vg_bound *bound,
                          struct vg_evidence *evidence, struct vg_measures *measures,
                          struct vg_error *err)
{
    struct vg_cycle_budget *budget = work->budget;
    const char *name = bound->rule.column;
    struct vg_budget_new_values fresh;
    struct vg_look_back look;
    int rc = vg_cycle_budget_look(work, name, &look, err);
    struct vg_budget_evidence of = {.model = budget->model,
                                    .column = look.column,
                                    .part = look.part,
                                    .recent = &look.recent,
                                    .base = budget->base};
    evidence->budget = &of;
    /* A rule that wants more rows than any test rests on how many the smallest p has. */
    look.recent.terse = measures->terse && bound->rule.min_rows == VG_DEFAULT;
    if (rc == 0 && of.part && !budget->lost_told) {
        rc = find_lost(work, &look, &of.lost, err);
        budget->lost_told = true;
    }
    if (rc == 0 && of.part)
        rc = find_fresh(work, name, &of, &fresh, err);
    compare_types(work, name, &of);
    if (rc == 0)
        rc = bound->rule.type->measure(&bound->rule, evidence, measures, err);
    vg_cycle_budget_unlook(&look);
    return rc;
}

int vg_cycle_budget_measure(struct vg_work *work, const struct vg_bound *bound,
                            const struct vg_evidence *whole, struct vg_measures *measures,
                            struct vg_error *err)
{
    struct vg_evidence evidence = *whole;
    if (work->budget->model)
        return measure_column(work, bound, &evidence, measures, err);
    struct vg_budget_evidence none = {.why = work->budget->why, .column = -1};
    evidence.budget = &none;
    return bound->rule.type->measure(&bound->rule, &evidence, measures, err);
}

int vg_cycle_budget_store(const struct vg_work *work, struct vg_error *err)
{
    const struct told *told = work->budget ? work->budget->told : NULL;
    for (; told; told = told->next) {
        if (vg_store_told_put(work->env->store, work->reference->version, told->column, told->hash,
                              work->cycle.now_us, err) < 0)
            return -1;
    }
    return 0;
}
