/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tally as an object: a plan, a summary per variant, and the walk over a batch: variant by
 * variant, column by column. What is counted in a column is the summary's business, what offends
 * the predicates'. */
#include "agent/tally.h"

#include <stdlib.h>
#include <string.h>

#include "agent/tally_rows.h"
#include "pgvigil/check.h"
#include "pgvigil/summary_pairs.h"

struct vg_tally {
    const struct vg_tally_plan *plan;
    struct vg_summary **summaries; /* one per variant; NULL once taken */
    struct vg_summary **segments;  /* variant by variant, split by split; NULL once taken */
    size_t nsegments;              /* of one variant */
    uint32_t *routes;              /* VG_BATCH_ROWS per split */
    struct vg_tally_rows rows;
};

static size_t count_segments(const struct vg_tally_plan *plan, size_t splits)
{
    size_t n = 0;
    for (size_t s = 0; s < splits; s++)
        n += plan->splits[s].values->n + 1;
    return n;
}

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

static bool is_route(const struct vg_tally_plan *plan, uint32_t route)
{
    return !route || (plan->routes && route <= plan->routes->n);
}

static int check_plan(const struct vg_tally_plan *plan, struct vg_error *err)
{
    bool ok = plan->nvariants > 0 && !(plan->routes && (plan->nsplits || plan->nranked)) &&
              plan->nranked <= VG_PAIRS_COLUMNS;
    for (size_t v = 0; v < plan->nvariants; v++) {
        const struct vg_tally_variant *variant = &plan->variants[v];
        for (size_t i = 0; variant->columns && i < variant->ncolumns; i++)
            ok &= variant->columns[i] < plan->ncolumns;
    }
    for (size_t i = 0; i < plan->npredicates; i++) {
        const struct vg_tally_predicate *predicate = &plan->predicates[i];
        ok &= predicate->variant < plan->nvariants && is_route(plan, predicate->route);
        ok &= predicate->unrouted ? plan->routes != NULL : predicate->rule->type->offends != NULL;
    }
    for (size_t i = 0; i < plan->ncolumns; i++)
        ok &= is_route(plan, plan->columns[i].route);
    return ok ? 0 : vg_fail(err, VG_E_INTERNAL, "a tally's plan contradicts itself");
}

static struct vg_part_sizes find_sizes(const struct vg_tally_column *column, bool segment)
{
    if (segment)
        return column->segment;
    return (struct vg_part_sizes){
        .parts = (column->distinct ? VG_PART_HLL : 0u) | (column->top ? VG_PART_TOP : 0u) |
                 (column->quantiles ? VG_PART_QUANTILE : 0u) | (column->gaps ? VG_PART_GAPS : 0u),
        .hll_bits = VG_HLL_BITS,
        .values = column->values ? column->values : VG_TOP_EXACT,
        .cells = VG_QUANTILE_CELLS,
    };
}

/* The empty summary of a variant. Its arrays count up as they are initialised, so that freeing it
 * half-made is fine. */
static int make_summary(const struct vg_tally_plan *plan, size_t variant, bool segment,
                        struct vg_summary **out, struct vg_error *err)
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
        const struct vg_part_sizes sizes = find_sizes(column, segment);
        const struct vg_grid *grid = segment ? column->coarse : column->grid;
        if (vg_column_init_sized(&summary->columns[i], column->name, column->kind, grid, &sizes,
                                 err) < 0)
            return -1;
        summary->ncolumns++;
    }
    for (size_t i = 0; i < plan->npredicates; i++) {
        const struct vg_tally_predicate *predicate = &plan->predicates[i];
        size_t max_keys = plan->nkeys && !segment ? plan->max_keys : 0;
        if (predicate->variant != variant)
            continue;
        if (vg_predicate_init(&summary->predicates[summary->npredicates], predicate->rule->id,
                              predicate->warn, max_keys, err) < 0)
            return -1;
        summary->npredicates++;
    }
    if (!variant && !segment)
        return vg_tally_pairs_new(plan, &summary->pairs, err);
    return 0;
}

