/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules bound to columns. Pure. A "*" rule becomes one rule for each column it fits that has no
 * rule of this check of its own, and for columns the reference knew that are gone: their rules are
 * unknown, not retired. */
#include "agent/plan_bind.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

static bool fits(const struct vg_check_type *type, enum vg_kind kind)
{
    return !type->kinds || (type->kinds >> kind) & 1;
}

static bool is_wild(const struct vg_rule *rule)
{
    return rule->column && !strcmp(rule->column, "*");
}

static bool is_excluded(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->key.n; i++) {
        if (!strcmp(dataset->key.items[i], column))
            return true;
    }
    return vg_streq(dataset->time_column, column);
}

static bool has_own_rule(const struct vg_dataset *dataset, const struct vg_check_type *type,
                         const char *column)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (rule->type == type && rule->column && !strcmp(rule->column, column))
            return true;
    }
    return false;
}

/* As it stands, or double-quoted with quotes inside doubled, as default ids write it. */
static const char *quote_name(const char *column, struct vg_arena *arena)
{
    bool plain = *column != '\0';
    for (const char *p = column; *p; p++)
        plain &= isalnum((unsigned char)*p) || *p == '_';
    if (plain)
        return column;
    char *out = vg_arena_alloc(arena, 2 * strlen(column) + 3);
    char *to = out;
    if (!out)
        return NULL;
    *to++ = '"';
    for (const char *p = column; *p; p++) {
        *to++ = *p;
        if (*p == '"')
            *to++ = '"';
    }
    *to++ = '"';
    return out;
}

static const char *name_rule(const struct vg_rule *rule, const char *column, struct vg_arena *arena)
{
    const char *quoted = quote_name(column, arena);
    if (!quoted)
        return NULL;
    bool drift = rule->type->class == VG_CLASS_DRIFT;
    return vg_arena_printf(arena, "%s.%s%s", quoted, drift ? "drift." : "", rule->type->name);
}

/* Why a rule cannot be evaluated on this catalogue, or NULL. In arena; *failed: out of memory. */
static const char *find_problem(const struct vg_plan *plan, const struct vg_rule *rule,
                                const char *where_problem, struct vg_arena *arena, bool *failed)
{
    const char *text = NULL;
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(plan->catalog, rule->column) : NULL;
    if (rule->where && where_problem)
        text = vg_arena_printf(arena, "its where cannot be evaluated: %s", where_problem);
    else if (!rule->column)
        return NULL;
    else if (!column)
        text = vg_arena_printf(arena, "column %s does not exist in %s", rule->column,
                               plan->dataset->table);
    else if (column->unreadable && rule->type->cadence == VG_ON_WINDOW)
        text = vg_arena_printf(arena, "no permission to read column %s", rule->column);
    else if (!fits(rule->type, column->kind))
        text = vg_arena_printf(arena, "%s does not fit column %s of type %s", rule->type->name,
                               rule->column, column->type);
    else
        return NULL;
    *failed |= !text;
    return text;
}

static int add_bound(struct vg_plan *plan, const struct vg_rule *rule, const char *column,
                     const char *where_problem, struct vg_arena *arena)
{
    struct vg_bound *bound = &plan->bound[plan->nbound++];
    *bound = (struct vg_bound){.rule = *rule};
    if (is_wild(rule)) {
        bound->rule.column = column;
        bound->rule.id = name_rule(rule, column, arena);
    }
    bool failed = !bound->rule.id;
    bound->problem = find_problem(plan, &bound->rule, where_problem, arena, &failed);
    return failed ? -1 : 0;
}

static int bind_wild(struct vg_plan *plan, const struct vg_rule *rule, const char *where_problem,
                     struct vg_arena *arena)
{
    const struct vg_dataset *dataset = plan->dataset;
    for (size_t i = 0; i < plan->catalog->n; i++) {
        const struct vg_catalog_column *column = &plan->catalog->columns[i];
        if (!fits(rule->type, column->kind) || is_excluded(dataset, column->name) ||
            has_own_rule(dataset, rule->type, column->name))
            continue;
        if (add_bound(plan, rule, column->name, where_problem, arena) < 0)
            return -1;
    }
    size_t known = plan->reference ? plan->reference->ncolumns : 0;
    for (size_t i = 0; i < known; i++) {
        const struct vg_reference_column *column = &plan->reference->columns[i];
        bool gone = !vg_catalog_find(plan->catalog, column->name);
        if (!gone || !fits(rule->type, column->kind) || is_excluded(dataset, column->name) ||
            has_own_rule(dataset, rule->type, column->name))
            continue;
        if (add_bound(plan, rule, column->name, where_problem, arena) < 0)
            return -1;
    }
    return 0;
}

int vg_plan_bind(struct vg_plan *plan, const char *where_problem, struct vg_arena *arena)
{
    const struct vg_dataset *dataset = plan->dataset;
    size_t columns = plan->catalog->n + (plan->reference ? plan->reference->ncolumns : 0);
    size_t most = 0;
    for (size_t i = 0; i < dataset->nrules; i++)
        most += is_wild(&dataset->rules[i]) ? columns : 1;
    plan->bound = vg_arena_array(arena, most, sizeof *plan->bound);
    if (!plan->bound)
        return -1;
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        int rc = is_wild(rule) ? bind_wild(plan, rule, where_problem, arena)
                               : add_bound(plan, rule, NULL, where_problem, arena);
        if (rc < 0)
            return -1;
    }
    return 0;
}
