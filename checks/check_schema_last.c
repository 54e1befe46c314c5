/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only the last look shows: changes of what neither the reference nor the rule file knows.
 * What they know is compared with them, and stays until they are renewed; this is told once. */
#include "checks/check_schema_diff.h"
#include "pgvigil/text.h"

/* Whether the reference says how the column should be. */
static bool is_known(const struct vg_schema_view *view, const char *column)
{
    return view->reference && vg_reference_find(view->reference, column);
}

static void tell(const struct vg_schema_view *view, enum vg_schema_kind kind,
                 enum vg_schema_class class, const char *name, const char *what)
{
    vg_schema_tell_of(view, (struct vg_schema_difference){.kind = kind,
                                                          .class = class,
                                                          .since = VG_SCHEMA_OF_LAST_LOOK,
                                                          .name = name,
                                                          .what = what});
}

static void compare_column(const struct vg_schema_view *view, const struct vg_catalog_column *was,
                           const struct vg_catalog_column *now)
{
    bool known = is_known(view, now->name);
    bool changed = now->not_null != was->not_null || now->unreadable != was->unreadable;
    bool used = changed && vg_schema_is_used(view->dataset, now->name, now->kind);
    if (!known && !vg_schema_declared(view->dataset, now->name))
        vg_schema_compare_type(view, now, was, VG_SCHEMA_OF_LAST_LOOK);
    if (known && view->dataset->reference.kind != VG_REF_TABLE)
        return;
    if (now->not_null && !was->not_null)
        tell(view, VG_SCHEMA_NULLABILITY, VG_SCHEMA_SAFE, now->name, "is now NOT NULL");
    if (!now->not_null && was->not_null)
        tell(view, VG_SCHEMA_NULLABILITY, used ? VG_SCHEMA_LOSSY : VG_SCHEMA_SAFE, now->name,
             "is no longer NOT NULL");
    if (now->unreadable && !was->unreadable)
        tell(view, VG_SCHEMA_GRANTS, used ? VG_SCHEMA_BREAKING : VG_SCHEMA_LOSSY, now->name,
             "can no longer be read");
}

static void compare_gone(const struct vg_schema_view *view, const struct vg_catalog_column *was)
{
    bool named = vg_schema_is_named(view->dataset, was->name, SIZE_MAX);
    bool used = vg_schema_is_used(view->dataset, was->name, was->kind);
    if (!named && !is_known(view, was->name))
        tell(view, VG_SCHEMA_MISSING, used ? VG_SCHEMA_BREAKING : VG_SCHEMA_LOSSY, was->name,
             "is missing");
}

void vg_schema_compare_last(const struct vg_schema_view *view)
{
    const struct vg_catalog *last = view->last;
    for (size_t i = 0; i < last->n; i++) {
        const struct vg_catalog_column *now = vg_catalog_find(view->now, last->columns[i].name);
        if (now && !now->computed)
            compare_column(view, &last->columns[i], now);
        else if (!now)
            compare_gone(view, &last->columns[i]);
    }
    for (size_t i = 0; i < view->now->n; i++) {
        const struct vg_catalog_column *now = &view->now->columns[i];
        const char *name = now->name;
        bool own = !now->computed && !now->route; /* a structure holds the table's own only */
        if (own && !view->reference && !vg_catalog_find(last, name) &&
            !vg_schema_is_named(view->dataset, name, SIZE_MAX))
            tell(view, VG_SCHEMA_UNEXPECTED, VG_SCHEMA_SAFE, name, "is unexpected");
    }
    if (!view->then)
        vg_schema_compare_structure(view, last, VG_SCHEMA_OF_LAST_LOOK);
}

const struct vg_catalog *vg_schema_read(struct vg_schema_view *view, const char *text)
{
    const struct vg_catalog *out = NULL;
    struct vg_error err = {0};
    if (text && vg_catalog_read(text, view->arena, &out, &err) < 0) {
        view->failed |= err.code == VG_E_MEMORY;
        return NULL;
    }
    const char *relation = view->now->relation ? view->now->relation : view->now->quoted;
    return out && vg_streq(out->quoted, relation) ? out : NULL;
}
