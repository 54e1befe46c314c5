/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries as objects: made, read, freed. Owns no rows and no grid; statistics are computed from
 * what was counted, never from anything else. */
#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"
#include "pgvigil/summary_pairs.h"

int vg_column_init(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                   const struct vg_grid *grid, unsigned parts, struct vg_error *err)
{
    const struct vg_part_sizes sizes = {parts, VG_HLL_BITS, VG_TOP_EXACT, VG_QUANTILE_CELLS};
    return vg_column_init_sized(column, name, kind, grid, &sizes, err);
}

int vg_column_init_sized(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                         const struct vg_grid *grid, const struct vg_part_sizes *sizes,
                         struct vg_error *err)
{
    bool category = kind == VG_KIND_TEXT || kind == VG_KIND_BOOL;
    *column = (struct vg_column_summary){
        .kind = kind, .min = INFINITY, .max = -INFINITY, .length_min = UINT32_MAX};
    column->name = strdup(name);
    bool ok = column->name;
    if (grid && vg_kind_is_numeric(kind)) {
        column->grid = grid;
        column->grid_id = grid->id;
        column->fine = vg_array(2 * (size_t)grid->n + 1, sizeof *column->fine);
        ok &= column->fine != NULL;
        if (sizes->parts & VG_PART_GAPS)
            column->gaps = vg_array((size_t)grid->n + 1, sizeof *column->gaps);
        ok &= column->gaps || !(sizes->parts & VG_PART_GAPS);
    }
    if ((sizes->parts & VG_PART_HLL) && kind != VG_KIND_OTHER) {
        column->hll_bits = sizes->hll_bits;
        column->hll = vg_array((size_t)1 << sizes->hll_bits, 1);
        ok &= column->hll != NULL;
    }
    if ((sizes->parts & VG_PART_TOP) && category) {
        column->top = vg_top_new(sizes->values);
        ok &= column->top != NULL;
    }
    bool number = kind == VG_KIND_NUMBER || kind == VG_KIND_TIME;
    if ((sizes->parts & VG_PART_QUANTILE) && number) {
        column->quantiles = vg_quantiles_new(sizes->cells);
        ok &= column->quantiles != NULL;
    }
    if (ok)
        return 0;
    vg_column_clear(column);
    return vg_fail(err, VG_E_MEMORY, "out of memory for the summary of column %s", name);
}

void vg_column_clear(struct vg_column_summary *column)
{
    free(column->name);
    free(column->fine);
    free(column->gaps);
    free(column->coarse);
    free(column->hll);
    vg_top_free(column->top);
    vg_quantiles_free(column->quantiles);
    *column = (struct vg_column_summary){0};
}

void vg_column_free(struct vg_column_summary *column)
{
    if (column)
        vg_column_clear(column);
    free(column);
}

uint64_t vg_column_finite(const struct vg_column_summary *column)
{
    return column->rows - column->nulls - column->nans - column->pinfs - column->ninfs -
           column->uncast;
}

/* Sums stay finite in every order while n times the largest term is far below the largest double.
 * Deciding by that, not by the sum that came out, makes the answer the same in every order. */
enum { LARGEST_SUM_EXPONENT = 960 };
static bool may_overflow(uint64_t n, double largest)
{
    return !((double)n * largest < ldexp(1, LARGEST_SUM_EXPONENT));
}

double vg_column_mean(const struct vg_column_summary *column)
{
    uint64_t n = vg_column_finite(column);
    double largest = fmax(fabs(column->min), fabs(column->max));
    if (!n || !vg_kind_is_numeric(column->kind) || may_overflow(n, largest))
        return NAN;
    return vg_dd_divide(column->sum, (double)n).hi;
}

double vg_column_stddev(const struct vg_column_summary *column)
{
    uint64_t n = vg_column_finite(column);
    double range = column->max - column->min;
    if (n < 2 || isnan(vg_column_mean(column)) || may_overflow(n, range * range))
        return NAN;
    double variance = column->m2.hi / (double)(n - 1);
    return variance < 0 ? 0 : sqrt(variance);
}

double vg_column_distinct(const struct vg_column_summary *column)
{
    return column->hll ? vg_hll_estimate(column->hll, column->hll_bits) : (double)NAN;
}

double vg_column_null_ratio(const struct vg_column_summary *column)
{
    return column->rows ? (double)column->nulls / (double)column->rows : (double)NAN;
}

