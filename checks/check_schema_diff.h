/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences between what a table has and what it should have; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_DIFF_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_DIFF_H

#include <stdbool.h>

#include "pgvigil/catalog.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

enum vg_schema_kind {
    VG_SCHEMA_MISSING,     /* of the reference or named in the rule file, but not in the table */
    VG_SCHEMA_UNEXPECTED,  /* in the table, but neither there */
    VG_SCHEMA_TYPE,        /* another type than declared, else than in the reference */
    VG_SCHEMA_NULLABILITY, /* NOT NULL was added or dropped since the reference */
    VG_SCHEMA_KINDS
};
struct vg_schema_difference {
    enum vg_schema_kind kind;
    const char *column;
    const char *is, *wanted; /* types, of VG_SCHEMA_TYPE */
    bool declared;           /* wanted by the rule file, not by the reference */
    bool not_null;           /* what it is now, of VG_SCHEMA_NULLABILITY */
};

/* Calls `each` for every difference: first the reference's columns in its order, then those that
 * only the rule file names, then the unexpected ones in the table's order. Without a reference
 * (NULL) only what the rule file names is compared. A reference taken from another table says
 * nothing of this one's constraints: then nullability is left out. */
void vg_schema_compare(const struct vg_dataset *dataset, const struct vg_catalog *catalog,
                       const struct vg_reference *reference,
                       void (*each)(void *arg, const struct vg_schema_difference *difference),
                       void *arg);

#endif
