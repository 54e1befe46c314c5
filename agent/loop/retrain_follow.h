/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from the end of a training run; layer 5.
 *
 * A run that succeeded makes the rows before its request the next version of its datasets'
 * references, where the configuration wants that; of one that failed people are told, once. What is
 * still to be done is in the store, so that a restart goes on with it.
 */
#ifndef PGVIGIL_LOOP_RETRAIN_FOLLOW_H
#define PGVIGIL_LOOP_RETRAIN_FOLLOW_H

#include "agent/loop/cycle.h"
#include "agent/loop/promotion.h"

/* A range that is to become a reference, and is not yet on its way. */
struct vg_followed {
    const char *dataset;
    struct vg_promotion promotion; /* texts in arena */
};
/* Does what can be done now, in a transaction for each onset; -1 with the first error, after the
 * others were looked at, which *out and *n are about; env with the
 * configuration and rules in force. *promoting: something was done, or a capture is awaited. *out
 * in arena. */
int vg_retrain_follow(const struct vg_cycle_env *env, int64_t now_us, struct vg_arena *arena,
                      struct vg_followed **out, size_t *n, bool *promoting, struct vg_error *err);

#endif
