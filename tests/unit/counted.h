/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries of columns counted from values that a test writes down. */
#ifndef PGVIGIL_TESTS_COUNTED_H
#define PGVIGIL_TESTS_COUNTED_H

#include "pgvigil/summary.h"

/* n numbers: NaN and infinities are states of their own. With every part that fits; cells on `grid`
 * unless NULL. To be emptied with vg_column_clear(). */
void counted_numbers(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                     const struct vg_grid *grid, const double *x, size_t n);
/* n texts, NULL for NULL; without top values if it is private. */
void counted_texts(struct vg_column_summary *column, const char *name, bool is_private,
                   const char *const *texts, size_t n);
/* Adds rows that are NULL. */
void counted_nulls(struct vg_column_summary *column, size_t n);

#endif