/* Both counts run over the same line, so one walk over the fine cells sees the coarse ones in turn:
 * the coarse atom c/2 begins and ends at the fine atom of its threshold. */
void vg_cells_coarsen(const struct vg_grid *grid, const uint64_t *fine, uint64_t *coarse)
{
    size_t begin = 0;
    for (size_t k = 0; k < grid->ncoarse; k++) {
        size_t atom = 2 * (size_t)grid->coarse[k] + 1;
        for (; begin < atom; begin++)
            coarse[2 * k] += fine[begin];
        coarse[2 * k + 1] += fine[begin++];
    }
    for (; begin <= 2 * (size_t)grid->n; begin++)
        coarse[2 * (size_t)grid->ncoarse] += fine[begin];
}

int vg_column_coarsen(struct vg_column_summary *column)
{
    if (!column->fine || !column->grid)
        return 0;
    uint32_t cells = 2 * column->grid->ncoarse + 1;
    if (!column->coarse)
        column->coarse = vg_array(cells, sizeof *column->coarse);
    if (!column->coarse)
        return -1;
    memset(column->coarse, 0, cells * sizeof *column->coarse);
    column->coarse_cells = cells;
    vg_cells_coarsen(column->grid, column->fine, column->coarse);
    return 0;
}

struct vg_column_summary *vg_column_take(struct vg_column_summary *column)
{
    struct vg_column_summary *taken = calloc(1, sizeof *taken);
    char *name = strdup(column->name);
    if (!taken || !name || (!column->coarse && vg_column_coarsen(column) < 0)) {
        free(taken);
        free(name);
        return NULL;
    }
    *taken = *column;
    taken->name = name;
    taken->grid = NULL;
    taken->fine = NULL;
    taken->gaps = NULL;
    taken->hll = NULL;
    taken->hll_bits = 0;
    taken->quantiles = NULL;
    column->coarse = NULL;
    column->coarse_cells = 0;
    column->top = NULL;
    if (taken->top)
        vg_top_settle(taken->top);
    return taken;
}

int vg_column_attach(struct vg_column_summary *column, const struct vg_grid *grid,
                     struct vg_error *err)
{
    bool fits = grid->id == column->grid_id &&
                (!column->coarse || column->coarse_cells == 2 * grid->ncoarse + 1);
    if (!fits)
        return vg_fail(err, VG_E_INTERNAL, "column %s was counted on another grid", column->name);
    column->grid = grid;
    return 0;
}

struct vg_summary *vg_summary_new(size_t ncolumns, size_t npredicates)
{
    struct vg_summary *summary = calloc(1, sizeof *summary);
    if (!summary)
        return NULL;
    summary->columns = vg_array(ncolumns, sizeof *summary->columns);
    summary->predicates = vg_array(npredicates, sizeof *summary->predicates);
    if (!summary->columns || !summary->predicates) {
        free(summary->columns);
        free(summary->predicates);
        free(summary);
        return NULL;
    }
    summary->ncolumns = ncolumns;
    summary->npredicates = npredicates;
    return summary;
}

static void clear_predicate(struct vg_predicate_summary *predicate)
{
    for (size_t i = 0; i < predicate->nkeys; i++)
        free(predicate->keys[i]);
    free(predicate->keys);
    free(predicate->key_hashes);
    free(predicate->id);
}

void vg_summary_free(struct vg_summary *summary)
{
    if (!summary)
        return;
    for (size_t i = 0; i < summary->ncolumns; i++)
        vg_column_clear(&summary->columns[i]);
    for (size_t i = 0; i < summary->npredicates; i++)
        clear_predicate(&summary->predicates[i]);
    vg_pairs_free(summary->pairs);
    free(summary->columns);
    free(summary->predicates);
    free(summary);
}

const struct vg_column_summary *vg_summary_column(const struct vg_summary *summary,
                                                  const char *name)
{
    for (size_t i = 0; i < summary->ncolumns; i++) {
        if (vg_streq(summary->columns[i].name, name))
            return &summary->columns[i];
    }
    return NULL;
}

const struct vg_predicate_summary *vg_summary_predicate(const struct vg_summary *summary,
                                                        const char *id)
{
    for (size_t i = 0; i < summary->npredicates; i++) {
        if (vg_streq(summary->predicates[i].id, id))
            return &summary->predicates[i];
    }
    return NULL;
}

