/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checksum of a window: its rows counted, its columns summed, its keys and rows hashed; layer
 * 3, pure.
 *
 * Two checksums of one window tell whether anything has changed in between and about how many rows
 * were added, removed and changed, in a few kilobytes, whatever the window holds. They do not
 * depend on the order of rows. No value can be read out of the hashes of ten rows and more; of
 * fewer, where something is private, nothing is hashed.
 */
#ifndef PGVIGIL_CHECKSUM_H
#define PGVIGIL_CHECKSUM_H

#include "pgvigil/batch.h"
#include "pgvigil/check.h"

/* A sketch of a set of rows: each adds +1 or -1, by its hash, to one of the cells. Of two sketches
 * the sum of the squared differences of cells is the expected number of rows that only one of them
 * has (Charikar, Chen and Farach-Colton 2002; variance as Alon, Matias and Szegedy 1996: relative
 * error sqrt(2 / 256) = 9 %; few rows meet in no cell, then it is exact). */
enum { VG_SKETCH_CELLS = 256 };
struct vg_rows_sketch {
    uint64_t scope; /* what was hashed; 0: nothing was. Different scopes are never compared. */
    uint64_t total; /* sum of all hashes modulo 2^64 */
    int64_t cells[VG_SKETCH_CELLS];
};

struct vg_checksum_sum {
    const char *column;
    uint64_t n; /* finite values */
    double sum;
};

struct vg_checksum {
    uint64_t rows;
    struct vg_rows_sketch keys, whole;
    const struct vg_checksum_sum *sums; /* of numeric columns that are not private */
    size_t nsums;
};

/* What is hashed of each row: columns of the batch, whose raw bytes must be there. */
struct vg_checksum_plan {
    const size_t *columns, *keys;
    size_t ncolumns, nkeys;     /* no columns: rows are counted only; no keys: there is no key */
    uint64_t scope, keys_scope; /* of them */
    bool is_private;            /* some of them are */
};

/* Adds the rows of a batch to a checksum that began as zeros. */
void vg_checksum_add(struct vg_checksum *checksum, const struct vg_checksum_plan *plan,
                     const struct vg_batch *batch);
/* After the last batch: rows as counted exactly, and the sums of the summary's columns without
 * those that are private. Sums are in arena, names borrowed. 0, or -1 out of memory. */
int vg_checksum_finish(struct vg_checksum *checksum, const struct vg_checksum_plan *plan,
                       uint64_t rows, const struct vg_summary *summary,
                       const struct vg_strings *private_columns, struct vg_arena *arena);

/* As bytes for the store, the same on every machine. Appended to `out`, which says when there is no
 * room. */
void vg_checksum_write(const struct vg_checksum *checksum, struct vg_buf *out);
/* In arena. VG_E_DATA for bytes that are none, or of another version; VG_E_MEMORY. */
int vg_checksum_read(const void *data, size_t size, struct vg_arena *arena, struct vg_checksum *out,
                     struct vg_error *err);

/* Fills all but window and read_us. */
void vg_checksum_compare(const struct vg_checksum *then, const struct vg_checksum *now,
                         struct vg_revisit *out);

#endif
