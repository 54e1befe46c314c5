/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns a variant counts. All rows count every column that is read; rows of a `where` count
 * the columns of the rules that have it, so that a narrow rule on a wide table stays cheap, and its
 * segments small. Pure. */
#include "agent/plan.h"
#include "pgvigil/text.h"

static size_t find_column(const struct vg_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->tally.ncolumns; i++) {
        if (vg_streq(plan->tally.columns[i].name, name))
            return i;
    }
    return VG_TALLY_NONE;
}

static void add_column(struct vg_tally_variant *variant, size_t *columns, size_t column)
{
    for (size_t i = 0; i < variant->ncolumns; i++) {
        if (columns[i] == column)
            return;
    }
    columns[variant->ncolumns++] = column;
}

/* Of a rule on no column that needs columns, the variant counts all. */
static bool add_rules(const struct vg_plan *plan, size_t v, struct vg_tally_variant *variant,
                      size_t *columns)
{
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_bound *bound = &plan->bound[i];
        if (bound->variant != v || bound->problem)
            continue;
        if (!bound->rule.column && bound->rule.type->needs & VG_NEEDS_COLUMN)
            return false;
        size_t column = bound->rule.column ? find_column(plan, bound->rule.column) : VG_TALLY_NONE;
        if (column != VG_TALLY_NONE)
            add_column(variant, columns, column);
    }
    return true;
}

int vg_plan_variants(const struct vg_plan *plan, struct vg_tally_variant *variants,
                     struct vg_arena *arena)
{
    for (size_t v = 1; v < plan->tally.nvariants; v++) {
        size_t *columns = vg_arena_array(arena, plan->tally.ncolumns + 1, sizeof *columns);
        struct vg_tally_variant picked = variants[v];
        if (!columns)
            return -1;
        if (!add_rules(plan, v, &picked, columns))
            continue;
        picked.none = !picked.ncolumns;
        picked.columns = picked.none ? NULL : columns;
        variants[v] = picked;
    }
    return 0;
}
