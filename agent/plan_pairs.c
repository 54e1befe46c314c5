/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns a window's scan ranks, and by which ranks: those of the reference's own cells, so
 * that what is counted now can be set beside what was counted then. Pure. */
#include "agent/plan_pairs.h"

#include "agent/plan_bind.h"
#include "pgvigil/summary_pairs.h"
#include "pgvigil/text.h"

static bool is_about_pairs(const struct vg_rule *rule)
{
    return rule->type->needs & VG_NEEDS_PAIRS;
}

static bool names(const struct vg_rule *rule, const char *column)
{
    const struct vg_strings *wanted = rule->type->ranked(rule);
    bool found = false;
    for (size_t i = 0; i < wanted->n && !found; i++)
        found = vg_streq(wanted->items[i], column);
    return found;
}

bool vg_plan_has_pairs(const struct vg_dataset *dataset)
{
    bool found = false;
    for (size_t i = 0; i < dataset->nrules && !found; i++)
        found = is_about_pairs(&dataset->rules[i]);
    return found;
}

bool vg_plan_pairs_name(const struct vg_dataset *dataset, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < dataset->nrules && !found; i++)
        found = is_about_pairs(&dataset->rules[i]) && names(&dataset->rules[i], column);
    return found;
}

static bool is_wanted(const struct vg_plan *plan, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < plan->nbound && !found; i++) {
        const struct vg_rule *rule = &plan->bound[i].rule;
        found = !plan->bound[i].problem && is_about_pairs(rule) &&
                (!rule->type->ranked(rule)->n || names(rule, column));
    }
    return found;
}

/* The distribution on whose cells the column is ranked, or NULL: it cannot be, now. */
static const struct vg_distribution *find_cells(const struct vg_plan *plan, const char *name,
                                                const struct vg_rejects *rejects)
{
    const struct vg_catalog_column *now = vg_catalog_find(plan->catalog, name);
    const struct vg_reference_column *then = vg_reference_find(plan->reference, name);
    bool usable = now && !now->unreadable && !now->problem && !now->route &&
                  !vg_plan_reject(rejects, vg_sql_item(now)) && now->kind == VG_KIND_NUMBER;
    bool same = usable && then && then->kind == now->kind && vg_streq(then->type, now->type);
    return same ? then->fine : NULL;
}

int vg_plan_pairs(const struct vg_plan *plan, const struct vg_rejects *rejects,
                  struct vg_arena *arena, struct vg_tally_rank **out, size_t *n)
{
    const struct vg_pairs *pairs = plan->reference ? plan->reference->pairs : NULL;
    *n = 0;
    *out = vg_arena_array(arena, pairs ? pairs->d : 1, sizeof **out);
    if (!*out)
        return -1;
    for (uint32_t i = 0; pairs && !plan->catalog->names && i < pairs->d; i++) {
        const char *name = pairs->names[i];
        const struct vg_distribution *cells = find_cells(plan, name, rejects);
        if (!cells || !is_wanted(plan, name))
            continue;
        int16_t *ranks = vg_arena_array(arena, 2 * (size_t)cells->grid->n + 1, sizeof *ranks);
        if (!ranks)
            return -1;
        vg_ranks_make(cells, ranks);
        (*out)[(*n)++] = (struct vg_tally_rank){.name = name, .grid = cells->grid, .ranks = ranks};
    }
    return 0;
}
