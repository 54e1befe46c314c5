/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns that are counted on the grid of one more reference: the same cell of the same scan, once
 * more. They stand behind all others, so that whoever looks a column up by its name finds the one
 * counted on the first reference's grid. Pure. */
#include <string.h>

#include "agent/plan.h"
#include "agent/reference.h"

struct adding {
    struct vg_plan *plan;
    struct vg_tally_column *columns; /* of the tally, with room for more */
    const char **names;
    size_t *at;
    struct vg_plan_apart *apart;
};

static const struct vg_tally_column *find_column(const struct vg_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->tally.ncolumns - plan->napart; i++) {
        if (!strcmp(plan->tally.columns[i].name, name))
            return &plan->tally.columns[i];
    }
    return NULL;
}

static bool is_counted(const struct vg_plan_apart *apart, const char *name)
{
    for (size_t i = 0; i < apart->n; i++) {
        if (!strcmp(apart->names[i], name))
            return true;
    }
    return false;
}

static void add_column(struct adding *adding, const struct vg_bound *bound)
{
    struct vg_plan *plan = adding->plan;
    const struct vg_tally_column *column = find_column(plan, bound->rule.column);
    const struct vg_reference_column *then =
        vg_reference_find(adding->apart->reference, bound->rule.column);
    bool same = column && then && then->fine && then->kind == column->kind;
    if (!same || is_counted(adding->apart, column->name))
        return;
    adding->names[adding->apart->n] = column->name;
    adding->at[adding->apart->n++] = plan->tally.ncolumns;
    adding->columns[plan->tally.ncolumns++] = (struct vg_tally_column){
        .name = column->name,
        .source = column->source,
        .route = column->route,
        .kind = column->kind,
        .grid = then->fine->grid,
    };
    plan->napart++;
}

int vg_plan_count_apart(struct vg_plan *plan, struct vg_plan_apart *apart, size_t n,
                        struct vg_arena *arena)
{
    struct adding adding = {.plan = plan};
    size_t most = plan->tally.ncolumns + plan->nbound;
    adding.columns = vg_arena_array(arena, most, sizeof *adding.columns);
    if (!adding.columns)
        return -1;
    if (plan->tally.ncolumns)
        memcpy(adding.columns, plan->tally.columns, plan->tally.ncolumns * sizeof *adding.columns);
    for (size_t i = 0; i < n; i++) {
        adding.names = vg_arena_array(arena, plan->nbound, sizeof *adding.names);
        adding.at = vg_arena_array(arena, plan->nbound, sizeof *adding.at);
        if (!adding.names || !adding.at)
            return -1;
        adding.apart = &apart[i];
        apart[i].names = adding.names;
        apart[i].at = adding.at;
        apart[i].n = 0;
        for (size_t b = 0; apart[i].reference && b < plan->nbound; b++) {
            const struct vg_bound *bound = &plan->bound[b];
            if (!bound->problem && bound->rule.column && bound->rule.against == i &&
                vg_reference_apart(&bound->rule) && bound->rule.type->needs & VG_NEEDS_CELLS)
                add_column(&adding, bound);
        }
    }
    plan->tally.columns = adding.columns;
    return 0;
}
