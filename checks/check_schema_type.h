/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PostgreSQL's types compared; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_TYPE_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_TYPE_H

#include <stdbool.h>

#include "checks/check_schema_diff.h"
#include "pgvigil/catalog.h"

/* Whether two spellings name the same type with the same modifiers: int8 is bigint, float8 is
 * double precision, varchar(20) is character varying(20), timestamptz(3) is timestamp(3) with time
 * zone, decimal(10) is numeric(10,0). Case and blanks do not matter outside double quotes. */
bool vg_schema_type_same(const char *a, const char *b);

/* What becomes of values when a column of one type becomes another's: safe where the new type holds
 * every old value as it was (integer to bigint, varchar(10) to varchar(20), real to double
 * precision); lossy where it is of the same sort (numbers, text, times, or one name with other
 * modifiers); else breaking. */
struct vg_schema_typed {
    const char *type;
    enum vg_kind kind;
};
enum vg_schema_class vg_schema_type_change(const struct vg_schema_typed *was,
                                           const struct vg_schema_typed *is);

#endif
