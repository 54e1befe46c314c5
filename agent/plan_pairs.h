/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns whose ranks a plan counts together; layer 3, pure. */
#ifndef PGVIGIL_PLAN_PAIRS_H
#define PGVIGIL_PLAN_PAIRS_H

#include "agent/plan.h"

/* Whether a rule of the dataset looks at how columns depend on each other. */
bool vg_plan_has_pairs(const struct vg_dataset *dataset);
/* Whether one of them names this column. */
bool vg_plan_pairs_name(const struct vg_dataset *dataset, const char *column);
/* The columns to be ranked for the bound rules: those that the reference ranked, as far as they can
 * still be read and are of the same type, in its order. `source` is left to the caller. In arena;
 * 0, or -1 when out of memory. */
int vg_plan_pairs(const struct vg_plan *plan, const struct vg_rejects *rejects,
                  struct vg_arena *arena, struct vg_tally_rank **out, size_t *n);

#endif
