/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which references of a dataset are still to be captured; layer 5.
 *
 * Looks at the rule file and at what the store holds. A version that was captured, or that was
 * promoted in the place of what the file says, is not wanted again.
 */
#ifndef PGVIGIL_LOOP_WANTED_H
#define PGVIGIL_LOOP_WANTED_H

#include "agent/loop/capture.h"

struct vg_wanted {
    struct vg_dataset *items; /* each with the reference to be captured as its only one */
    int64_t *ready_us;        /* when its rows are complete */
    size_t n;
    int64_t next_us; /* the next turn of a rolling reference; VG_NEVER: there is none */
};
/* What is missing at now; with `all` also what is there: what a person asks to be captured. */
int vg_wanted_find(const struct vg_cycle_env *env, const struct vg_dataset *dataset, bool all,
                   struct vg_arena *arena, struct vg_wanted *out, struct vg_error *err);
/* Before a window is caught up: captures the versions of rolling references that judge it, unless
 * that failed before, and calibrates the budget on them. What fails is logged, and costs the rules
 * against it. */
void vg_wanted_catch_up(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        int64_t start_us);
/* Captures one, and logs what became of it. */
int vg_wanted_capture(const struct vg_cycle_env *env, const struct vg_dataset *item,
                      const struct vg_capture_how *how, struct vg_error *err);

#endif
