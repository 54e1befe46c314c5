/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the statements of checks are made of, and how their answers are read; layer 3, pure.
 *
 * Columns come from the catalogue with its quoting; names of other tables are parsed and quoted
 * here; nothing of a user's is put into a statement in any other way, but his own SQL, in
 * parentheses. */
#ifndef PGVIGIL_ASK_PARTS_H
#define PGVIGIL_ASK_PARTS_H

#include "agent/sql.h"
#include "pgvigil/check.h"

enum { VG_ASK_COLUMNS = 1600 };

struct vg_ask_columns {
    const struct vg_catalog_column *items[VG_ASK_COLUMNS];
    size_t n;
};

/* The named columns. VG_E_NOT_FOUND, VG_E_CONFIG. */
int vg_ask_find(const struct vg_asked *asked, const struct vg_strings *names,
                struct vg_ask_columns *out, struct vg_error *err);
/* What the rule stands for: its column, else the named ones, else the dataset's key. */
int vg_ask_own(const struct vg_asked *asked, const struct vg_strings *names,
               struct vg_ask_columns *out, struct vg_error *err);
/* The columns of the dataset's key; none where one of them cannot be read. */
void vg_ask_key(const struct vg_asked *asked, struct vg_ask_columns *out);
bool vg_ask_private(const struct vg_asked *asked, const struct vg_ask_columns *columns);
/* How many keys of offending rows the answer may hold. */
size_t vg_ask_most_keys(const struct vg_asked *asked);

/* The rows that the rule is about: the window's, the dataset's filter, the rule's where. */
struct vg_rows_of vg_ask_rows(const struct vg_asked *asked);
/* The same as "\nFROM ... WHERE ...", those that have these columns (or NULL); with `present`
 * without the rows in which one of them is NULL. */
void vg_ask_put_rows(struct vg_buf *out, const struct vg_rows_of *rows,
                     const struct vg_ask_columns *columns, bool present);
/* "SELECT key AS k1, ..." of the dataset's key, for `offenders`. VG_E_NOT_FOUND, VG_E_CONFIG. */
int vg_ask_put_keys(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err);
/* A column as a value that can be grouped and compared: types without an equality as text. */
void vg_ask_put_value(struct vg_buf *out, const struct vg_catalog_column *column);
/* One text of the columns of a row, at most as long as a key may be. */
void vg_ask_put_key(struct vg_buf *out, const struct vg_ask_columns *columns);
/* The smallest of `key` in a group, in the order of bytes; NULL::text without columns. */
void vg_ask_put_least_key(struct vg_buf *out, const struct vg_ask_columns *key);
/* An identifier, and schema.table as people write it, quoted. */
void vg_ask_put_name(struct vg_buf *out, const char *name);
void vg_ask_put_table(struct vg_buf *out, const char *table);
/* Why that is no schema.table, or NULL. */
const char *vg_ask_table_fault(const char *table);
/* The interval of a duration. */
void vg_ask_put_interval(struct vg_buf *out, int64_t us);

/* A cell of an answer: NULL and what is not there are NULL; no number is NAN. */
const char *vg_ask_cell(const struct vg_rows *rows, size_t row, size_t column);
double vg_ask_number(const struct vg_rows *rows, size_t row, size_t column);
/* Answers of the form (place, rows tested, rows offending, groups, key): one row of place 0, then
 * the keys. 1: *out is a new measure with the share and "3 of 20 rows"; 0: it could not be answered
 * and a measure says so; -1: VG_E_MEMORY. */
int vg_ask_share(const struct vg_rule *rule, const struct vg_evidence *evidence,
                 struct vg_measures *measures, struct vg_measure **out, struct vg_error *err);
/* Takes the keys of all rows of a place above 0 into the measure. 0, or -1 VG_E_MEMORY. */
int vg_ask_take_keys(const struct vg_rows *rows, size_t column, struct vg_arena *arena,
                     struct vg_measure *measure, struct vg_error *err);

#endif
