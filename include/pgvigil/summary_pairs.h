/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cross products of the ranks of columns, two by two: mergeable, bounded, serialisable; layer 1.
 *
 * A value's rank is its place in the reference, cut to 8191 steps, so that units and outliers do
 * not matter and all sums are integers: identical in any split and order of the rows. Rows with a
 * NULL in one of two columns are left out of that pair alone.
 */
#ifndef PGVIGIL_SUMMARY_PAIRS_H
#define PGVIGIL_SUMMARY_PAIRS_H

#include "pgvigil/summary.h"

enum {
    VG_PAIRS_COLUMNS = 100, /* most columns */
    VG_RANK_MOST = 4095,
    VG_RANK_NONE = INT16_MIN /* no value */
};

/* The rank of each cell of a distribution's grid, 2n + 1 of them: F - 1/2 at the middle of the
 * cell's mass (mid-ranks), times 2 VG_RANK_MOST, rounded; -VG_RANK_MOST .. VG_RANK_MOST. */
void vg_ranks_make(const struct vg_distribution *dist, int16_t *ranks);

/* Over the rows in which both columns have values; of a column with itself a = b, aa = bb = ab. */
struct vg_rank_pair {
    uint64_t n;
    int64_t a, b, aa, bb, ab; /* sums of both, of their squares, of their product */
};
struct vg_pairs {
    uint64_t id; /* of the columns and their grids: equal ids may be added */
    uint32_t d;
    char **names;               /* of the columns */
    struct vg_rank_pair *pairs; /* (0,0), (0,1) .. (0,d-1), (1,1) ..: d (d + 1) / 2 */
};

/* Of n columns and the grids that their values are ranked on. */
uint64_t vg_pairs_id(const char *const *names, const uint64_t *grids, size_t n);
/* Names are copied. d 1 .. VG_PAIRS_COLUMNS, or it is a BUG(). NULL when out of memory. */
struct vg_pairs *vg_pairs_new(uint64_t id, const char *const *names, uint32_t d);
void vg_pairs_free(struct vg_pairs *pairs); /* NULL is fine */
/* The column of this name, or -1. */
int vg_pairs_find(const struct vg_pairs *pairs, const char *name);
/* The pairs of these d columns alone, in this order; each once. NULL when out of memory. */
struct vg_pairs *vg_pairs_pick(const struct vg_pairs *pairs, const uint32_t *which, uint32_t d);
/* Of columns i <= j. */
const struct vg_rank_pair *vg_pairs_at(const struct vg_pairs *pairs, uint32_t i, uint32_t j);
/* Counts n rows, at most VG_BATCH_ROWS, whose ranks are ranks[column][row]. VG_E_MEMORY. */
int vg_pairs_count(struct vg_pairs *pairs, const int16_t *const *ranks, size_t n,
                   struct vg_error *err) VG_MUST_CHECK;
/* Adds b to a. VG_E_INTERNAL when they are of other columns or grids; a is unchanged. */
int vg_pairs_merge(struct vg_pairs *a, const struct vg_pairs *b, struct vg_error *err);
/* A blob as those of summary.h. */
int vg_pairs_write(const struct vg_pairs *pairs, struct vg_buf *out, struct vg_error *err);
int vg_pairs_read(const void *data, size_t size, struct vg_pairs **out, struct vg_error *err);

#endif
