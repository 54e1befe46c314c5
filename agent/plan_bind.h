/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules bound to columns; layer 3, pure. */
#ifndef PGVIGIL_PLAN_BIND_H
#define PGVIGIL_PLAN_BIND_H

#include "agent/plan.h"
#include "pgvigil/event.h"

/* Fills plan->bound from the plan's dataset, catalogue and reference. rejects: expressions that
 * cannot be evaluated this time, or NULL. 0, or -1 out of memory. */
int vg_plan_bind(struct vg_plan *plan, const struct vg_rejects *rejects, struct vg_arena *arena);
/* Why an expression cannot be evaluated this time, or NULL. */
const char *vg_plan_reject(const struct vg_rejects *rejects, const char *expression);
/* Rules of "*" on columns that it no longer finds, because they are gone or of another type, by the
 * alerts they have: added to plan->bound, with the reason why they cannot be evaluated. 0, or -1
 * out of memory. */
int vg_plan_bind_lost(struct vg_plan *plan, const struct vg_alert *alerts, size_t n,
                      struct vg_arena *arena);
/* Whether the rules of the dataset name what this alert is of; if not, it is retired. Without a
 * plan (NULL), or one without catalogue, by the rules alone; else a "*" does not name a column that
 * it does not find, nor in a reference captured while the alert could not be looked at. */
bool vg_plan_names(const struct vg_dataset *dataset, const struct vg_plan *plan,
                   const struct vg_alert *alert);

/* Whether "*" of a check means this column. */
bool vg_plan_takes(const struct vg_dataset *dataset, const struct vg_check_type *type,
                   const char *column);

#endif
