/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of all checks, made from checks/checks.def; layer 3, pure. */
#include "pgvigil/check.h"

#include "pgvigil/text.h"

#define VG_CHECK(name) extern const struct vg_check_type vg_check_##name;
#include "checks/checks.def"
#undef VG_CHECK

const struct vg_check_type *const vg_checks[] = {
#define VG_CHECK(name) &vg_check_##name,
#include "checks/checks.def"
#undef VG_CHECK
};
const size_t vg_checks_n = sizeof vg_checks / sizeof *vg_checks;

const struct vg_check_type *vg_check_find(const char *name)
{
    for (size_t i = 0; i < vg_checks_n; i++) {
        if (vg_streq(vg_checks[i]->name, name))
            return vg_checks[i];
    }
    return NULL;
}
