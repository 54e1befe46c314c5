/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last base windows of one column, and what was learnt of it: from the store, or carried by a
 * replay. The one at hand is what is stored of it and the window that was just read. */
#include "agent/loop/cycle_budget_parts.h"

#include "agent/loop/carry.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/cycle_season.h"
#include "agent/plan_budget.h"
#include "agent/summary/private.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

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
