/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The levels of a category: which value is which, and how often each occurs in a window. Pure. */
#include <stdlib.h>

#include "agent/budget/learn.h"

size_t vg_categories_levels(const struct vg_categories *categories)
{
    return categories->ntop + categories->has_other + categories->has_unseen;
}

enum vg_budget_value vg_categories_level(const struct vg_categories *categories, size_t level)
{
    if (level < categories->ntop)
        return VG_BUDGET_ONE;
    if (level == vg_categories_levels(categories))
        return VG_BUDGET_RARE;
    return categories->has_other && level == categories->ntop ? VG_BUDGET_OTHER : VG_BUDGET_UNSEEN;
}

/* Without a branch on what is found: of hashes none can be foretold. */
bool vg_categories_has(const struct vg_categories *categories, uint64_t hash)
{
    const uint64_t *at = categories->values;
    for (size_t n = categories->nvalues, half; n > 1; n -= half) {
        half = n / 2;
        at += at[half - 1] < hash ? half : 0;
    }
    return categories->nvalues && *at == hash;
}

double vg_summary_values(const struct vg_column_summary *summary)
{
    uint64_t without = summary->nulls + summary->uncast;
    return summary->rows > without ? (double)(summary->rows - without) : 0;
}

struct vg_top_entry *vg_top_entries(const struct vg_top *top, size_t *n, bool *sampled)
{
    size_t size = vg_top_size(top);
    struct vg_top_entry *entries = vg_array(size ? size : 1, sizeof *entries);
    *n = entries ? vg_top_largest(top, entries, size, sampled) : 0;
    return entries;
}

int vg_categories_know(const struct vg_categories *categories,
                       const struct vg_column_summary *summary)
{
    if (!summary->top)
        return !(vg_summary_values(summary) > 0);
    size_t n = vg_top_size(summary->top), known = 0;
    struct vg_top_entry *entries = vg_array(n, sizeof *entries);
    if (!entries)
        return -1;
    vg_top_all(summary->top, entries);
    while (known < n && vg_categories_has(categories, entries[known].hash))
        known++;
    free(entries);
    return known == n && !vg_top_sampled(summary->top);
}

static bool is_top(const struct vg_categories *categories, uint64_t hash)
{
    for (size_t i = 0; i < categories->ntop; i++) {
        if (categories->hash[i] == hash)
            return true;
    }
    return false;
}

/* Rows whose value is in the reference but not among the most frequent. */
static int count_other(const struct vg_categories *categories, const struct vg_top *top,
                       double *out)
{
    size_t n = vg_top_size(top);
    struct vg_top_entry *entries = vg_array(n, sizeof *entries);
    if (!entries)
        return -1;
    vg_top_all(top, entries);
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (vg_categories_has(categories, entries[i].hash) && !is_top(categories, entries[i].hash))
            *out += (double)entries[i].count;
    }
    free(entries);
    return 0;
}

int vg_categories_count(const struct vg_categories *categories,
                        const struct vg_column_summary *summary, double *counts, double *rows,
                        enum vg_budget_look *look)
{
    bool sampled = summary->top && vg_top_sampled(summary->top);
    double values = vg_summary_values(summary), known = 0, other = 0;
    *look = VG_BUDGET_LOOKED;
    *rows = 0;
    if (!(values > 0))
        return 0;
    if (!summary->top || sampled) {
        *look = VG_BUDGET_NOT_COUNTED;
        return 0;
    }
    for (size_t i = 0; i < categories->ntop; i++) {
        counts[i] = (double)vg_top_count_hash(summary->top, categories->hash[i]);
        known += counts[i];
    }
    size_t level = categories->ntop;
    double rest = values > known ? values - known : 0;
    if (categories->has_other && categories->has_unseen) {
        if (count_other(categories, summary->top, &other) < 0)
            return -1;
        counts[level++] = other;
        rest = rest > other ? rest - other : 0;
    }
    if (level < vg_categories_levels(categories))
        counts[level] = rest;
    else
        rest = 0;
    *rows = known + other + rest;
    return 0;
}
