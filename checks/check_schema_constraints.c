/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Constraints of a table, then and now. They are the same by what they say, whatever their names;
 * one of the same name that says something else has changed. Pure. */
#include "checks/check_schema_diff.h"
#include "pgvigil/text.h"

static const struct vg_catalog_constraint *find_alike(const struct vg_catalog *catalog,
                                                      const struct vg_catalog_constraint *wanted)
{
    for (size_t i = 0; i < catalog->nconstraints; i++) {
        const struct vg_catalog_constraint *constraint = &catalog->constraints[i];
        if (constraint->kind == wanted->kind && constraint->hash == wanted->hash)
            return constraint;
    }
    return NULL;
}

static const struct vg_catalog_constraint *find_named(const struct vg_catalog *catalog,
                                                      const struct vg_catalog_constraint *wanted)
{
    for (size_t i = 0; i < catalog->nconstraints; i++) {
        const struct vg_catalog_constraint *constraint = &catalog->constraints[i];
        if (constraint->kind == wanted->kind && vg_streq(constraint->name, wanted->name))
            return constraint;
    }
    return NULL;
}

static bool has_column(const struct vg_catalog_constraint *constraint, const char *name)
{
    for (size_t i = 0; i < constraint->ncolumns; i++) {
        if (vg_streq(constraint->columns[i], name))
            return true;
    }
    return false;
}

/* Whether it is what makes the dataset's key a key. */
static bool keeps_key(const struct vg_dataset *dataset,
                      const struct vg_catalog_constraint *constraint)
{
    bool unique = constraint->kind == 'p' || constraint->kind == 'u';
    if (!unique || constraint->ncolumns != dataset->key.n)
        return false;
    for (size_t i = 0; i < dataset->key.n; i++) {
        if (!has_column(constraint, dataset->key.items[i]))
            return false;
    }
    return dataset->key.n > 0;
}

/* What losing it means. One that went with its column is told there. */
static bool find_class(const struct vg_schema_view *view,
                       const struct vg_catalog_constraint *constraint, enum vg_schema_class *out)
{
    bool used = constraint->ncolumns == 0;
    for (size_t i = 0; i < constraint->ncolumns; i++) {
        const struct vg_catalog_column *column = vg_catalog_find(view->now, constraint->columns[i]);
        if (!column)
            return false;
        used |= vg_schema_is_used(view->dataset, column->name, column->kind);
    }
    *out = keeps_key(view->dataset, constraint) ? VG_SCHEMA_BREAKING
           : used                               ? VG_SCHEMA_LOSSY
                                                : VG_SCHEMA_SAFE;
    return true;
}

static void compare_one(const struct vg_schema_view *view, const struct vg_catalog_constraint *was,
                        bool same_server, struct vg_schema_difference difference)
{
    const struct vg_catalog_constraint *now = find_alike(view->now, was);
    bool expression = was->kind == 'c' || was->kind == 'x';
    if (!now && expression && !same_server) /* the server writes it in another way */
        now = find_named(view->now, was);
    difference.name = was->name;
    if ((now && (!was->valid || now->valid)) || !find_class(view, was, &difference.class))
        return;
    difference.what = now ? "is no longer validated" : "is gone";
    if (!now && find_named(view->now, was))
        difference.what = "says something else";
    vg_schema_tell_of(view, difference);
}

void vg_schema_compare_constraints(const struct vg_schema_view *view, const struct vg_catalog *then,
                                   enum vg_schema_since since)
{
    bool same_server = then->server_version / 10000 == view->now->server_version / 10000;
    struct vg_schema_difference difference = {.kind = VG_SCHEMA_CONSTRAINTS, .since = since};
    for (size_t i = 0; i < then->nconstraints; i++)
        compare_one(view, &then->constraints[i], same_server, difference);
    for (size_t i = 0; i < view->now->nconstraints; i++) {
        const struct vg_catalog_constraint *now = &view->now->constraints[i];
        if (find_alike(then, now) || find_named(then, now))
            continue;
        difference.name = now->name;
        difference.what = now->valid ? "is new" : "is new and not validated";
        vg_schema_tell_of(view, difference);
    }
}
