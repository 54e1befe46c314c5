/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The distribution of one column in bounded memory, for the first pass of a reference capture;
 * layer 3, pure.
 *
 * Promises: while there are at most `resolution` distinct values they are all kept, with counts;
 * beyond that quantiles come from a ladder of compactors with seeded randomness: exact while fewer
 * values were seen than a level holds, k = 32 x resolution but 2^17 at least and 2^19 at most;
 * after that ranks are off by at most about 1.4 / k of all rows.
 */
#ifndef PGVIGIL_AGENT_SKETCH_H
#define PGVIGIL_AGENT_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/summary.h"

struct vg_sketch;

/* resolution: the most thresholds wanted, 2 .. 65536. NULL when out of memory. */
struct vg_sketch *vg_sketch_new(uint32_t resolution);
/* Adds n values in any order; -0.0 counts as 0.0; NaN and infinities are left out. VG_E_MEMORY. */
int vg_sketch_add(struct vg_sketch *sketch, const double *x, size_t n,
                  struct vg_error *err) VG_MUST_CHECK;
/* Number of finite values seen. */
uint64_t vg_sketch_count(const struct vg_sketch *sketch);
/* The grid of what was seen, owned by the caller: all distinct values (grid->exact), or at most
 * `resolution` distinct quantiles among which always the minimum and the maximum, so that the mass
 * strictly between two neighbours is about 1 / resolution and none lies outside. Its coarse subset
 * is already chosen by the masses seen (vg_grid_choose_coarse), so one pass later fine and coarse
 * cells can be counted together. *out is NULL when no finite value was seen. VG_E_MEMORY.
 * The sketch may be added to no more after this. */
int vg_sketch_grid(struct vg_sketch *sketch, struct vg_grid **out,
                   struct vg_error *err) VG_MUST_CHECK;
/* An upper bound of the memory one sketch holds after `rows` values, vg_sketch_grid included. */
size_t vg_sketch_bytes(uint32_t resolution, uint64_t rows);
void vg_sketch_free(struct vg_sketch *sketch);

#endif
