/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The expressions of users and checks that a plan's scan evaluates, each once, so that they can be
 * tried before the scan: those of `where`, of conditions and of computed columns that are read.
 * Pure. */
#include "agent/plan.h"

#include <string.h>

static bool is_new(const char *text, const char *const *items, size_t n)
{
    bool found = !text;
    for (size_t i = 0; i < n && !found; i++)
        found = !strcmp(items[i], text);
    return !found;
}

/* The expression that the scan reads for a computed column, or NULL. */
static const char *find_computed(const struct vg_plan *plan, const char *name)
{
    const struct vg_catalog_column *column = name ? vg_catalog_find(plan->catalog, name) : NULL;
    return column && column->computed && !column->problem ? vg_sql_item(column) : NULL;
}

int vg_plan_expressions(const struct vg_plan *plan, struct vg_arena *arena, struct vg_strings *out)
{
    size_t most = 3 * plan->nbound + plan->dataset->key.n + plan->nsplits + plan->tally.nranked;
    const char **items = vg_arena_array(arena, most, sizeof *items);
    size_t n = 0;
    if (!items)
        return -1;
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_bound *bound = &plan->bound[i];
        const char *where = bound->variant ? bound->rule.where : NULL;
        if (is_new(where, items, n))
            items[n++] = where;
        if (is_new(bound->condition, items, n))
            items[n++] = bound->condition;
        const char *computed = bound->problem ? NULL : find_computed(plan, bound->rule.column);
        if (is_new(computed, items, n))
            items[n++] = computed;
    }
    for (size_t i = 0; i < plan->dataset->key.n; i++) {
        const char *computed = find_computed(plan, plan->dataset->key.items[i]);
        if (is_new(computed, items, n))
            items[n++] = computed;
    }
    for (size_t i = 0; i < plan->nsplits; i++) {
        const char *computed = find_computed(plan, plan->splits[i].spec->column);
        if (is_new(computed, items, n))
            items[n++] = computed;
    }
    for (size_t i = 0; i < plan->tally.nranked; i++) {
        const char *computed = find_computed(plan, plan->tally.ranked[i].name);
        if (is_new(computed, items, n))
            items[n++] = computed;
    }
    *out = (struct vg_strings){items, n};
    return 0;
}
