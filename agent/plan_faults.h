/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a rule asks of columns that these can never bear: said when rules are validated against the
 * database, before a window is judged in vain; layer 3, pure. */
#ifndef PGVIGIL_PLAN_FAULTS_H
#define PGVIGIL_PLAN_FAULTS_H

#include "agent/plan.h"

struct vg_plan_fault {
    bool grave; /* the verdict of the rule can never change, or never be reached */
    const char *text, *hint;
};
/* Values of the rule that no row of its column can have; of a bool, an enum and a number. 1: *out
 * is a fault, its text in arena; 0: there is none; -1: out of memory. */
int vg_plan_value_fault(const struct vg_rule *rule, const struct vg_catalog_column *column,
                        struct vg_arena *arena, struct vg_plan_fault *out);
/* Of a rule on how columns depend on each other: one of them that is not there, cannot be read, is
 * no number or is left out of the reference; without named ones, fewer than two that are left. As
 * above. */
int vg_plan_pairs_fault(const struct vg_rule *rule, const struct vg_catalog *catalog,
                        struct vg_arena *arena, struct vg_plan_fault *out);

#endif
