/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change of type as people see it: safe, lossy or breaking. The table of families says what
 * becomes of values; of types that it does not know the kind decides, since values of one kind are
 * compared and values of two are not. Pure. */
#include "checks/check_schema_type.h"

#include <string.h>

#include "checks/check_schema_family.h"

/* Of an array, behind the time zone. */
static const char *find_brackets(const struct vg_spelling *spelling)
{
    const char *brackets = strchr(spelling->tail, '[');
    return brackets ? brackets : "";
}

enum vg_schema_class vg_schema_type_change(const struct vg_schema_typed *was,
                                           const struct vg_schema_typed *is)
{
    struct vg_spelling from, to;
    bool alike = was->kind == is->kind && is->kind != VG_KIND_OTHER;
    if (vg_schema_spell(was->type, &from) < 0 || vg_schema_spell(is->type, &to) < 0)
        return alike ? VG_SCHEMA_LOSSY : VG_SCHEMA_BREAKING;
    enum vg_schema_move move = vg_schema_move(&from, &to);
    if (move == VG_SCHEMA_FITS && !strcmp(from.tail, to.tail))
        return VG_SCHEMA_SAFE;
    if (move != VG_SCHEMA_APART && !strcmp(find_brackets(&from), find_brackets(&to)))
        return VG_SCHEMA_LOSSY;
    return alike ? VG_SCHEMA_LOSSY : VG_SCHEMA_BREAKING;
}
