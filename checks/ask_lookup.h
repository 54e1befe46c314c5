/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements of a referential check: values of ours that another table does not have; layer 3,
 * pure. */
#ifndef PGVIGIL_ASK_LOOKUP_H
#define PGVIGIL_ASK_LOOKUP_H

#include "checks/ask_parts.h"

/* Values that are carried to another connection, at most, and their bytes. */
enum { VG_ASK_VALUES_MAX = 9999, VG_ASK_VALUES_BYTES = 1000000 };

struct vg_ask_lookup {
    const struct vg_ask_columns *own;
    struct vg_strings theirs; /* as many */
    const char *table;        /* schema.table, checked */
    bool hashed; /* values are private: only their SHA-256 goes to the other connection */
};
/* On one connection: an anti-join. Answers as vg_ask_share reads them; groups: values missing. */
void vg_ask_missing(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                    struct vg_buf *out);
/* The keys of the rows with such values, as `offenders` writes them. Errors as those of
 * vg_ask_put_keys(). */
int vg_ask_unknown(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                   struct vg_buf *out, struct vg_error *err);
/* On two. First the distinct values: a row (0, values, rows, bytes), then, unless they are too
 * many, rows (place from 1, rows, NULL, NULL, key, value...). */
void vg_ask_distinct(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                     struct vg_buf *out);
/* Whether they came, and are some. */
bool vg_ask_has_values(const struct vg_rows *distinct);
/* Then, on the other, the places of those that are missing. */
void vg_ask_missing_values(const struct vg_ask_lookup *lookup, const struct vg_rows *distinct,
                           struct vg_buf *out);
/* The share of rows whose value is missing, from both answers. 1: *out is a new measure; 0: there
 * were too many values, and a measure says so; -1: VG_E_MEMORY. */
int vg_ask_carried_share(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_measure **out,
                         struct vg_error *err);
/* Completes the `why` of a share: how many values the other table does not have. */
void vg_ask_say_missing(const struct vg_evidence *evidence, bool elsewhere, const char *table,
                        struct vg_measure *measure);
/* "(VALUES (1, 'a', 'b'), ...) AS x(i, c1, c2)": the rows of a result behind its first, from
 * this column on. */
void vg_ask_put_values(struct vg_buf *out, const struct vg_rows *rows, size_t first);
/* A column as it is compared on another connection: itself, or the hash of its text; and the type
 * that a carried text is cast to there, or "" for text compared with text. */
void vg_ask_put_carried(struct vg_buf *out, const char *quoted, bool hashed);
const char *vg_ask_carried_type(const struct vg_catalog_column *column, bool hashed);

#endif
