/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns a rule file speaks of: by name, by "*", or to leave them out. Pure. */
#include "checks/check_schema_diff.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

const char *vg_schema_name_at(const struct vg_dataset *dataset, size_t k, bool *end)
{
    const char *name = NULL;
    if (k < dataset->ncolumns)
        name = dataset->columns[k].name;
    else if ((k -= dataset->ncolumns) < dataset->nrules)
        name = dataset->rules[k].column;
    else if ((k -= dataset->nrules) < dataset->key.n)
        name = dataset->key.items[k];
    else if (k == dataset->key.n)
        name = dataset->time_column;
    else
        *end = true;
    return vg_streq(name, "*") ? NULL : name;
}

bool vg_schema_is_named(const struct vg_dataset *dataset, const char *column, size_t most)
{
    bool end = false;
    for (size_t k = 0; k < most && !end; k++) {
        const char *name = vg_schema_name_at(dataset, k, &end);
        if (name && vg_streq(name, column))
            return true;
    }
    return false;
}

bool vg_schema_is_used(const struct vg_dataset *dataset, const char *column, enum vg_kind kind)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        bool wild = rule->type && vg_streq(rule->column, "*");
        if (wild && (!rule->type->kinds || (rule->type->kinds >> kind) & 1))
            return true;
    }
    return vg_schema_is_named(dataset, column, SIZE_MAX);
}

bool vg_schema_is_excluded(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->reference.exclude.n; i++) {
        if (vg_streq(dataset->reference.exclude.items[i], column))
            return true;
    }
    return false;
}

const char *vg_schema_declared(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (vg_streq(dataset->columns[i].name, column))
            return dataset->columns[i].type;
    }
    return NULL;
}
