/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two sides of an alarm of the budget. The test is made once more, to know by which stream and
 * look-back it was: alarms are rare, and so verdicts carry nothing for their stories. */
#include "agent/loop/cycle_budget_sides.h"

#include <math.h>
#include <stdlib.h>

#include "agent/loop/cycle_season.h"
#include "agent/summary/parts.h"
#include "agent/window.h"

/* Values of a column for which it is worth knowing what is usual in each slot. */
enum { USUAL_VALUES = 1000 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The test whose figures the result has; 0: none, it tells of a hard rule. */
static int find_test(const struct vg_look_back *look, const struct vg_result *result,
                     struct vg_budget_found *out, struct vg_error *err)
{
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    size_t n;
    if (vg_budget_test(look->model, (uint32_t)look->column, look->part, &look->recent, found, &n,
                       err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        *out = found[i];
        if (found[i].look == VG_BUDGET_LOOKED && found[i].scale &&
            found[i].value == result->value && found[i].p == result->p_value)
            return 1;
    }
    return 0;
}

/* The rows of the last `scale` base windows together. */
static int merge_windows(const struct vg_look_back *look, size_t scale, struct vg_budget_sides *out,
                         struct vg_error *err)
{
    const struct vg_budget_recent *recent = &look->recent;
    for (size_t w = recent->n - scale; w < recent->n; w++) {
        const struct vg_column_summary *window = recent->windows[w];
        if (!window)
            continue;
        int rc = out->merged ? vg_column_merge(out->merged, window, err)
                             : vg_season_copy(window, &out->merged, err);
        if (rc < 0)
            return -1;
    }
    out->window = (struct vg_window){.start_us = recent->starts[recent->n - scale],
                                     .end_us = look->base.end_us};
    return out->merged != NULL;
}

/* Numbers: both sides on the thresholds that base windows are counted on. */
static int fill_numbers(struct vg_work *work, const struct vg_reference_column *whole, size_t scale,
                        struct vg_budget_sides *out, struct vg_error *err)
{
    const struct vg_look_back *look = &out->look;
    size_t n = vg_budget_part_cells(look->part);
    double *expected = vg_arena_array(work->arena, 2 * n, sizeof *expected);
    uint64_t *cells = vg_arena_array(work->arena, n, sizeof *cells);
    if (!expected || !cells)
        return fail_memory(err);
    if (!whole->fine || out->merged->coarse_cells != n ||
        out->merged->grid_id != whole->fine->grid->id ||
        !vg_budget_expected(look->model, look->part, &look->recent, scale, expected, expected + n))
        return 0;
    out->cells = (struct vg_distribution){vg_grid_of_segments(whole->fine->grid), cells, 0};
    if (!out->cells.grid)
        return fail_memory(err);
    double rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += expected[i];
    for (size_t i = 0; i < n && rows > 0; i++)
        out->cells.n += cells[i] = (uint64_t)fmax(expected[i] / rows * VG_BUDGET_USUAL_ROWS, 0);
    if (2 * (size_t)out->cells.grid->n + 1 != n)
        return 0;
    out->now.grid = out->cells.grid;
    out->now.grid_id = out->cells.grid->id;
    out->now.fine = out->merged->coarse;
    out->then.fine = &out->cells;
    out->numbers = true;
    if (whole->total)
        out->expected = *whole->total;
    return 1;
}

static int fill_values(const struct vg_reference_column *whole, size_t scale,
                       struct vg_budget_sides *out, struct vg_error *err)
{
    const struct vg_look_back *look = &out->look;
    struct vg_top *top;
    int rc = vg_budget_expected_values(look->model, look->part, &look->recent, scale,
                                       whole->total ? whole->total->top : NULL, &top, err);
    if (rc <= 0)
        return rc;
    size_t n = vg_top_size(top);
    struct vg_top_entry *entries = calloc(n + 1, sizeof *entries);
    out->top = out->expected.top = top;
    out->whole = whole->total->top;
    if (!entries)
        return fail_memory(err);
    vg_top_all(top, entries);
    for (size_t i = 0; i < n; i++)
        out->expected.rows += entries[i].count;
    free(entries);
    return 1;
}

static int fill(struct vg_work *work, const struct vg_reference_column *whole,
                const struct vg_budget_found *found, struct vg_budget_sides *out,
                struct vg_error *err)
{
    enum vg_budget_kind kind = out->look.model->streams[found->stream].kind;
    out->now = *out->merged;
    out->expected = (struct vg_column_summary){.kind = whole->kind};
    out->then = (struct vg_reference_column){
        .name = whole->name, .type = whole->type, .kind = whole->kind, .total = &out->expected};
    switch (kind) {
    case VG_BUDGET_NULLS:
        out->nulls = true;
        out->expected.rows = VG_BUDGET_USUAL_ROWS;
        out->expected.nulls = (uint64_t)(fmin(fmax(found->expected, 0), 1) * VG_BUDGET_USUAL_ROWS);
        return 1;
    case VG_BUDGET_LEVELS:
        out->one = found->which == VG_BUDGET_ONE;
        out->value = found->value_hash;
        out->found = *found;
        return fill_values(whole, found->scale, out, err);
    default:
        return fill_numbers(work, whole, found->scale, out, err);
    }
}

int vg_cycle_budget_sides(struct vg_work *work, const struct vg_result *result,
                          const struct vg_reference_column *whole, struct vg_budget_sides *out,
                          struct vg_error *err)
{
    struct vg_budget_found found = {.scale = 0};
    *out = (struct vg_budget_sides){.nulls = false};
    if (!vg_cycle_budget_has_model(work))
        return 0;
    int rc = vg_cycle_budget_look(work, result->column, &out->look, err);
    if (rc == 0 && out->look.part)
        rc = find_test(&out->look, result, &found, err);
    if (rc > 0 && found.scale > out->look.recent.n)
        rc = 0;
    if (rc > 0)
        rc = merge_windows(&out->look, found.scale, out, err);
    if (rc > 0)
        rc = fill(work, whole, &found, out, err);
    if (rc <= 0)
        vg_cycle_budget_sides_end(out);
    return rc;
}

/* The same arrays for all windows of one slot. */
struct usual {
    const double *shares;
    double rows;
};

static int find_usual(struct vg_work *work, struct vg_budget_sides *sides,
                      struct vg_budget_place place, struct usual *out, struct vg_error *err)
{
    const struct vg_look_back *look = &sides->look;
    uint32_t slot = vg_budget_slot(look->model, place);
    if (!sides->numbers) {
        int rc = vg_budget_usual_values(look->model, look->part, place, sides->whole,
                                        &sides->usual[slot], err);
        out->rows = VG_BUDGET_USUAL_ROWS;
        return rc < 0 ? -1 : 0;
    }
    size_t n = vg_budget_part_cells(look->part);
    double *shares = vg_arena_array(work->arena, n, sizeof *shares);
    if (!shares)
        return fail_memory(err);
    if (vg_budget_usual(look->model, look->part, place, shares))
        out->shares = shares;
    out->rows = VG_BUDGET_USUAL_ROWS;
    return 0;
}

static void fill_nulls(const struct vg_work *work, const struct vg_budget_sides *sides,
                       struct vg_story_past *past, size_t n)
{
    const struct vg_look_back *look = &sides->look;
    for (size_t i = 0; i < n; i++) {
        struct vg_budget_place place =
            vg_budget_place(work->job.dataset->zone, look->model->base_us, past[i].window.start_us);
        past[i].usual_nulls = vg_budget_usual_nulls(look->model, look->part, place);
        past[i].has_usual_nulls = !isnan(past[i].usual_nulls);
    }
}

int vg_cycle_budget_sides_usual(struct vg_work *work, struct vg_budget_sides *sides,
                                struct vg_story_past *past, size_t n, struct vg_error *err)
{
    bool values = sides->whole && vg_top_size(sides->whole) <= USUAL_VALUES;
    if (sides->nulls)
        fill_nulls(work, sides, past, n);
    if (!sides->numbers && !values)
        return 0;
    const struct vg_budget *model = sides->look.model;
    struct usual *found = vg_arena_array(work->arena, model->nslots, sizeof *found);
    sides->usual = vg_arena_array(work->arena, model->nslots, sizeof(struct vg_top *));
    if (!found || !sides->usual)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct vg_budget_place place =
            vg_budget_place(work->job.dataset->zone, model->base_us, past[i].window.start_us);
        uint32_t slot = vg_budget_slot(model, place);
        if (!(found[slot].rows > 0) && find_usual(work, sides, place, &found[slot], err) < 0)
            return -1;
        past[i].usual = found[slot].shares;
        past[i].usual_values = sides->usual[slot];
        past[i].usual_rows = found[slot].rows;
    }
    return 0;
}

void vg_cycle_budget_sides_end(struct vg_budget_sides *sides)
{
    for (uint32_t i = 0; sides->usual && i < sides->look.model->nslots; i++)
        vg_top_free(sides->usual[i]);
    vg_top_free(sides->top);
    vg_grid_free(sides->cells.grid);
    vg_column_free(sides->merged);
    vg_cycle_budget_unlook(&sides->look);
    *sides = (struct vg_budget_sides){.nulls = false};
}
