/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules bound to columns; layer 3, pure. */
#ifndef PGVIGIL_PLAN_BIND_H
#define PGVIGIL_PLAN_BIND_H

#include "agent/plan.h"

/* Fills plan->bound from the plan's dataset, catalogue and reference. where_problem: why conditions
 * cannot be evaluated this time, or NULL. 0, or -1 out of memory. */
int vg_plan_bind(struct vg_plan *plan, const char *where_problem, struct vg_arena *arena);

#endif
