/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spellings of PostgreSQL's types; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_TYPE_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_TYPE_H

#include <stdbool.h>

/* Whether two spellings name the same type with the same modifiers: int8 is bigint, float8 is
 * double precision, varchar(20) is character varying(20), timestamptz(3) is timestamp(3) with time
 * zone, decimal(10) is numeric(10,0). Case and blanks do not matter outside double quotes. */
bool vg_schema_type_same(const char *a, const char *b);

#endif
