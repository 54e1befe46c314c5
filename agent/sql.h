/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of every statement pgvigil sends about a dataset; layer 3, pure.
 *
 * Identifiers come quoted from the catalogue, times are literals made here; `filter` and `where`
 * are the user's own conditions, each in parentheses on lines of its own. The window's bounds are
 * converted for the bare time column, so that an index on it serves.
 */
#ifndef PGVIGIL_SQL_H
#define PGVIGIL_SQL_H

#include "pgvigil/catalog.h"
#include "pgvigil/ports.h"
#include "pgvigil/result.h"

/* What rows are meant: all of the relation, or those of a time range, filtered. */
struct vg_rows_of {
    const struct vg_dataset *dataset;
    const struct vg_catalog *catalog;
    const struct vg_catalog_column *time; /* NULL: no time column */
    const struct vg_window *range;        /* NULL: no bounds */
    const char *filter;                   /* beyond the dataset's own, or NULL */
    double sample_percent;                /* 0 or 100: all */
};

/* SELECT items FROM ... [ORDER BY time], and the COPY of it in binary. NULL: out of memory. */
const char *vg_sql_select(const struct vg_rows_of *rows, const char *const *items, size_t nitems,
                          bool ordered, struct vg_arena *arena);
const char *vg_sql_copy(const struct vg_rows_of *rows, const char *const *items, size_t nitems,
                        bool ordered, struct vg_arena *arena);
/* One bigint: rows. */
const char *vg_sql_count(const struct vg_rows_of *rows, struct vg_arena *arena);
/* A row if there is any. */
const char *vg_sql_exists(const struct vg_rows_of *rows, struct vg_arena *arena);
/* One bigint: newest finite time at or before now as microseconds; of a naive column its wall clock
 * (vg_sql_instant turns it into an instant). No row: the table has none. */
const char *vg_sql_newest(const struct vg_rows_of *rows, int64_t now_us, struct vg_arena *arena);
int64_t vg_sql_instant(const struct vg_rows_of *rows, int64_t value_us);
/* Whether the column's values are wall clock without offset (timestamp, date). */
bool vg_sql_naive(const struct vg_catalog_column *time);
/* Microseconds of a decoded cell of the time column as an instant. */
int64_t vg_sql_cell_instant(const struct vg_dataset *dataset, const struct vg_catalog_column *time,
                            double value_us);

/* What the scan reads of a column, and how it comes. */
const char *vg_sql_item(const struct vg_catalog_column *column);
struct vg_query_column vg_sql_query_column(const struct vg_catalog_column *column);

/* For the checks that write SQL. "\nFROM ... [WHERE ...]" of these rows, `where` (or NULL) being
 * one more condition; never sampled. */
void vg_sql_put_rows(struct vg_buf *out, const struct vg_rows_of *rows, const char *where);
/* An identifier, and schema.table as people write it, quoted (sql_name.c). */
void vg_sql_put_name(struct vg_buf *out, const char *name);
void vg_sql_put_table(struct vg_buf *out, const char *table);
/* Why that is no schema.table, or NULL. */
const char *vg_sql_table_fault(const char *table);
/* A literal of a user's text; in quotes that nothing in it can end. */
void vg_sql_put_text(struct vg_buf *out, const char *text);
/* A number; an instant in microseconds since 1970 as a literal of the time column's type. */
void vg_sql_put_number(struct vg_buf *out, double value);
void vg_sql_put_instant(struct vg_buf *out, const struct vg_rows_of *rows, int64_t us);
/* The same for a column of whatever type of time, as a literal without a type: the wall clock of
 * the dataset's zone with its offset. timestamptz heeds the offset, timestamp and date do not. */
void vg_sql_put_moment(struct vg_buf *out, const struct vg_zone *zone, int64_t us);

/* Why a user's condition could not be put into parentheses and stay there, or NULL: parentheses,
 * quotes and comments must close, and it must be one expression (sql_condition.c). */
const char *vg_sql_condition_fault(const char *condition);
/* Behind the character, quoted text or comment that stands at p of a text of SQL; NULL when it
 * never ends. */
const char *vg_sql_skip(const char *start, const char *p);

/* An expression whose last operation is a cast to a simple type: "(payload->>'amount')::float8" or
 * CAST(... AS float8). */
struct vg_sql_cast {
    const char *inner; /* what is cast, in the expression; len bytes */
    size_t len;
    uint32_t oid; /* the type's fixed identity */
};
/* false where there is none, or none to be sure of (sql_cast.c). */
bool vg_sql_cast_of(const char *expression, struct vg_sql_cast *out);
/* The fixed identity of the types that texts can be converted to here: bool, integers, floats,
 * numeric without modifiers, date, timestamp and timestamptz, in all their spellings. 0:
 * another. */
uint32_t vg_sql_type_oid(const char *type, size_t len);
/* Why a text is not one SELECT that could be read from as (text) AS name, or NULL. */
const char *vg_sql_query_fault(const char *query);

#endif
