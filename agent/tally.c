/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tally as an object: a plan, a summary per variant, and the walk over a batch: variant by
 * variant, column by column. What is counted in a column is the summary's business, what offends
 * the predicates'. */
#include "agent/tally.h"

#include <stdlib.h>
#include <string.h>

#include "agent/tally_rows.h"
#include "pgvigil/check.h"

struct vg_tally {
    const struct vg_tally_plan *plan;
    struct vg_summary **summaries; /* one per variant; NULL once taken */
    struct vg_tally_rows rows;
};

static size_t count_columns(const struct vg_tally_plan *plan,
                            const struct vg_tally_variant *variant)
{
    if (variant->none)
        return 0;
    return variant->columns ? variant->ncolumns : plan->ncolumns;
}

static const struct vg_tally_column *pick_column(const struct vg_tally_plan *plan,
                                                 const struct vg_tally_variant *variant, size_t i)
{
    return &plan->columns[variant->columns ? variant->columns[i] : i];
}

static int check_plan(const struct vg_tally_plan *plan, struct vg_error *err)
{
    bool ok = plan->nvariants > 0;
    for (size_t v = 0; v < plan->nvariants; v++) {
        const struct vg_tally_variant *variant = &plan->variants[v];
        for (size_t i = 0; variant->columns && i < variant->ncolumns; i++)
            ok &= variant->columns[i] < plan->ncolumns;
    }
    for (size_t i = 0; i < plan->npredicates; i++) {
        ok &= plan->predicates[i].variant < plan->nvariants;
        ok &= plan->predicates[i].rule->type->offends != NULL;
    }
    return ok ? 0 : vg_fail(err, VG_E_INTERNAL, "a tally's plan contradicts itself");
}

/* The empty summary of a variant. Its arrays count up as they are initialised, so that freeing it
 * half-made is fine. */
static int make_summary(const struct vg_tally_plan *plan, size_t variant, struct vg_summary **out,
                        struct vg_error *err)
{
    const struct vg_tally_variant *of = &plan->variants[variant];
    size_t ncolumns = count_columns(plan, of);
    struct vg_summary *summary = vg_summary_new(ncolumns, plan->npredicates);
    *out = summary;
    if (!summary)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a summary");
    summary->ncolumns = summary->npredicates = 0;
    for (size_t i = 0; i < ncolumns; i++) {
        const struct vg_tally_column *column = pick_column(plan, of, i);
        unsigned parts = (column->distinct ? VG_PART_HLL : 0u) | (column->top ? VG_PART_TOP : 0u);
        if (vg_column_init(&summary->columns[i], column->name, column->kind, column->grid, parts,
                           err) < 0)
            return -1;
        summary->ncolumns++;
    }
    for (size_t i = 0; i < plan->npredicates; i++) {
        const struct vg_tally_predicate *predicate = &plan->predicates[i];
        size_t max_keys = plan->nkeys ? plan->max_keys : 0;
        if (predicate->variant != variant)
            continue;
        if (vg_predicate_init(&summary->predicates[summary->npredicates], predicate->rule->id,
                              predicate->warn, max_keys, err) < 0)
            return -1;
        summary->npredicates++;
    }
    return 0;
}

int vg_tally_new(const struct vg_tally_plan *plan, struct vg_tally **out, struct vg_error *err)
{
    *out = NULL;
    if (check_plan(plan, err) < 0)
        return -1;
    struct vg_tally *tally = calloc(1, sizeof *tally);
    if (!tally)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a tally");
    tally->plan = plan;
    tally->summaries = vg_array(plan->nvariants, sizeof *tally->summaries);
    if (!tally->summaries) {
        free(tally);
        return vg_fail(err, VG_E_MEMORY, "out of memory for a tally");
    }
    for (size_t v = 0; v < plan->nvariants; v++) {
        if (make_summary(plan, v, &tally->summaries[v], err) < 0) {
            vg_tally_free(tally);
            return -1;
        }
    }
    *out = tally;
    return 0;
}

void vg_tally_free(struct vg_tally *tally)
{
    if (!tally)
        return;
    for (size_t v = 0; v < tally->plan->nvariants; v++)
        vg_summary_free(tally->summaries[v]);
    free(tally->summaries);
    free(tally);
}

struct vg_summary *vg_tally_take(struct vg_tally *tally, size_t variant)
{
    if (variant >= tally->plan->nvariants || !tally->summaries[variant])
        BUG("variant %zu of a tally is taken twice or does not exist", variant);
    struct vg_summary *summary = tally->summaries[variant];
    tally->summaries[variant] = NULL;
    return summary;
}

static bool fits(const struct vg_batch *batch, size_t source, const enum vg_kind *kind)
{
    return source < batch->ncols && (!kind || batch->cols[source].kind == *kind);
}

