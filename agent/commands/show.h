/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Showing results: a table for people, JSON for programs; layer 6. */
#ifndef PGVIGIL_SHOW_H
#define PGVIGIL_SHOW_H

#include <stdio.h>

#include "pgvigil/result.h"

struct vg_show;
/* NULL when out of memory. JSON is printed whole at the end. */
struct vg_show *vg_show_begin(FILE *out, bool json, int64_t at_us);
/* timed: the dataset has a time column, so that its window means a range of rows. 0 or -1. */
int vg_show_cycle(struct vg_show *show, const struct vg_cycle *cycle, bool timed);
/* Prints what is left and frees; -1 when it could not be printed. */
int vg_show_end(struct vg_show *show);

/* Prints text from outside (names of columns, datasets, rules) so that it stays one line and
 * commands no terminal. */
void vg_show_text(FILE *out, const char *text);
/* Cells of a column each as wide as its widest, for small tables; printed as vg_show_text() does.
 * NULL cells are "-". */
void vg_show_table(FILE *out, const char *const *cells, size_t rows, size_t columns);

#endif
