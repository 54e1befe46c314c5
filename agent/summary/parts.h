/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the summary share with one another and with nobody else; layer 3, pure.
 *
 * Double-double arithmetic, HyperLogLog registers, the table of top values, quantiles.
 */
#ifndef PGVIGIL_AGENT_SUMMARY_PARTS_H
#define PGVIGIL_AGENT_SUMMARY_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/summary/codec.h"
#include "pgvigil/summary.h"

/* --- summary_dd.c: unevaluated sums of two doubles -------------------------------------------- */

/* a / b and a * b to about 1e-31 relative. b of the division must not be 0. */
struct vg_dd vg_dd_divide(struct vg_dd a, double b);
struct vg_dd vg_dd_multiply(struct vg_dd a, struct vg_dd b);

/* Count, sum and sum of squared deviations from the mean of some values, with their extremes. */
struct vg_moments {
    uint64_t n;
    double min, max;
    struct vg_dd sum, m2;
};
/* Adds b to a: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
 * Sample Variances" (1979), in double-double. */
void vg_moments_merge(struct vg_moments *a, const struct vg_moments *b);
/* The moments of n finite values: exact up to double-double rounding in the sum, and m2 by a second
 * pass with the mean known. zeros and negatives are added to. Deviations below about 1e-150, whose
 * squares leave the range of a double, count as none or with fewer digits. */
struct vg_moments vg_moments_of(const double *x, size_t n, uint64_t *zeros, uint64_t *negatives);

/* --- hll.c: HyperLogLog, 1 << bits registers of one byte; bits 4 .. 16 ------------------------ */

/* Raises the register that a 64-bit hash names. */
static inline void vg_hll_add(uint8_t *registers, unsigned bits, uint64_t hash)
{
    uint64_t rest = hash << bits | UINT64_C(1) << (bits - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *place = &registers[hash >> (64 - bits)];
    if (rank > *place)
        *place = rank;
}
enum { VG_HLL_RANK_MAX = 64 - VG_HLL_BITS + 1 }; /* with VG_HLL_BITS */
/* n finite numbers, by their eight bytes with -0.0 as 0.0. Their hash is not vg_hash64 but an
 * inline bijective mix of 64 bits (the finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014),
 * as fast as the scan needs and as good for registers. */
void vg_hll_add_numbers(uint8_t *registers, unsigned bits, const double *x, size_t n);
void vg_hll_merge(uint8_t *into, const uint8_t *from, unsigned bits);
double vg_hll_estimate(const uint8_t *registers, unsigned bits);

/* --- summary_top.c ---------------------------------------------------------------------------- */

/* At most `most` values are kept, 1 .. VG_TOP_EXACT. */
struct vg_top *vg_top_new(size_t most);
void vg_top_free(struct vg_top *top);
/* Counts a value `count` times; hash is vg_hash64 of all of it. 0, or -1 when out of memory. */
int vg_top_add(struct vg_top *top, uint64_t hash, uint64_t count, struct vg_slice value);
int vg_top_merge(struct vg_top *into, const struct vg_top *from);
/* All entries in ascending order of hash, borrowed labels; out has room for vg_top_size(). */
void vg_top_list(const struct vg_top *top, struct vg_top_entry *out);
/* Takes a label as it was stored; -1 also for a hash that is there already or one too many. */
int vg_top_restore(struct vg_top *top, uint64_t hash, uint64_t count, const char *label,
                   size_t len);
/* What was restored is a sample, and so as much as it may keep. */
void vg_top_set_sampled(struct vg_top *top);
/* What may be kept from now on is as of one that was restored. */
void vg_top_settle(struct vg_top *top);

/* --- texts.c ---------------------------------------------------------------------------------- */

/* Counts the values among nrows rows of a TEXT column. 0, or -1 when out of memory. */
int vg_texts_count(struct vg_column_summary *column, const struct vg_column *rows, size_t nrows);

/* --- quantile.c ------------------------------------------------------------------------------- */

/* At most `most` cells, 1 .. VG_QUANTILE_CELLS. */
struct vg_quantiles *vg_quantiles_new(size_t most);
void vg_quantiles_free(struct vg_quantiles *quantiles);
/* n finite values. 0, or -1 when out of memory. */
int vg_quantiles_add(struct vg_quantiles *quantiles, const double *x, size_t n);
int vg_quantiles_merge(struct vg_quantiles *into, const struct vg_quantiles *from);
/* 0, or -1 when out of memory. What is read must hold `n` values. */
int vg_quantiles_write(const struct vg_quantiles *quantiles, struct vg_buf *out);
int vg_quantiles_read(struct vg_blob *blob, uint64_t n, struct vg_quantiles **out);
/* The extremes of the cell that holds the value of this rank, 0 .. n - 1. */
void vg_quantiles_rank(const struct vg_quantiles *quantiles, uint64_t rank, double *lo, double *hi);

/* --- summary.c -------------------------------------------------------------------------------- */

static inline bool vg_kind_is_numeric(enum vg_kind kind)
{
    return kind == VG_KIND_NUMBER || kind == VG_KIND_TIME || kind == VG_KIND_BOOL;
}
/* Adds the fine cells on `grid` to coarse cells of the same grid. */
void vg_cells_coarsen(const struct vg_grid *grid, const uint64_t *fine, uint64_t *coarse);

#endif
