/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules bound to columns. Pure. A "*" rule becomes one rule for each column it fits that has no
 * rule of this check of its own, and for columns that are gone or of another type, but that the
 * reference or an alert knows: their rules are unknown, not retired. */
#include "agent/plan_bind.h"

#include "agent/plan_segments.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { CONDITION_MAX = 256 << 10 };

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
    const struct vg_long_source *wide = &dataset->long_source;
    return vg_streq(dataset->time_column, column) || vg_streq(wide->name, column) ||
           vg_streq(wide->value, column);
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

/* `drift: false` of the column, or a reference that leaves it out. */
static bool is_undrifted(const struct vg_dataset *dataset, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < dataset->ncolumns && !found; i++)
        found = dataset->columns[i].undrifted && vg_streq(dataset->columns[i].name, column);
    for (size_t i = 0; i < dataset->reference.exclude.n && !found; i++)
        found = vg_streq(dataset->reference.exclude.items[i], column);
    return found;
}

bool vg_plan_takes(const struct vg_dataset *dataset, const struct vg_check_type *type,
                   const char *column)
{
    bool budget = type->policy == VG_POLICY_BUDGET;
    return !is_excluded(dataset, column) && !has_own_rule(dataset, type, column) &&
           !(budget && is_undrifted(dataset, column));
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
    if (rule->type->policy == VG_POLICY_BUDGET)
        return vg_arena_printf(arena, "%s.drift", quoted);
    return vg_arena_printf(arena, "%s.%s%s", quoted, drift ? "drift." : "", rule->type->name);
}

const char *vg_plan_reject(const struct vg_rejects *rejects, const char *expression)
{
    for (size_t i = 0; rejects && expression && i < rejects->n; i++) {
        if (!strcmp(rejects->items[i].expression, expression))
            return rejects->items[i].why;
    }
    return NULL;
}

static const char *write_missing(const struct vg_plan *plan, const char *name,
                                 struct vg_arena *arena)
{
    const struct vg_catalog *catalog = plan->catalog;
    const char **names = vg_arena_array(arena, catalog->n + 1, sizeof *names);
    for (size_t i = 0; names && i < catalog->n; i++)
        names[i] = catalog->columns[i].name;
    const char *near = names ? vg_nearest(name, names, catalog->n) : NULL;
    if (near && tolower((unsigned char)*near) != tolower((unsigned char)*name))
        near = NULL; /* a slip hardly ever changes the first letter */
    return vg_arena_printf(arena, "column %s does not exist in %s%s%s%s", name,
                           plan->dataset->table, near ? " (did you mean " : "", near ? near : "",
                           near ? "?)" : "");
}

/* Why a rule cannot be evaluated on this catalogue, or NULL. In arena; *failed: out of memory. */
static const char *find_problem(const struct vg_plan *plan, const struct vg_rule *rule,
                                const struct vg_rejects *rejects, struct vg_arena *arena,
                                bool *failed)
{
    const char *text = NULL;
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(plan->catalog, rule->column) : NULL;
    const char *rejected = vg_plan_reject(rejects, rule->where);
    if (rejected)
        text = vg_arena_printf(arena, "its where cannot be evaluated: %s", rejected);
    else if (!rule->column)
        return NULL;
    else if (!column)
        text = write_missing(plan, rule->column, arena);
    else if (column->unreadable && rule->type->cadence == VG_ON_WINDOW)
        text = vg_arena_printf(arena, "no permission to read column %s", rule->column);
    else if (column->problem || vg_plan_reject(rejects, vg_sql_item(column)))
        text = vg_arena_printf(arena, "column %s cannot be computed: %s", rule->column,
                               column->problem ? column->problem
                                               : vg_plan_reject(rejects, vg_sql_item(column)));
    else if (!fits(rule->type, column->kind))
        text = vg_arena_printf(arena, "%s does not fit column %s of type %s", rule->type->name,
                               rule->column, column->type);
    else
        return NULL;
    *failed |= !text;
    return text;
}

/* The check's own expression, or the reason why there is none; neither where it needs none. */
static int write_condition(const struct vg_plan *plan, struct vg_bound *bound,
                           const struct vg_rejects *rejects, struct vg_arena *arena)
{
    const struct vg_rule *rule = &bound->rule;
    struct vg_asked asked = {
        .rule = rule,
        .catalog = plan->catalog,
        .column = rule->column ? vg_catalog_find(plan->catalog, rule->column) : NULL,
    };
    struct vg_buf buf;
    struct vg_error err = {0};
    vg_buf_init(&buf, CONDITION_MAX);
    int rc = rule->type->condition(&asked, &buf, &err);
    if (rc < 0 && err.code != VG_E_MEMORY)
        bound->problem = vg_arena_strdup(arena, err.msg);
    else if (rc == 0 && !buf.failed && buf.len)
        bound->condition = vg_arena_strdup(arena, buf.data);
    bool none = rc == 0 && !buf.failed && !buf.len;
    vg_buf_free(&buf);
    const char *rejected = vg_plan_reject(rejects, bound->condition);
    if (rejected) {
        bound->problem = vg_arena_printf(arena, "its condition cannot be evaluated: %s", rejected);
        bound->condition = NULL;
    }
    return none || bound->problem || bound->condition ? 0 : -1;
}

