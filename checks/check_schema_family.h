/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Families of types; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_FAMILY_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_FAMILY_H

#include "checks/check_schema_spelling.h"

enum vg_schema_move {
    VG_SCHEMA_APART, /* the two have nothing in common that is known here */
    VG_SCHEMA_CUTS,  /* another family of the same sort, or too little room for every old value */
    VG_SCHEMA_FITS   /* the same type, or one of its family with room for every old value */
};
/* From one type to another by name and modifiers; tails, that is arrays and time zones, are the
 * caller's to compare. */
enum vg_schema_move vg_schema_move(const struct vg_spelling *was, const struct vg_spelling *is);

#endif