static int make_all(struct vg_tally *tally, struct vg_error *err)
{
    const struct vg_tally_plan *plan = tally->plan;
    tally->summaries = vg_array(plan->nvariants, sizeof *tally->summaries);
    tally->segments = vg_array(plan->nvariants * tally->nsegments, sizeof *tally->segments);
    tally->routes = vg_array(plan->nsplits * VG_BATCH_ROWS, sizeof *tally->routes);
    if (!tally->summaries || !tally->segments || !tally->routes)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a tally");
    for (size_t v = 0; v < plan->nvariants; v++) {
        if (make_summary(plan, v, false, &tally->summaries[v], err) < 0)
            return -1;
        for (size_t i = 0; i < tally->nsegments; i++) {
            if (make_summary(plan, v, true, &tally->segments[v * tally->nsegments + i], err) < 0)
                return -1;
        }
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
    tally->nsegments = count_segments(plan, plan->nsplits);
    if (make_all(tally, err) < 0) {
        vg_tally_free(tally);
        return -1;
    }
    *out = tally;
    return 0;
}

void vg_tally_free(struct vg_tally *tally)
{
    if (!tally)
        return;
    for (size_t v = 0; tally->summaries && v < tally->plan->nvariants; v++)
        vg_summary_free(tally->summaries[v]);
    for (size_t i = 0; tally->segments && i < tally->plan->nvariants * tally->nsegments; i++)
        vg_summary_free(tally->segments[i]);
    free(tally->summaries);
    free(tally->segments);
    free(tally->routes);
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

struct vg_summary *vg_tally_take_segment(struct vg_tally *tally, size_t variant, size_t split,
                                         size_t route)
{
    const struct vg_tally_plan *plan = tally->plan;
    bool known = variant < plan->nvariants && split < plan->nsplits &&
                 route <= plan->splits[split].values->n;
    size_t at = known ? variant * tally->nsegments + count_segments(plan, split) + route : 0;
    if (!known || !tally->segments[at])
        BUG("segment %zu of split %zu is taken twice or does not exist", route, split);
    struct vg_summary *summary = tally->segments[at];
    tally->segments[at] = NULL;
    return summary;
}

static bool fits(const struct vg_batch *batch, size_t source, const enum vg_kind *kind)
{
    return source < batch->ncols && (!kind || batch->cols[source].kind == *kind);
}

static int check_batch(const struct vg_tally_plan *plan, const struct vg_batch *batch,
                       struct vg_error *err)
{
    static const enum vg_kind truth = VG_KIND_BOOL, text = VG_KIND_TEXT, number = VG_KIND_NUMBER;
    bool ok = plan->time == VG_TALLY_NONE || fits(batch, plan->time, NULL);
    ok &= !plan->routes || fits(batch, plan->names, &text);
    for (size_t i = 0; i < plan->ncolumns; i++)
        ok &= fits(batch, plan->columns[i].source, &plan->columns[i].kind);
    for (size_t i = 0; i < plan->npredicates; i++)
        ok &= plan->predicates[i].unrouted || fits(batch, plan->predicates[i].source, NULL);
    for (size_t s = 0; s < plan->nsplits; s++) {
        size_t source = plan->splits[s].source;
        ok &= fits(batch, source, &text) || fits(batch, source, &truth);
    }
    for (size_t i = 0; i < plan->nranked; i++)
        ok &= fits(batch, plan->ranked[i].source, &number);
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
    rows->selected = rows->chosen;
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
        rows->chosen[rows->n++] = (uint32_t)row;
    }
    rows->all = rows->n == rows->span;
}

/* Sorts the selected rows by the routes of the span's rows. */
static void sort_routes(struct vg_tally_rows *rows, const uint32_t *route, size_t nroutes)
{
    uint32_t next[VG_LONG_NAMES + 2] = {0};
    for (size_t i = 0; i < rows->n; i++) {
        size_t place = rows->all ? i : rows->selected[i] - rows->first;
        next[route[place] + 1]++;
    }
    for (size_t r = 0; r <= nroutes; r++)
        next[r + 1] += next[r];
    memcpy(rows->begin, next, sizeof rows->begin);
    for (size_t i = 0; i < rows->n; i++) {
        size_t row = rows->all ? rows->first + i : rows->selected[i];
        rows->sorted[next[route[row - rows->first]]++] = (uint32_t)row;
    }
}

/* The rows of a variant as select_rows() left them. */
struct selection {
    bool all;
    size_t n;
    const uint32_t *selected;
};

static void take_all(struct vg_tally_rows *rows, const struct selection *whole)
{
    rows->all = whole->all;
    rows->n = whole->n;
    rows->selected = whole->selected;
}

static void take_route(struct vg_tally_rows *rows, uint32_t route)
{
    rows->all = false;
    rows->n = rows->begin[route + 1] - rows->begin[route];
    rows->selected = rows->sorted + rows->begin[route];
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

static void take_rows(struct vg_tally_rows *rows, const struct selection *whole, uint32_t route)
{
    if (route)
        take_route(rows, route);
    else
        take_all(rows, whole);
}

static int test_predicate(struct vg_tally_rows *rows, const struct selection *whole,
                          const struct vg_tally_plan *plan,
                          const struct vg_tally_predicate *predicate,
                          struct vg_predicate_summary *into, struct vg_error *err)
{
    if (predicate->unrouted) {
        take_route(rows, 0);
        return vg_tally_blame(rows, whole->n, plan, into, err);
    }
    take_rows(rows, whole, predicate->route);
    struct vg_column view = vg_tally_view(rows, predicate->source);
    return vg_tally_test(rows, &view, plan, predicate, into, err);
}

/* Counts the selected rows of a variant, or of a segment of it. */
static int count_into(struct vg_tally *tally, size_t variant, const struct selection *whole,
                      struct vg_summary *summary, struct vg_error *err)
{
    const struct vg_tally_plan *plan = tally->plan;
    const struct vg_tally_variant *of = &plan->variants[variant];
    struct vg_tally_rows *rows = &tally->rows;
    summary->rows += whole->n;
    for (size_t i = 0; i < summary->ncolumns; i++) {
        const struct vg_tally_column *column = pick_column(plan, of, i);
        take_rows(rows, whole, column->route);
        struct vg_column view = vg_tally_view(rows, column->source);
        if (rows->n && vg_column_count(&summary->columns[i], &view, rows->n, err) < 0)
            return -1;
    }
    struct vg_predicate_summary *into = summary->predicates;
    for (size_t i = 0; i < plan->npredicates; i++) {
        if (plan->predicates[i].variant != variant)
            continue;
        if (test_predicate(rows, whole, plan, &plan->predicates[i], into++, err) < 0)
            return -1;
    }
    take_all(rows, whole);
    return summary->pairs ? vg_tally_pairs_count(rows, plan, summary->pairs, err) : 0;
}

static int count_split(struct vg_tally *tally, size_t variant, size_t split,
                       const struct selection *whole, struct vg_error *err)
{
    const struct vg_tally_plan *plan = tally->plan;
    struct vg_tally_rows *rows = &tally->rows;
    size_t n = plan->splits[split].values->n;
    size_t first = variant * tally->nsegments + count_segments(plan, split);
    take_all(rows, whole);
    sort_routes(rows, tally->routes + split * VG_BATCH_ROWS, n);
    for (size_t route = 0; route <= n; route++) {
        take_route(rows, (uint32_t)route);
        const struct selection part = {false, rows->n, rows->selected};
        if (!part.n)
            continue;
        if (!tally->segments[first + route])
            BUG("rows are added to a segment of a tally after it was taken");
        if (count_into(tally, variant, &part, tally->segments[first + route], err) < 0)
            return -1;
    }
    return 0;
}

static int count_variant(struct vg_tally *tally, size_t variant, struct vg_error *err)
{
    const struct vg_tally_plan *plan = tally->plan;
    struct vg_summary *summary = tally->summaries[variant];
    struct vg_tally_rows *rows = &tally->rows;
    if (!summary)
        BUG("rows are added to variant %zu of a tally after it was taken", variant);
    select_rows(rows, plan, plan->variants[variant].condition, summary);
    const struct selection whole = {rows->all, rows->n, rows->selected};
    if (plan->routes)
        sort_routes(rows, rows->route, plan->routes->n);
    if (count_into(tally, variant, &whole, summary, err) < 0)
        return -1;
    for (size_t s = 0; s < plan->nsplits && whole.n; s++) {
        if (count_split(tally, variant, s, &whole, err) < 0)
            return -1;
    }
    return 0;
}

/* The routes of the span's rows: by name of a long source, by value of each split. */
static void read_routes(struct vg_tally *tally)
{
    const struct vg_tally_plan *plan = tally->plan;
    struct vg_tally_rows *rows = &tally->rows;
    if (plan->routes)
        vg_routes_read(plan->routes, &rows->batch->cols[plan->names], rows->first, rows->span,
                       rows->route);
    for (size_t s = 0; s < plan->nsplits; s++)
        vg_routes_sort(plan->splits[s].values, &rows->batch->cols[plan->splits[s].source],
                       rows->first, rows->span, tally->routes + s * VG_BATCH_ROWS);
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
        read_routes(tally);
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
