/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a batch that one variant of a tally counts at a time; layer 3, pure.
 *
 * Shared by the files of the tally only. Holds the scratch memory of one tally: at most one
 * column's selected values, and the hashes of the rows' keys.
 */
#ifndef PGVIGIL_AGENT_TALLY_ROWS_H
#define PGVIGIL_AGENT_TALLY_ROWS_H

#include "agent/tally.h"

struct vg_tally_rows {
    const struct vg_batch *batch;
    size_t first, span; /* rows first .. first + span - 1, span <= VG_BATCH_ROWS */
    bool all;           /* all of them are selected, else those listed */
    size_t n;           /* how many */
    const uint32_t *selected;
    uint32_t chosen[VG_BATCH_ROWS]; /* those of a variant */
    uint32_t sorted[VG_BATCH_ROWS]; /* the same by route, of a long source */
    uint32_t route[VG_BATCH_ROWS];  /* by row - first */
    uint32_t begin[VG_LONG_NAMES + 2];
    uint8_t state[VG_BATCH_ROWS]; /* one gathered column */
    double num[VG_BATCH_ROWS];
    struct vg_slice raw[VG_BATCH_ROWS];
    bool key_known[VG_BATCH_ROWS]; /* by row - first */
    uint64_t key_hash[VG_BATCH_ROWS];
};

/* The selected rows of one column of the batch: in place, or gathered into the scratch memory and
 * valid until the next call. `special` is then an upper bound: 0 if it is 0. */
struct vg_column vg_tally_view(struct vg_tally_rows *rows, size_t source);

/* The pairs of a plan's ranked columns; NULL where it has none. VG_E_MEMORY. */
int vg_tally_pairs_new(const struct vg_tally_plan *plan, struct vg_pairs **out,
                       struct vg_error *err) VG_MUST_CHECK;
/* Counts the selected rows. VG_E_MEMORY. */
int vg_tally_pairs_count(struct vg_tally_rows *rows, const struct vg_tally_plan *plan,
                         struct vg_pairs *into, struct vg_error *err) VG_MUST_CHECK;

/* Tests the selected rows (view: those of predicate->source) and keeps the keys of offenders. */
int vg_tally_test(struct vg_tally_rows *rows, const struct vg_column *view,
                  const struct vg_tally_plan *plan, const struct vg_tally_predicate *predicate,
                  struct vg_predicate_summary *into, struct vg_error *err) VG_MUST_CHECK;
/* Every selected row offends, of `tested` ones. */
int vg_tally_blame(struct vg_tally_rows *rows, size_t tested, const struct vg_tally_plan *plan,
                   struct vg_predicate_summary *into, struct vg_error *err) VG_MUST_CHECK;

#endif
