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
#include "pgvigil/budget.h"

/* Before rules are measured: whether a base window closes, and the model. */
int vg_cycle_budget_open(struct vg_work *work, struct vg_error *err);
/* Whether rules of the budget are measured in this cycle. */
bool vg_cycle_budget_closes(const struct vg_work *work);
/* Measures one rule; `whole` is what other rules see. */
int vg_cycle_budget_measure(struct vg_work *work, const struct vg_bound *bound,
                            const struct vg_evidence *whole, struct vg_measures *measures,
                            struct vg_error *err);
/* The last base windows of one column; those in `owned` are its own. */
struct vg_look_back {
    const struct vg_budget *model;
    const struct vg_budget_part *part; /* NULL: the reference was calibrated without the column */
    int column;                        /* of the model; -1: none */
    struct vg_window base;             /* the one that has closed */
    struct vg_budget_recent recent;
    struct vg_budget_part *owned_part;
    struct vg_column_summary *owned[VG_BUDGET_LOOK];
    const struct vg_column_summary *windows[VG_BUDGET_LOOK];
    const struct vg_budget_counts *counts[VG_BUDGET_LOOK]; /* of those before the last; carried */
    struct vg_column_summary bare;
};
/* What a rule of the budget looks at: not to be copied, and ended by vg_cycle_budget_unlook(),
 * whatever comes. For a column of a cycle that has a model only. */
int vg_cycle_budget_look(struct vg_work *work, const char *column, struct vg_look_back *look,
                         struct vg_error *err);
void vg_cycle_budget_unlook(struct vg_look_back *look);
bool vg_cycle_budget_has_model(const struct vg_work *work);
/* In the commit: new values that were told of. */
int vg_cycle_budget_store(const struct vg_work *work, struct vg_error *err);
void vg_cycle_budget_forget(struct vg_work *work);

#endif