int vg_predicate_init(struct vg_predicate_summary *predicate, const char *id, bool warn,
                      size_t max_keys, struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 1 << 16);
    vg_buf_puts(&buf, id);
    vg_buf_puts(&buf, warn ? "#warn" : "");
    *predicate = (struct vg_predicate_summary){.max_keys = max_keys};
    predicate->id = vg_buf_take(&buf);
    predicate->keys = vg_array(max_keys, sizeof *predicate->keys);
    predicate->key_hashes = vg_array(max_keys, sizeof *predicate->key_hashes);
    if (predicate->id && predicate->keys && predicate->key_hashes)
        return 0;
    clear_predicate(predicate);
    *predicate = (struct vg_predicate_summary){0};
    return vg_fail(err, VG_E_MEMORY, "out of memory for the counts of rule %s", id);
}

bool vg_predicate_wants(const struct vg_predicate_summary *predicate, uint64_t key_hash)
{
    size_t n = predicate->nkeys;
    return n < predicate->max_keys || (n && key_hash <= predicate->key_hashes[n - 1]);
}

/* Keys are ordered by hash, then by text, and the set of the smallest does not depend on the order
 * in which they come. */
int vg_predicate_add_key(struct vg_predicate_summary *predicate, uint64_t key_hash, const char *key,
                         struct vg_error *err)
{
    size_t i = predicate->nkeys;
    int order = 1;
    for (; i > 0; i--) {
        uint64_t other = predicate->key_hashes[i - 1];
        order = key_hash != other ? (key_hash > other) - (key_hash < other)
                                  : strcmp(key, predicate->keys[i - 1]);
        if (order >= 0)
            break;
    }
    if ((i && order == 0) || i == predicate->max_keys)
        return 0;
    char *copy = strdup(key);
    if (!copy)
        return vg_fail(err, VG_E_MEMORY, "out of memory for the keys of rule %s", predicate->id);
    if (predicate->nkeys == predicate->max_keys)
        free(predicate->keys[--predicate->nkeys]);
    size_t after = predicate->nkeys++ - i;
    memmove(&predicate->keys[i + 1], &predicate->keys[i], after * sizeof *predicate->keys);
    memmove(&predicate->key_hashes[i + 1], &predicate->key_hashes[i],
            after * sizeof *predicate->key_hashes);
    predicate->keys[i] = copy;
    predicate->key_hashes[i] = key_hash;
    return 0;
}

const struct vg_reference_column *vg_reference_find(const struct vg_reference *reference,
                                                    const char *name)
{
    for (size_t i = 0; i < reference->ncolumns; i++) {
        if (vg_streq(reference->columns[i].name, name))
            return &reference->columns[i];
    }
    return NULL;
}

void vg_reference_free(struct vg_reference *reference)
{
    if (!reference)
        return;
    for (size_t i = 0; i < reference->ncolumns; i++) {
        vg_distribution_free(reference->columns[i].fine);
        vg_column_free(reference->columns[i].total);
        vg_grid_free(reference->columns[i].coarse);
    }
    for (size_t s = 0; s < reference->nsegments; s++) {
        const struct vg_reference *view = reference->segments[s].view;
        for (size_t i = 0; i < view->ncolumns; i++)
            vg_column_free(view->columns[i].total);
    }
    vg_pairs_free(reference->pairs);
    vg_arena_free(reference->arena);
}

struct vg_grid *vg_grid_of_segments(const struct vg_grid *fine)
{
    double q[VG_COARSE];
    for (uint32_t i = 0; i < fine->ncoarse; i++)
        q[i] = fine->q[fine->coarse[i]];
    return vg_grid_new(q, fine->ncoarse, fine->exact && fine->ncoarse == fine->n);
}

int vg_reference_coarse(struct vg_reference *reference)
{
    for (size_t i = 0; i < reference->ncolumns; i++) {
        struct vg_reference_column *column = &reference->columns[i];
        if (column->coarse || !column->fine || !column->fine->grid->ncoarse)
            continue;
        column->coarse = vg_grid_of_segments(column->fine->grid);
        if (!column->coarse)
            return -1;
    }
    return 0;
}

const struct vg_reference *vg_reference_segment(const struct vg_reference *reference,
                                                const char *name)
{
    for (size_t i = 0; i < reference->nsegments; i++) {
        if (!strcmp(reference->segments[i].name, name))
            return reference->segments[i].view;
    }
    return NULL;
}