static int check_batch(const struct vg_tally_plan *plan, const struct vg_batch *batch,
                       struct vg_error *err)
{
    static const enum vg_kind truth = VG_KIND_BOOL;
    bool ok = plan->time == VG_TALLY_NONE || fits(batch, plan->time, NULL);
    for (size_t i = 0; i < plan->ncolumns; i++)
        ok &= fits(batch, plan->columns[i].source, &plan->columns[i].kind);
    for (size_t i = 0; i < plan->npredicates; i++)
        ok &= fits(batch, plan->predicates[i].source, NULL);
    for (size_t i = 0; i < plan->nkeys; i++)
        ok &= fits(batch, plan->keys[i], NULL);
    for (size_t v = 0; v < plan->nvariants; v++) {
        size_t condition = plan->variants[v].condition;
        ok &= condition == VG_TALLY_NONE || fits(batch, condition, &truth);
    }
    return ok ? 0 : vg_fail(err, VG_E_INTERNAL, "a batch does not fit the plan of its tally");
}

/* Lists the rows that belong to a variant; a row without a finite time is counted as such only. */
static void select_rows(struct vg_tally_rows *rows, const struct vg_tally_plan *plan,
                        size_t condition, struct vg_summary *summary)
{
    const struct vg_column *truth = NULL, *time = NULL;
    if (condition != VG_TALLY_NONE)
        truth = &rows->batch->cols[condition];
    if (plan->time != VG_TALLY_NONE && rows->batch->cols[plan->time].special)
        time = &rows->batch->cols[plan->time];
    rows->all = !truth && !time;
    rows->n = rows->span;
    if (rows->all)
        return;
    rows->n = 0;
    for (size_t row = rows->first; row < rows->first + rows->span; row++) {
        if (truth && (truth->state[row] != VG_CELL_VALUE || truth->num[row] == 0))
            continue;
        if (time && time->state[row] != VG_CELL_VALUE) {
            summary->null_times += time->state[row] == VG_CELL_NULL;
            summary->infinite_times += time->state[row] != VG_CELL_NULL;
            continue;
        }
        rows->selected[rows->n++] = (uint32_t)row;
    }
    rows->all = rows->n == rows->span;
}

static void gather(struct vg_tally_rows *rows, const struct vg_column *from, struct vg_column *view)
{
    view->special = 0;
    view->state = rows->state;
    for (size_t i = 0; i < rows->n; i++) {
        rows->state[i] = from->state[rows->selected[i]];
        view->special += rows->state[i] != VG_CELL_VALUE;
    }
    if (from->num) {
        view->num = rows->num;
        for (size_t i = 0; i < rows->n; i++)
            rows->num[i] = from->num[rows->selected[i]];
    }
    if (from->raw) {
        view->raw = rows->raw;
        for (size_t i = 0; i < rows->n; i++)
            rows->raw[i] = from->raw[rows->selected[i]];
    }
}

struct vg_column vg_tally_view(struct vg_tally_rows *rows, size_t source)
{
    const struct vg_column *from = &rows->batch->cols[source];
    struct vg_column view = *from;
    if (!rows->all) {
        gather(rows, from, &view);
        return view;
    }
    view.state += rows->first;
    view.num = from->num ? from->num + rows->first : NULL;
    view.raw = from->raw ? from->raw + rows->first : NULL;
    return view;
}

static int count_variant(struct vg_tally *tally, size_t variant, struct vg_error *err)
{
    const struct vg_tally_plan *plan = tally->plan;
    const struct vg_tally_variant *of = &plan->variants[variant];
    struct vg_summary *summary = tally->summaries[variant];
    struct vg_tally_rows *rows = &tally->rows;
    if (!summary)
        BUG("rows are added to variant %zu of a tally after it was taken", variant);
    select_rows(rows, plan, of->condition, summary);
    summary->rows += rows->n;
    for (size_t i = 0; i < summary->ncolumns; i++) {
        struct vg_column view = vg_tally_view(rows, pick_column(plan, of, i)->source);
        if (vg_column_count(&summary->columns[i], &view, rows->n, err) < 0)
            return -1;
    }
    struct vg_predicate_summary *into = summary->predicates;
    for (size_t i = 0; i < plan->npredicates; i++) {
        if (plan->predicates[i].variant != variant)
            continue;
        struct vg_column view = vg_tally_view(rows, plan->predicates[i].source);
        if (vg_tally_test(rows, &view, plan, &plan->predicates[i], into++, err) < 0)
            return -1;
    }
    return 0;
}

int vg_tally_add_range(struct vg_tally *tally, const struct vg_batch *batch, size_t first, size_t n,
                       struct vg_error *err)
{
    struct vg_tally_rows *rows = &tally->rows;
    if (first > batch->nrows || n > batch->nrows - first)
        return vg_fail(err, VG_E_INTERNAL, "a batch has no rows %zu to %zu", first, first + n);
    if (check_batch(tally->plan, batch, err) < 0)
        return -1;
    rows->batch = batch;
    for (size_t end = first + n; first < end; first += rows->span) {
        rows->first = first;
        rows->span = end - first < VG_BATCH_ROWS ? end - first : VG_BATCH_ROWS;
        memset(rows->key_known, 0, sizeof rows->key_known);
        for (size_t v = 0; v < tally->plan->nvariants; v++) {
            if (count_variant(tally, v, err) < 0)
                return -1;
        }
    }
    return 0;
}

int vg_tally_add(struct vg_tally *tally, const struct vg_batch *batch, struct vg_error *err)
{
    return vg_tally_add_range(tally, batch, 0, batch->nrows, err);
}
