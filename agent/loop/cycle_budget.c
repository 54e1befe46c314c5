/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The budget in a cycle. The base window at hand is what is stored of it and the window that was
 * just read, unless that one was stored before; the ones before it are as they are stored, also
 * where rows came late or a revisit has replaced them. */
#include "agent/loop/cycle_budget.h"

#include <stdlib.h>
#include <string.h>

#include "agent/loop/carry.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/cycle_season.h"
#include "agent/plan_budget.h"
#include "agent/summary/private.h"
#include "agent/window.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

struct told {
    const char *column;
    uint64_t hash;
    struct told *next;
};

struct vg_cycle_budget {
    bool closes;
    bool counted; /* the window at hand is among the stored ones already */
    struct vg_window base;
    int64_t starts[VG_BUDGET_LOOK];
    struct vg_window bases[VG_BUDGET_LOOK]; /* that begin there */
    bool empty[VG_BUDGET_LOOK];             /* it was read, and had no rows */
    const struct vg_budget *model;
    struct vg_budget *owned; /* the model, where it is not carried */
    int64_t id;              /* of the calibration */
    const char *why;         /* there is no model, or it does not fit */
    bool lost_told;
    struct told *told;
};

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
        return 0;
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
        *whole = at_hand ||
                 (found && (row.status == VG_WINDOW_JUDGED || row.status == VG_WINDOW_EMPTY));
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

/* Of a private column only how many rows and nulls there are is stored, and so looked at. */
static const struct vg_column_summary *bare_of(const struct vg_column_summary *column,
                                               struct vg_look_back *look)
{
    look->bare = vg_private_counts(column);
    return &look->bare;
}

/* What is added to must be ours. */
static int own_last(struct vg_look_back *look, struct vg_column_summary **out, struct vg_error *err)
{
    const size_t last = VG_BUDGET_LOOK - 1;
    if (look->windows[last] && !look->owned[last] &&
        vg_season_copy(look->windows[last], &look->owned[last], err) < 0)
        return -1;
    if (look->owned[last])
        look->windows[last] = look->owned[last];
    *out = look->owned[last];
    return 0;
}

/* The rows of the window at hand, if they belong to the base window and are not stored yet. */
static int add_now(struct vg_work *work, const char *name, struct vg_look_back *look,
                   struct vg_error *err)
{
    const struct vg_cycle_budget *budget = work->budget;
    const size_t last = VG_BUDGET_LOOK - 1;
    bool inside = work->cycle.window.start_us >= budget->base.start_us &&
                  work->cycle.window.end_us <= budget->base.end_us;
    if (budget->counted || !inside || !work->cycle.summary || work->cycle.empty)
        return 0;
    for (size_t i = 0; i < work->cycle.summary->ncolumns; i++) {
        struct vg_column_summary *column = &work->cycle.summary->columns[i];
        if (!vg_streq(column->name, name))
            continue;
        const struct vg_column_summary *now = column;
        if (vg_dataset_is_private(work->job.dataset, name))
            now = bare_of(column, look);
        else if (column->fine && vg_column_coarsen(column) < 0)
            return fail_memory(err);
        struct vg_column_summary *old;
        if (own_last(look, &old, err) < 0)
            return -1;
        if (!old || old->grid_id != now->grid_id || old->kind != now->kind) {
            look->windows[last] = now;
            return 0;
        }
        struct vg_error fault = {0};
        if (vg_column_merge(old, now, &fault) == 0)
            return 0;
        return fault.code == VG_E_MEMORY ? fail_memory(err) : (look->windows[last] = now, 0);
    }
    return 0;
}

/* Look-backs reach as far back as all windows were read: one that was not is no empty one. */
static void cut_look(const struct vg_cycle_budget *budget, struct vg_look_back *look)
{
    size_t first = VG_BUDGET_LOOK - 1;
    while (first > 0 && (look->windows[first - 1] || budget->empty[first - 1]))
        first--;
    look->recent.starts += first;
    look->recent.windows += first;
    look->recent.counts += first;
    look->recent.n -= first;
}

static int load_window(const struct vg_work *work, const char *name, struct vg_look_back *look,
                       size_t i, struct vg_error *err)
{
    const struct vg_cycle_env *env = work->env;
    const struct vg_window *base = &work->budget->bases[i];
    if (env->carry) {
        struct vg_carried carried;
        bool last = i == VG_BUDGET_LOOK - 1; /* rows of now may be added to it */
        int rc = vg_carry_summary(env->carry, base, name, last ? NULL : look->part, &carried, err);
        look->windows[i] = carried.summary;
        look->counts[i] = carried.counts;
        return rc;
    }
    if (vg_store_summary(env->store, work->job.dataset->id, base, name, &look->owned[i], err) < 0)
        return -1;
    look->windows[i] = look->owned[i];
    return 0;
}

static int load_look(struct vg_work *work, const char *name, struct vg_look_back *look,
                     struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_cycle_budget *budget = work->budget;
    look->recent = (struct vg_budget_recent){
        .zone = dataset->zone,
        .starts = budget->starts,
        .windows = look->windows,
        .counts = look->counts,
        .n = VG_BUDGET_LOOK,
    };
    vg_plan_budget_least(dataset, look->recent.least);
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++) {
        if (load_window(work, name, look, i, err) < 0)
            return -1;
    }
    if (add_now(work, name, look, err) < 0)
        return -1;
    cut_look(budget, look);
    return 0;
}

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

/* *owned: to be freed after the measuring. */
static int load_part(struct vg_work *work, const char *name, struct vg_budget_part **out,
                     bool *owned, struct vg_error *err)
{
    struct vg_carry *carry = work->env->carry;
    const void *body;
    size_t size;
    *owned = false;
    if (carry && vg_carry_part(carry, name, out))
        return 0;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return fail_memory(err);
    int rc = vg_store_calibration_column(work->env->store, work->budget->id, name, arena, &body,
                                         &size, err);
    if (rc == 0 && body)
        rc = vg_budget_part_read(body, size, out, err);
    vg_arena_free(arena);
    *owned = rc == 0 && !(carry && vg_carry_part_keep(carry, name, *out));
    return rc;
}

bool vg_cycle_budget_has_model(const struct vg_work *work)
{
    return work->budget && work->budget->model;
}

int vg_cycle_budget_look(struct vg_work *work, const char *column, struct vg_look_back *look,
                         struct vg_error *err)
{
    const struct vg_cycle_budget *budget = work->budget;
    struct vg_budget_part *part = NULL;
    bool owned = false;
    *look = (struct vg_look_back){.model = budget->model,
                                  .column = vg_budget_find(budget->model, column),
                                  .base = budget->base};
    int rc = look->column < 0 ? 0 : load_part(work, column, &part, &owned, err);
    look->part = part;
    look->owned_part = owned ? part : NULL;
    return rc == 0 && part ? load_look(work, column, look, err) : rc;
}

void vg_cycle_budget_unlook(struct vg_look_back *look)
{
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++)
        vg_column_free(look->owned[i]);
    vg_budget_part_free(look->owned_part);
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
