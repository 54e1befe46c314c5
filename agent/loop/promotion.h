/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Promoting a range to be a reference, in the daemon and in a command; layer 5.
 *
 * After a retraining the rows that the model was trained on become the next version of a reference
 * that does not move by itself. It stands in for what the rule file says: the file is not captured
 * again until it says something else, which then counts.
 */
#ifndef PGVIGIL_LOOP_PROMOTION_H
#define PGVIGIL_LOOP_PROMOTION_H

#include "agent/loop/capture.h"

struct vg_promotion { /* owned, on the heap */
    char *name, *by;
    int64_t from_us, to_us;
};
void vg_promotion_free(struct vg_promotion *promotion);
/* "DATASET NAME FROM TO", times in microseconds: what a command leaves in the store, and back. id
 * of at least VG_PROMOTION_ID bytes. NULL, or VG_E_USAGE or VG_E_MEMORY. */
enum { VG_PROMOTION_ID = 128 };
const char *vg_promotion_write(const char *id, const struct vg_promotion *promotion,
                               struct vg_arena *arena);
struct vg_promotion *vg_promotion_read(const char *text, const char *by, char *id,
                                       struct vg_error *err);
/* The dataset with that range as its only reference, and how it is to be captured. VG_E_USAGE where
 * the dataset has no such reference, or one that moves by itself or is not of a range. */
int vg_promotion_make(const struct vg_dataset *dataset, const struct vg_promotion *promotion,
                      struct vg_arena *arena, struct vg_dataset *item, struct vg_capture_how *how,
                      struct vg_error *err);
/* Uses change->version as vg_store_reference_choose() does, and logs it. What a person chooses
 * stands in for what the rule file (dataset NULL: none) says, as a promotion does. */
int vg_promotion_choose(struct vg_store *store, const struct vg_dataset *dataset,
                        struct vg_reference_change *change, struct vg_arena *arena,
                        struct vg_error *err);
/* The spec of the reference of this name as the rule file has it; NULL when the file has none of
 * this name that is pinned, or without memory. In arena. */
const char *vg_promotion_spec(const struct vg_dataset *dataset, const char *name,
                              struct vg_arena *arena);

#endif
