/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules outside the budget, without statistics: nulls and values that the reference never showed.
 * Pure. */
#include <stdlib.h>

#include "agent/budget/recent.h"

bool vg_budget_all_null(const struct vg_budget_column *column,
                        const struct vg_column_summary *window)
{
    return window->rows && window->nulls >= window->rows && !column->all_null;
}

bool vg_budget_first_null(const struct vg_budget_column *column,
                          const struct vg_column_summary *window)
{
    return window->nulls && !column->had_nulls;
}

/* Counts the values of a window that are not in the reference. *counted: all were. */
static int count_unseen(const struct vg_categories *categories,
                        const struct vg_column_summary *window, struct vg_values *unseen,
                        bool *counted)
{
    if (!window->top) {
        *counted &= !(vg_summary_values(window) > 0);
        return 0;
    }
    *counted &= !vg_top_sampled(window->top);
    size_t n = vg_top_size(window->top);
    struct vg_top_entry *entries = vg_array(n, sizeof *entries);
    int rc = entries ? 0 : -1;
    if (entries)
        vg_top_all(window->top, entries);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!vg_categories_has(categories, entries[i].hash))
            rc = vg_values_add(unseen, entries[i].hash, entries[i].count, false);
    }
    free(entries);
    return rc;
}

static bool is_told(const uint64_t *told, size_t ntold, uint64_t hash)
{
    for (size_t i = 0; i < ntold; i++) {
        if (told[i] == hash)
            return true;
    }
    return false;
}

static int find_label(const struct vg_budget_recent *recent, struct vg_budget_new_value *value)
{
    for (size_t w = recent->n; w-- > 0 && !value->label;) {
        const struct vg_column_summary *window = recent->windows[w];
        size_t n = 0;
        bool sampled;
        if (!window || !window->top || !vg_top_count_hash(window->top, value->hash))
            continue;
        struct vg_top_entry *entries = vg_top_entries(window->top, &n, &sampled);
        if (!entries)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (entries[i].hash == value->hash)
                value->label = entries[i].label;
        }
        free(entries);
    }
    return 0;
}

/* At most a hundred values can hold 1 % each. */
enum { NEWS_MOST = 100 };

int vg_budget_find_new_values(const struct vg_budget_column *column,
                              const struct vg_budget_part *part,
                              const struct vg_budget_recent *recent, const uint64_t *told,
                              size_t ntold, struct vg_budget_new_values *out, struct vg_error *err)
{
    uint64_t hashes[NEWS_MOST + 1], counts[NEWS_MOST + 1];
    bool counted = column->new_values && part->categories.whole;
    double rows = 0;
    *out = (struct vg_budget_new_values){.n = 0};
    struct vg_values *unseen = vg_values_new();
    int rc = unseen ? 0 : -1;
    for (size_t w = 0; rc == 0 && counted && w < recent->n; w++) {
        if (!recent->windows[w])
            continue;
        rows += vg_summary_values(recent->windows[w]);
        int known = recent->counts && recent->counts[w]
                        ? recent->counts[w]->known
                        : vg_categories_know(&part->categories, recent->windows[w]);
        rc = known ? (known < 0 ? -1 : 0)
                   : count_unseen(&part->categories, recent->windows[w], unseen, &counted);
    }
    size_t n = rc == 0 && counted ? vg_values_largest(unseen, NEWS_MOST, hashes, counts) : 0;
    for (size_t i = 0; rc == 0 && i < n && out->n < VG_BUDGET_NEW_VALUES; i++) {
        double count = (double)counts[i];
        if (!vg_value_is_news(count, rows) || is_told(told, ntold, hashes[i]))
            continue;
        struct vg_budget_new_value *value = &out->items[out->n++];
        *value = (struct vg_budget_new_value){
            .hash = hashes[i], .count = counts[i], .share = count / rows};
        rc = find_label(recent, value);
    }
    vg_values_free(unseen);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory looking for new values") : 0;
}
