/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns share the budget of a dataset: those of its reference that a rule of policy
 * `budget` names, or "*" means. Pure. A column that is not there yet comes in with the next
 * reference. */
#include "agent/plan_budget.h"

#include <string.h>

#include "agent/plan_bind.h"
#include "pgvigil/text.h"

enum { INPUTS_MAX = 4 << 20 };

/* Of the calibration itself: another one asks for all to be made anew. */
static const char inputs_version[] = "3";

bool vg_plan_has_budget(const struct vg_dataset *dataset)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        if (dataset->rules[i].policy == VG_POLICY_BUDGET)
            return true;
    }
    return false;
}

static bool is_watched(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (rule->policy != VG_POLICY_BUDGET)
            continue;
        if (vg_streq(rule->column, column) ||
            (vg_streq(rule->column, "*") && vg_plan_takes(dataset, rule->type, column)))
            return true;
    }
    return false;
}

int vg_plan_budget(const struct vg_dataset *dataset, const struct vg_reference *reference,
                   struct vg_arena *arena, struct vg_budget_input **out, size_t *n)
{
    struct vg_budget_input *items = vg_arena_array(arena, reference->ncolumns + 1, sizeof *items);
    *n = 0;
    *out = items;
    if (!items)
        return -1;
    for (size_t i = 0; i < reference->ncolumns; i++) {
        const struct vg_reference_column *column = &reference->columns[i];
        if (is_watched(dataset, column->name))
            items[(*n)++] = (struct vg_budget_input){
                .name = column->name,
                .kind = column->kind,
                .is_private = vg_dataset_is_private(dataset, column->name),
            };
    }
    return 0;
}

void vg_plan_budget_least(const struct vg_dataset *dataset, double out[VG_BUDGET_KINDS])
{
    out[VG_BUDGET_KS] = dataset->min_distance;
    out[VG_BUDGET_SPREAD] = dataset->min_spread;
    out[VG_BUDGET_LEVELS] = out[VG_BUDGET_NULLS] = dataset->min_share;
}

const char *vg_plan_budget_inputs(const struct vg_dataset *dataset,
                                  const struct vg_budget_input *columns, size_t n,
                                  struct vg_arena *arena)
{
    struct vg_buf buf;
    char budget[VG_NUMBER_TEXT];
    vg_buf_init(&buf, INPUTS_MAX);
    vg_buf_printf(&buf, "%s budget %s", inputs_version,
                  vg_format_double(dataset->budget_per_day, budget));
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&buf, "\n%s%s", columns[i].name, columns[i].is_private ? " private" : "");
    const char *text = buf.failed ? NULL : vg_arena_strdup(arena, buf.data);
    vg_buf_free(&buf);
    return text;
}
