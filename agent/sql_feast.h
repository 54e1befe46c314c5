/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feast's online store in SQL: which types its values can have here, and expressions that the
 * server evaluates where a statement needs a value or a join key itself; layer 3, pure. */
#ifndef PGVIGIL_SQL_FEAST_H
#define PGVIGIL_SQL_FEAST_H

#include <stdbool.h>

#include "pgvigil/catalog.h"
#include "pgvigil/rule.h"
#include "pgvigil/text.h"

enum { VG_FEAST_KEYS = 16 }; /* most join keys of an entity */

struct vg_feast_type {
    uint32_t oid; /* of an array for a list; 0: any value, of which only nulls are counted */
    enum vg_kind kind;
};
/* The type of this name; an array is a number, that of its elements. false: no value of Feast has
 * it. */
bool vg_feast_type(const char *name, struct vg_feast_type *out);

/* The value of the type in the bytea `value` (an expression in SQL), as vg_feast_convert() has it;
 * NULL where it has none, and of a text of more than 64 MiB; in a database whose encoding is not
 * UTF-8, of one that is not ASCII. Of a list, and of any type, the bytes themselves. */
void vg_feast_put_value(struct vg_buf *out, const char *value, uint32_t oid);
/* Join key number `at` of the keys in the bytea `entity_key` (a name), as a value of the type:
 * text, bigint or integer. NULL where the bytes are those of other keys, of another version of the
 * format than 3, or of a value of another type, and where they go on behind the last key. */
void vg_feast_put_key(struct vg_buf *out, const char *entity_key, const struct vg_strings *keys,
                      size_t at, uint32_t oid);

#endif