static int add_bound(struct vg_plan *plan, const struct vg_rule *rule, const char *column,
                     const struct vg_rejects *rejects, struct vg_arena *arena)
{
    struct vg_bound *bound = &plan->bound[plan->nbound++];
    *bound = (struct vg_bound){.rule = *rule};
    if (is_wild(rule)) {
        bound->rule.column = column;
        bound->rule.id = name_rule(rule, column, arena);
    }
    bool failed = !bound->rule.id;
    bound->problem = find_problem(plan, &bound->rule, rejects, arena, &failed);
    if (!bound->problem && !failed && rule->type->needs & VG_NEEDS_CONDITION)
        failed = write_condition(plan, bound, rejects, arena) < 0;
    return failed ? -1 : 0;
}

static int bind_wild(struct vg_plan *plan, const struct vg_rule *rule,
                     const struct vg_rejects *rejects, struct vg_arena *arena)
{
    const struct vg_dataset *dataset = plan->dataset;
    for (size_t i = 0; i < plan->catalog->n; i++) {
        const struct vg_catalog_column *column = &plan->catalog->columns[i];
        /* Beside features a decoded source has the columns of the store itself. */
        bool store = dataset->long_source.codec && !column->route;
        if (store || !fits(rule->type, column->kind) ||
            !vg_plan_takes(dataset, rule->type, column->name))
            continue;
        if (add_bound(plan, rule, column->name, rejects, arena) < 0)
            return -1;
    }
    size_t known = plan->reference ? plan->reference->ncolumns : 0;
    for (size_t i = 0; i < known; i++) {
        const struct vg_reference_column *column = &plan->reference->columns[i];
        bool gone = !vg_catalog_find(plan->catalog, column->name) && !column->computed;
        if (!gone || !fits(rule->type, column->kind) ||
            !vg_plan_takes(dataset, rule->type, column->name))
            continue;
        if (add_bound(plan, rule, column->name, rejects, arena) < 0)
            return -1;
    }
    return 0;
}

int vg_plan_bind(struct vg_plan *plan, const struct vg_rejects *rejects, struct vg_arena *arena)
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
        int rc = is_wild(rule) ? bind_wild(plan, rule, rejects, arena)
                               : add_bound(plan, rule, NULL, rejects, arena);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* --- Columns that a "*" no longer finds ------------------------------------------------------- */

/* Whether "*" means the alert's column; not one that the rules name themselves. */
static bool is_meant(const struct vg_rule *rule, const struct vg_dataset *dataset,
                     const struct vg_alert *alert)
{
    return is_wild(rule) && alert->column && vg_streq(rule->type->name, alert->check) &&
           vg_plan_takes(dataset, rule->type, alert->column);
}

/* A reference captured since does not know such a column either: nobody misses it any more. */
static bool is_given_up(const struct vg_plan *plan, const struct vg_check_type *type,
                        const struct vg_alert *alert)
{
    const struct vg_reference *reference = plan->reference;
    if (!plan->catalog || !reference || reference->captured_us <= alert->blind_since_us)
        return false;
    const struct vg_catalog_column *now = vg_catalog_find(plan->catalog, alert->column);
    const struct vg_reference_column *then = vg_reference_find(reference, alert->column);
    return !(now && fits(type, now->kind)) && !(then && fits(type, then->kind));
}

bool vg_plan_names(const struct vg_dataset *dataset, const struct vg_plan *plan,
                   const struct vg_alert *alert)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (vg_streq(rule->id, alert->rule) && !is_wild(rule))
            return vg_plan_names_segment(dataset, plan, rule, alert->segment);
        if (is_meant(rule, dataset, alert))
            return (!plan || !is_given_up(plan, rule->type, alert)) &&
                   vg_plan_names_segment(dataset, plan, rule, alert->segment);
    }
    return false;
}

static bool is_bound(const struct vg_plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->nbound; i++) {
        if (vg_streq(plan->bound[i].rule.id, id))
            return true;
    }
    return false;
}

static int bind_lost(struct vg_plan *plan, const struct vg_alert *alert, struct vg_arena *arena)
{
    const struct vg_dataset *dataset = plan->dataset;
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (!is_meant(rule, dataset, alert))
            continue;
        const char *id = name_rule(rule, alert->column, arena);
        if (!id)
            return -1;
        if (strcmp(id, alert->rule) != 0 || is_bound(plan, id))
            continue;
        return add_bound(plan, rule, alert->column, NULL, arena);
    }
    return 0;
}

int vg_plan_bind_lost(struct vg_plan *plan, const struct vg_alert *alerts, size_t n,
                      struct vg_arena *arena)
{
    struct vg_bound *bound = vg_arena_array(arena, plan->nbound + n, sizeof *bound);
    if (!bound)
        return -1;
    if (plan->nbound)
        memcpy(bound, plan->bound, plan->nbound * sizeof *bound);
    plan->bound = bound;
    for (size_t i = 0; i < n; i++) {
        if (!vg_plan_names(plan->dataset, plan, &alerts[i]))
            continue;
        if (bind_lost(plan, &alerts[i], arena) < 0)
            return -1;
    }
    return 0;
}
