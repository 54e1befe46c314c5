/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns share the budget of a dataset; layer 3, pure. */
#ifndef PGVIGIL_PLAN_BUDGET_H
#define PGVIGIL_PLAN_BUDGET_H

#include "pgvigil/budget.h"
#include "pgvigil/check.h"

/* Whether the dataset has rules of policy `budget`. */
bool vg_plan_has_budget(const struct vg_dataset *dataset);
/* The columns of the reference that have such a rule, by "*" or their own, in its order. In arena;
 * 0, or -1 out of memory. */
int vg_plan_budget(const struct vg_dataset *dataset, const struct vg_reference *reference,
                   struct vg_arena *arena, struct vg_budget_input **out, size_t *n);
/* The smallest changes that its rule file lets alarm, as struct vg_budget_recent has them. */
void vg_plan_budget_least(const struct vg_dataset *dataset, double out[VG_BUDGET_KINDS]);
/* What a calibration depends on beside the reference: the budget and those columns, as text. NULL
 * when out of memory. */
const char *vg_plan_budget_inputs(const struct vg_dataset *dataset,
                                  const struct vg_budget_input *columns, size_t n,
                                  struct vg_arena *arena);

#endif
