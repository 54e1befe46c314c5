/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches made up at random for property tests: every kind of column, every state of a cell, and
 * numbers of many shapes (ties, constants, huge, tiny, far from zero, heavy tails). */
#ifndef PGVIGIL_TESTS_MADE_BATCH_H
#define PGVIGIL_TESTS_MADE_BATCH_H

#include "pgvigil/batch.h"
#include "pgvigil/summary.h"

struct chance { /* a small generator: the same seed, the same case */
    uint64_t at;
};
uint64_t chance_bits(struct chance *chance);
uint32_t chance_below(struct chance *chance, uint32_t n); /* 0 .. n - 1 */
double chance_unit(struct chance *chance);                /* [0, 1) */
double chance_normal(struct chance *chance);

enum shape {
    SHAPE_NORMAL,
    SHAPE_TIES,
    SHAPE_CONSTANT,
    SHAPE_OFFSET,
    SHAPE_CANCEL,
    SHAPE_TAILS,
    SHAPE_HUGE,
    SHAPE_DENORMAL,
    SHAPE_SIGNED_ZERO,
    SHAPES
};
double make_value(struct chance *chance, enum shape shape);

/* A batch that owns all it points to. Texts may be invalid UTF-8, empty, or long. */
struct made_batch {
    struct vg_batch batch;
    struct vg_column *cols;
};
/* Kinds: one column each; TEXT with odd index is a uuid. `plain`: no nulls, NaN or infinities. */
struct made_batch *make_batch(struct chance *chance, const enum vg_kind *kinds, size_t ncols,
                              size_t nrows, bool plain);
/* The rows listed, in that order. */
struct made_batch *pick_rows(const struct made_batch *from, const uint32_t *rows, size_t n);
void free_batch(struct made_batch *made);

/* Fills order[n] with a random permutation of 0 .. n - 1. */
void shuffle_rows(struct chance *chance, uint32_t *order, size_t n);

/* Thresholds for a shape: up to n distinct values. */
struct vg_grid *make_grid(struct chance *chance, enum shape shape, uint32_t n);

/* Fails the test unless both summaries say the same: everything identical, moments to 1e-12. */
void assert_same_column(const struct vg_column_summary *a, const struct vg_column_summary *b);
void assert_same_summary(const struct vg_summary *a, const struct vg_summary *b);
/* Equal, both NaN, or within a relative tolerance. */
void assert_close(double a, double b, double tolerance);

#endif
