/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column's type against what it was and against what the rule file says. Pure. */
#include "checks/check_schema_diff.h"
#include "checks/check_schema_type.h"

static const char *find_base(const struct vg_catalog_column *column)
{
    return column->base_type ? column->base_type : column->type;
}

void vg_schema_compare_type(const struct vg_schema_view *view,
                            const struct vg_catalog_column *actual,
                            const struct vg_catalog_column *was, enum vg_schema_since since)
{
    if (vg_schema_type_same(actual->type, was->type))
        return;
    struct vg_schema_typed from = {find_base(was), was->kind};
    struct vg_schema_typed to = {find_base(actual), actual->kind};
    enum vg_schema_class class = vg_schema_type_change(&from, &to);
    if (class == VG_SCHEMA_BREAKING &&
        !vg_schema_is_used(view->dataset, actual->name, actual->kind) &&
        !vg_schema_is_used(view->dataset, actual->name, was->kind))
        class = VG_SCHEMA_LOSSY;
    vg_schema_tell_of(view, (struct vg_schema_difference){.kind = VG_SCHEMA_TYPE,
                                                          .class = class,
                                                          .since = since,
                                                          .name = actual->name,
                                                          .what = actual->type,
                                                          .wanted = was->type});
}

/* What the file says is what is read by: only a type that holds all its values will do. */
void vg_schema_compare_declared(const struct vg_schema_view *view,
                                const struct vg_catalog_column *actual, const char *declared)
{
    if (vg_schema_type_same(actual->type, declared))
        return;
    struct vg_schema_typed from = {declared, actual->kind}, to = {find_base(actual), actual->kind};
    bool holds = vg_schema_type_change(&from, &to) == VG_SCHEMA_SAFE;
    vg_schema_tell_of(
        view, (struct vg_schema_difference){.kind = VG_SCHEMA_TYPE,
                                            .class = holds ? VG_SCHEMA_SAFE : VG_SCHEMA_BREAKING,
                                            .since = VG_SCHEMA_OF_FILE,
                                            .name = actual->name,
                                            .what = actual->type,
                                            .wanted = declared});
}
