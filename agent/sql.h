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

/* Why a user's condition could not be put into parentheses and stay there, or NULL: parentheses,
 * quotes and comments must close, and it must be one expression (sql_condition.c). */
const char *vg_sql_condition_fault(const char *condition);

#endif
