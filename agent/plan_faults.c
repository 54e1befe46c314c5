/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules against the catalogue, for validate: values that cannot occur, columns that cannot be
 * ranked. Pure; what is said names columns, types and what the file itself says. */
#include "agent/plan_faults.h"

#include "pgvigil/text.h"

static int fill(struct vg_plan_fault *out, const char *text)
{
    out->text = text;
    return text ? 1 : -1;
}

/* --- Values ----------------------------------------------------------------------------------- */

/* The values of a parameter, or none. */
static struct vg_strings list_values(const struct vg_rule *rule, const struct vg_param *param)
{
    const void *at = (const char *)rule->params + param->offset;
    if (param->type == VG_PARAM_VALUES)
        return *(const struct vg_strings *)at;
    return (struct vg_strings){at, param->type == VG_PARAM_VALUE && *(const char *const *)at};
}

/* What becomes of the rule when none of its values can occur. */
static const char *tell_verdict(const struct vg_rule *rule)
{
    bool always = vg_streq(rule->type->name, "allowed");
    if (rule->type->bounds == VG_BOUNDS_ON_VALUE)
        always = rule->limits.bounds.has_min && rule->limits.bounds.min > 0;
    return always ? ": the rule can never pass" : ": the rule can never fail";
}

int vg_plan_value_fault(const struct vg_rule *rule, const struct vg_catalog_column *column,
                        struct vg_arena *arena, struct vg_plan_fault *out)
{
    const char *first = NULL;
    size_t never = 0, all = 0;
    for (size_t p = 0; rule->params && p < rule->type->nparams; p++) {
        struct vg_strings values = list_values(rule, &rule->type->params[p]);
        all += values.n;
        for (size_t i = 0; i < values.n; i++) {
            if (vg_catalog_can_hold(column, values.items[i]))
                continue;
            first = never++ ? first : values.items[i];
        }
    }
    if (!never)
        return 0;
    out->grave = never == all;
    out->hint = column->kind == VG_KIND_BOOL     ? "the values of a boolean are true and false"
                : column->kind == VG_KIND_NUMBER ? "write a number"
                                                 : "write a label of the type, its case as it is";
    return fill(out, vg_arena_printf(arena,
                                     "%s: %zu of %zu value%s, \"%.60s\" first, cannot be in column"
                                     " %s of type %s%s",
                                     rule->id, never, all, all == 1 ? "" : "s", first, column->name,
                                     column->type, out->grave ? tell_verdict(rule) : ""));
}

/* --- Columns that depend on each other -------------------------------------------------------- */

static bool has(const struct vg_strings *texts, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < texts->n && !found; i++)
        found = vg_streq(texts->items[i], text);
    return found;
}

static int tell_missing(const struct vg_rule *rule, const struct vg_catalog *catalog,
                        const char *name, struct vg_arena *arena, struct vg_plan_fault *out)
{
    const char **names = vg_arena_array(arena, catalog->n, sizeof *names);
    if (!names)
        return -1;
    for (size_t i = 0; i < catalog->n; i++)
        names[i] = catalog->columns[i].name;
    const char *near = vg_nearest(name, names, catalog->n);
    out->hint = near ? vg_arena_printf(arena, "did you mean \"%s\"?", near) : NULL;
    if (near && !out->hint)
        return -1;
    return fill(out, vg_arena_printf(arena, "%s: column %s does not exist in %s", rule->id, name,
                                     rule->dataset->table));
}

static int look_at_named(const struct vg_rule *rule, const struct vg_catalog *catalog,
                         const char *name, struct vg_arena *arena, struct vg_plan_fault *out)
{
    const struct vg_catalog_column *column = vg_catalog_find(catalog, name);
    out->grave = true;
    if (!column)
        return tell_missing(rule, catalog, name, arena, out);
    if (column->unreadable) {
        out->hint = "grant the role SELECT on it, or leave it out of columns";
        return fill(out,
                    vg_arena_printf(arena, "%s: no permission to read column %s", rule->id, name));
    }
    if (column->kind != VG_KIND_NUMBER) {
        out->hint = "leave it out of columns; one computed by expr as a number will do";
        return fill(out, vg_arena_printf(arena,
                                         "%s: column %s is of type %s, and only numbers are ranked",
                                         rule->id, name, column->type));
    }
    if (!has(&rule->dataset->reference.exclude, name))
        return 0;
    out->hint = "take it out of reference.exclude, or leave it out of columns";
    return fill(
        out, vg_arena_printf(arena, "%s: column %s is left out of the reference", rule->id, name));
}

int vg_plan_pairs_fault(const struct vg_rule *rule, const struct vg_catalog *catalog,
                        struct vg_arena *arena, struct vg_plan_fault *out)
{
    const struct vg_dataset *dataset = rule->dataset;
    const struct vg_strings *named =
        rule->type->needs & VG_NEEDS_PAIRS ? rule->type->ranked(rule) : NULL;
    size_t numbers = 0;
    int rc = 0;
    if (!named)
        return 0;
    for (size_t i = 0; rc == 0 && i < named->n; i++)
        rc = look_at_named(rule, catalog, named->items[i], arena, out);
    for (size_t i = 0; i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        numbers += column->kind == VG_KIND_NUMBER && !column->unreadable &&
                   !has(&dataset->key, column->name) &&
                   !has(&dataset->reference.exclude, column->name);
    }
    if (named->n || numbers > 1)
        return rc;
    out->grave = true;
    out->hint = "name two columns of numbers: columns: [...]";
    return fill(out,
                vg_arena_printf(arena,
                                "%s: %s has %s of numbers beside its key and time, and two"
                                " are compared",
                                rule->id, dataset->table, numbers ? "one column" : "no column"));
}
