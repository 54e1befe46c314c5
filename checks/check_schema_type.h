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

/* What becomes of values when a column of one type becomes another's: safe where the new type is of
 * the same family and holds every old value (integer to bigint, varchar(10) to varchar(20), real to
 * double precision); lossy where values are cut, or are of another family of the same kind: whole
 * numbers, numeric and floating point; text, padded text and enums; dates and timestamps with and
 * without time zone; json and jsonb; else breaking. */
struct vg_schema_typed {
    const char *type;
    enum vg_kind kind;
};
enum vg_schema_class vg_schema_type_change(const struct vg_schema_typed *was,
                                           const struct vg_schema_typed *is);

#endif
