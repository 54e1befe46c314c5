/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences between what a table has and what it should have: its columns against the reference
 * and the rule file. Each column is told once, where it is met first. Pure, no allocation. */
#include "checks/check_schema_diff.h"

#include "pgvigil/text.h"

void vg_schema_tell_of(const struct vg_schema_view *view, struct vg_schema_difference difference)
{
    view->each(view->arg, &difference);
}

static void tell_column(const struct vg_schema_view *view, enum vg_schema_kind kind,
                        enum vg_schema_class class, const char *name, const char *what)
{
    vg_schema_tell_of(view, (struct vg_schema_difference){
                                .kind = kind, .class = class, .name = name, .what = what});
}

static void compare_nullability(const struct vg_schema_view *view,
                                const struct vg_catalog_column *actual, bool not_null)
{
    bool lost = !actual->not_null && not_null;
    bool used = lost && vg_schema_is_used(view->dataset, actual->name, actual->kind);
    if (actual->not_null && !not_null)
        tell_column(view, VG_SCHEMA_NULLABILITY, VG_SCHEMA_SAFE, actual->name, "is now NOT NULL");
    if (lost)
        tell_column(view, VG_SCHEMA_NULLABILITY, used ? VG_SCHEMA_LOSSY : VG_SCHEMA_SAFE,
                    actual->name, "is no longer NOT NULL");
}

static void compare_reference(const struct vg_schema_view *view,
                              const struct vg_reference_column *column)
{
    const struct vg_catalog_column *actual = vg_catalog_find(view->now, column->name);
    const struct vg_catalog_column *then =
        view->then ? vg_catalog_find(view->then, column->name) : NULL;
    const struct vg_catalog_column plain = {.type = column->type, .kind = column->kind};
    const char *declared = vg_schema_declared(view->dataset, column->name);
    bool lost = !actual || actual->unreadable;
    bool used = lost && vg_schema_is_used(view->dataset, column->name, column->kind);
    enum vg_schema_class class = used ? VG_SCHEMA_BREAKING : VG_SCHEMA_LOSSY;
    if (column->computed || (actual && actual->computed)) {
        /* The rule file computes it: only what that declares is compared. */
        if (actual && declared)
            vg_schema_compare_declared(view, actual, declared);
        return;
    }
    if (!actual && view->then && !then) /* the rule file computed it */
        return;
    if (!actual) {
        tell_column(view, VG_SCHEMA_MISSING, class, column->name, "is missing");
        return;
    }
    if (declared)
        vg_schema_compare_declared(view, actual, declared);
    else
        vg_schema_compare_type(view, actual, then ? then : &plain, VG_SCHEMA_OF_REFERENCE);
    if (view->dataset->reference.kind == VG_REF_TABLE)
        return;
    compare_nullability(view, actual, column->not_null);
    if (actual->unreadable)
        tell_column(view, VG_SCHEMA_GRANTS, class, column->name, "can no longer be read");
}

/* The k-th name of the rule file, unless the reference has that column. */
static void compare_named(const struct vg_schema_view *view, const char *name, size_t k)
{
    if (view->reference && vg_reference_find(view->reference, name))
        return;
    const struct vg_dataset *dataset = view->dataset;
    const struct vg_catalog_column *actual = vg_catalog_find(view->now, name);
    if (actual && k < dataset->ncolumns && dataset->columns[k].type)
        vg_schema_compare_declared(view, actual, dataset->columns[k].type);
    else if (!actual && !vg_schema_is_named(dataset, name, k))
        tell_column(view, VG_SCHEMA_MISSING, VG_SCHEMA_BREAKING, name, "is missing");
}

static void find_unexpected(const struct vg_schema_view *view)
{
    for (size_t i = 0; i < view->now->n; i++) {
        const char *name = view->now->columns[i].name;
        bool known = vg_reference_find(view->reference, name) ||
                     (view->then && vg_catalog_find(view->then, name));
        if (!known && !view->now->columns[i].computed &&
            !vg_schema_is_excluded(view->dataset, name) &&
            !vg_schema_is_named(view->dataset, name, SIZE_MAX))
            tell_column(view, VG_SCHEMA_UNEXPECTED, VG_SCHEMA_SAFE, name, "is unexpected");
    }
}

void vg_schema_compare_structure(const struct vg_schema_view *view, const struct vg_catalog *then,
                                 enum vg_schema_since since)
{
    vg_schema_compare_order(view, then, since);
    vg_schema_compare_facts(view, then, since);
    vg_schema_compare_constraints(view, then, since);
}

void vg_schema_compare(struct vg_schema_view *view)
{
    bool end = false;
    for (size_t i = 0; view->reference && i < view->reference->ncolumns; i++)
        compare_reference(view, &view->reference->columns[i]);
    for (size_t k = 0; !end; k++) {
        const char *name = vg_schema_name_at(view->dataset, k, &end);
        if (name)
            compare_named(view, name, k);
    }
    if (view->reference)
        find_unexpected(view);
    if (view->then)
        vg_schema_compare_structure(view, view->then, VG_SCHEMA_OF_REFERENCE);
    if (view->last)
        vg_schema_compare_last(view);
    vg_schema_look_ahead(view);
}
