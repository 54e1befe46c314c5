/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The budget in a cycle: when a base window closes, and what its rules then see; layer 5.
 *
 * Rules of policy `budget` are measured once per closed base window, in the cycle of its last
 * window; a look that commits nothing measures the newest one that has closed. A column is read
 * when its rule is measured and let go afterwards, so that memory does not grow with the columns.
 */
#ifndef PGVIGIL_CYCLE_BUDGET_H
#define PGVIGIL_CYCLE_BUDGET_H

#include "agent/loop/cycle.h"

/* Before rules are measured: whether a base window closes, and the model. */
int vg_cycle_budget_open(struct vg_work *work, struct vg_error *err);
/* Whether rules of the budget are measured in this cycle. */
bool vg_cycle_budget_closes(const struct vg_work *work);
/* Measures one rule; `whole` is what other rules see. */
int vg_cycle_budget_measure(struct vg_work *work, const struct vg_bound *bound,
                            const struct vg_evidence *whole, struct vg_measures *measures,
                            struct vg_error *err);
/* In the commit: new values that were told of. */
int vg_cycle_budget_store(const struct vg_work *work, struct vg_error *err);
void vg_cycle_budget_forget(struct vg_work *work);

#endif
