/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences between what a table has and what it should have. Pure, no allocation: each column is
 * told once, where it is met first. */
#include "checks/check_schema_diff.h"

#include "checks/check_schema_type.h"
#include "pgvigil/text.h"

struct view {
    const struct vg_dataset *dataset;
    const struct vg_catalog *catalog;
    const struct vg_reference *reference;
    void (*each)(void *arg, const struct vg_schema_difference *difference);
    void *arg;
};

/* The k-th column that the rule file names: columns, rules, key, time. NULL for a name of none, and
 * with *end set behind the last. */
static const char *name_at(const struct vg_dataset *dataset, size_t k, bool *end)
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

/* Whether the rule file names the column, in one of its first `most` places. */
static bool is_named(const struct vg_dataset *dataset, const char *column, size_t most)
{
    bool end = false;
    for (size_t k = 0; k < most && !end; k++) {
        const char *name = name_at(dataset, k, &end);
        if (name && vg_streq(name, column))
            return true;
    }
    return false;
}

static bool is_excluded(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->reference.exclude.n; i++) {
        if (vg_streq(dataset->reference.exclude.items[i], column))
            return true;
    }
    return false;
}

static const char *find_declared(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (vg_streq(dataset->columns[i].name, column))
            return dataset->columns[i].type;
    }
    return NULL;
}

static void tell(const struct view *view, struct vg_schema_difference difference)
{
    view->each(view->arg, &difference);
}

static void compare_type(const struct view *view, const struct vg_catalog_column *actual,
                         const char *declared, const char *reference)
{
    const char *wanted = declared ? declared : reference;
    if (wanted && !vg_schema_type_same(actual->type, wanted))
        tell(view, (struct vg_schema_difference){.kind = VG_SCHEMA_TYPE,
                                                 .column = actual->name,
                                                 .is = actual->type,
                                                 .wanted = wanted,
                                                 .declared = declared != NULL});
}

static void compare_reference(const struct view *view, const struct vg_reference_column *column)
{
    const struct vg_catalog_column *actual = vg_catalog_find(view->catalog, column->name);
    if (!actual) {
        tell(view,
             (struct vg_schema_difference){.kind = VG_SCHEMA_MISSING, .column = column->name});
        return;
    }
    compare_type(view, actual, find_declared(view->dataset, column->name), column->type);
    bool same_table = view->dataset->reference.kind != VG_REF_TABLE;
    if (same_table && actual->not_null != column->not_null)
        tell(view, (struct vg_schema_difference){.kind = VG_SCHEMA_NULLABILITY,
                                                 .column = actual->name,
                                                 .not_null = actual->not_null});
}

/* The k-th name of the rule file, unless the reference has that column. */
static void compare_named(const struct view *view, const char *name, size_t k)
{
    if (view->reference && vg_reference_find(view->reference, name))
        return;
    const struct vg_catalog_column *actual = vg_catalog_find(view->catalog, name);
    if (actual && k < view->dataset->ncolumns)
        compare_type(view, actual, view->dataset->columns[k].type, NULL);
    else if (!actual && !is_named(view->dataset, name, k))
        tell(view, (struct vg_schema_difference){.kind = VG_SCHEMA_MISSING, .column = name});
}

static void find_unexpected(const struct view *view)
{
    for (size_t i = 0; i < view->catalog->n; i++) {
        const char *name = view->catalog->columns[i].name;
        if (!vg_reference_find(view->reference, name) && !is_excluded(view->dataset, name) &&
            !is_named(view->dataset, name, SIZE_MAX))
            tell(view, (struct vg_schema_difference){.kind = VG_SCHEMA_UNEXPECTED, .column = name});
    }
}

void vg_schema_compare(const struct vg_dataset *dataset, const struct vg_catalog *catalog,
                       const struct vg_reference *reference,
                       void (*each)(void *arg, const struct vg_schema_difference *difference),
                       void *arg)
{
    struct view view = {dataset, catalog, reference, each, arg};
    for (size_t i = 0; reference && i < reference->ncolumns; i++)
        compare_reference(&view, &reference->columns[i]);
    bool end = false;
    for (size_t k = 0; !end; k++) {
        const char *name = name_at(dataset, k, &end);
        if (name)
            compare_named(&view, name, k);
    }
    if (reference)
        find_unexpected(&view);
}
