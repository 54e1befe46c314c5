/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The references of one cycle; layer 5, for cycle*.c only.
 *
 * One is what rules are judged against unless they say otherwise; it is what the scan counts on,
 * and what the table's structure is compared with. Rules against another one, or against the
 * windows of the same hour, are judged apart: their columns are counted once more on that
 * reference's grid. */
#ifndef PGVIGIL_LOOP_CYCLE_REFERENCE_H
#define PGVIGIL_LOOP_CYCLE_REFERENCE_H

#include "agent/loop/cycle.h"

struct vg_cycle_other {
    bool wanted;                    /* a rule is judged against it */
    struct vg_reference *reference; /* or NULL, and why says it */
    bool failed;
    const char *why;
    struct vg_plan_apart apart;
};

/* A loaded version for people; in arena, NULL out of memory. */
const char *vg_cycle_reference_words(const struct vg_reference *reference, struct vg_arena *arena);

/* Loads them, by the window that is judged. */
int vg_cycle_reference_load(struct vg_work *work, struct vg_error *err);
/* Those of rules that are judged apart alone. */
int vg_cycle_reference_others(struct vg_work *work, struct vg_error *err);
/* After the plan was made: counts what is judged apart. */
int vg_cycle_reference_plan(struct vg_work *work, struct vg_error *err);
/* After the scan: takes columns that were counted once more out of the summaries, which others read
 * and store; and puts them back, so that they can be freed. */
void vg_cycle_reference_hide(struct vg_work *work);
void vg_cycle_reference_forget(struct vg_work *work);
/* What a rule that is judged apart sees. Sets *why (or NULL) to the reason why it sees nothing. */
int vg_cycle_reference_evidence(struct vg_work *work, const struct vg_bound *bound,
                                struct vg_evidence *evidence, const char **why,
                                struct vg_error *err);
/* The two sides of such a rule's column, for its story; NULL where there is none. */
void vg_cycle_reference_sides(const struct vg_work *work, const struct vg_bound *bound,
                              const struct vg_column_summary **now,
                              const struct vg_reference_column **then);
/* Says in the measures from `first` on what they were measured against. */
void vg_cycle_reference_say(const struct vg_work *work, const struct vg_rule *rule,
                            struct vg_measures *measures, size_t first);
/* After judging: results in the order in which people read them (cycle_rank.c). */
int vg_cycle_rank(struct vg_work *work, struct vg_error *err);
/* Tells the cycle's readers of the other references. */
int vg_cycle_reference_list(struct vg_work *work, struct vg_error *err);

#endif
