/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may be kept of a private column: counts, moments, and cells of at least ten rows; layer 1,
 * pure. No minimum, no maximum, no category, no threshold that stands for fewer rows. */
#ifndef PGVIGIL_AGENT_SUMMARY_PRIVATE_H
#define PGVIGIL_AGENT_SUMMARY_PRIVATE_H

#include "pgvigil/summary.h"

enum { VG_PRIVATE_ROWS = 10 };

/* Takes out of a summary what shows a single row: categories go, minimum and maximum become the
 * mean (0 where it is none), coarse cells stay only if each holds no row or VG_PRIVATE_ROWS. */
void vg_private_column(struct vg_column_summary *column);

/* How many rows of each state there are, and nothing else; the name is borrowed. */
struct vg_column_summary vg_private_counts(const struct vg_column_summary *column);

/* A distribution on a grid of its own whose cells all hold VG_PRIVATE_ROWS rows or none, made by
 * joining the cells of `grid`. *out is owned by the caller; NULL when there are too few rows.
 * 0, or -1 VG_E_MEMORY. */
int vg_private_distribution(const struct vg_grid *grid, const uint64_t *cells,
                            struct vg_distribution **out, struct vg_error *err);

#endif
