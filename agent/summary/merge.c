/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding up summaries of disjoint sets of rows. Whatever is counted is added, extremes are
 * compared, moments are merged in double-double, keys and categories keep the smallest hashes: the
 * summary of a whole is that of its parts, however cut. */
#include <stdlib.h>

#include "agent/summary/parts.h"
#include "pgvigil/summary_pairs.h"

static void add_cells(uint64_t *into, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        into[i] += from[i];
}

static bool can_coarsen(const struct vg_column_summary *column)
{
    return column->fine && column->grid;
}

static uint32_t coarse_size(const struct vg_column_summary *column)
{
    if (column->coarse)
        return column->coarse_cells;
    return can_coarsen(column) ? 2 * column->grid->ncoarse + 1 : 0;
}

static int check_columns(const struct vg_column_summary *a, const struct vg_column_summary *b,
                         struct vg_error *err)
{
    if (!vg_streq(a->name, b->name) || a->kind != b->kind)
        return vg_fail(err, VG_E_INTERNAL, "summaries of columns %s and %s cannot be added",
                       a->name, b->name);
    if (a->grid_id != b->grid_id)
        return vg_fail(err, VG_E_INTERNAL, "column %s was counted on two different grids", a->name);
    if (coarse_size(a) && coarse_size(b) && coarse_size(a) != coarse_size(b))
        return vg_fail(err, VG_E_INTERNAL, "column %s has coarse cells of two sizes", a->name);
    return 0;
}

static void merge_gaps(struct vg_column_summary *a, const struct vg_column_summary *b)
{
    if (a->fine && a->gaps && b->gaps) {
        for (size_t i = 0; i <= a->grid->n; i++)
            a->gaps[i] = vg_dd_add(a->gaps[i], b->gaps[i]);
        return;
    }
    free(a->gaps);
    a->gaps = NULL;
}

static int merge_cells(struct vg_column_summary *a, const struct vg_column_summary *b)
{
    bool both_coarse = coarse_size(a) && coarse_size(b) && (a->coarse || b->coarse);
    if (both_coarse) {
        if (!a->coarse && vg_column_coarsen(a) < 0)
            return -1;
        if (b->coarse)
            add_cells(a->coarse, b->coarse, a->coarse_cells);
        else
            vg_cells_coarsen(b->grid, b->fine, a->coarse);
    } else {
        free(a->coarse);
        a->coarse = NULL;
        a->coarse_cells = 0;
    }
    if (a->fine && b->fine && a->grid) {
        add_cells(a->fine, b->fine, 2 * (size_t)a->grid->n + 1);
    } else {
        free(a->fine);
        a->fine = NULL;
    }
    merge_gaps(a, b);
    return 0;
}

static int merge_quantiles(struct vg_column_summary *a, const struct vg_column_summary *b)
{
    if (a->quantiles && b->quantiles)
        return vg_quantiles_merge(a->quantiles, b->quantiles);
    vg_quantiles_free(a->quantiles);
    a->quantiles = NULL;
    return 0;
}

static int merge_distinct(struct vg_column_summary *a, const struct vg_column_summary *b)
{
    if (a->hll && b->hll && a->hll_bits == b->hll_bits) {
        vg_hll_merge(a->hll, b->hll, a->hll_bits);
    } else {
        free(a->hll);
        a->hll = NULL;
    }
    if (a->top && b->top)
        return vg_top_merge(a->top, b->top);
    vg_top_free(a->top);
    a->top = NULL;
    return 0;
}

static void merge_counts(struct vg_column_summary *a, const struct vg_column_summary *b)
{
    struct vg_moments total = {vg_column_finite(a), a->min, a->max, a->sum, a->m2};
    struct vg_moments more = {vg_column_finite(b), b->min, b->max, b->sum, b->m2};
    if (vg_kind_is_numeric(a->kind)) {
        vg_moments_merge(&total, &more);
        a->min = total.min;
        a->max = total.max;
        a->sum = total.sum;
        a->m2 = total.m2;
    }
    a->length_min = b->length_min < a->length_min ? b->length_min : a->length_min;
    a->length_max = b->length_max > a->length_max ? b->length_max : a->length_max;
    a->rows += b->rows;
    a->nulls += b->nulls;
    a->nans += b->nans;
    a->pinfs += b->pinfs;
    a->ninfs += b->ninfs;
    a->uncast += b->uncast;
    a->zeros += b->zeros;
    a->negatives += b->negatives;
    a->empties += b->empties;
    a->length_sum += b->length_sum;
}

static int add_column(struct vg_column_summary *a, const struct vg_column_summary *b,
                      struct vg_error *err)
{
    if (merge_cells(a, b) < 0 || merge_distinct(a, b) < 0 || merge_quantiles(a, b) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory adding summaries of column %s", a->name);
    merge_counts(a, b);
    return 0;
}

int vg_column_merge(struct vg_column_summary *a, const struct vg_column_summary *b,
                    struct vg_error *err)
{
    return check_columns(a, b, err) < 0 ? -1 : add_column(a, b, err);
}

static int add_predicate(struct vg_predicate_summary *a, const struct vg_predicate_summary *b,
                         struct vg_error *err)
{
    for (size_t i = 0; i < b->nkeys; i++) {
        if (vg_predicate_wants(a, b->key_hashes[i]) &&
            vg_predicate_add_key(a, b->key_hashes[i], b->keys[i], err) < 0)
            return -1;
    }
    a->tested += b->tested;
    a->offending += b->offending;
    return 0;
}

static int check_summaries(const struct vg_summary *a, const struct vg_summary *b,
                           struct vg_error *err)
{
    if (a->ncolumns != b->ncolumns || a->npredicates != b->npredicates)
        return vg_fail(err, VG_E_INTERNAL, "summaries of different plans cannot be added");
    for (size_t i = 0; i < a->ncolumns; i++) {
        if (check_columns(&a->columns[i], &b->columns[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < a->npredicates; i++) {
        const struct vg_predicate_summary *p = &a->predicates[i], *q = &b->predicates[i];
        if (!vg_streq(p->id, q->id) || p->max_keys != q->max_keys)
            return vg_fail(err, VG_E_INTERNAL, "counts of rules %s and %s cannot be added", p->id,
                           q->id);
    }
    if (a->pairs && b->pairs && a->pairs->id != b->pairs->id)
        return vg_fail(err, VG_E_INTERNAL, "pairs of other columns cannot be added");
    return 0;
}

int vg_summary_merge(struct vg_summary *a, const struct vg_summary *b, struct vg_error *err)
{
    if (check_summaries(a, b, err) < 0)
        return -1;
    for (size_t i = 0; i < a->ncolumns; i++) {
        if (add_column(&a->columns[i], &b->columns[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < a->npredicates; i++) {
        if (add_predicate(&a->predicates[i], &b->predicates[i], err) < 0)
            return -1;
    }
    if (a->pairs && b->pairs && vg_pairs_merge(a->pairs, b->pairs, err) < 0)
        return -1;
    if (!b->pairs) {
        vg_pairs_free(a->pairs);
        a->pairs = NULL;
    }
    a->rows += b->rows;
    a->null_times += b->null_times;
    a->infinite_times += b->infinite_times;
    return 0;
}
