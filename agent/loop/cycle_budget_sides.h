/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an alarm of the budget compared, as the two sides of a story; layer 5. */
#ifndef PGVIGIL_CYCLE_BUDGET_SIDES_H
#define PGVIGIL_CYCLE_BUDGET_SIDES_H

#include "agent/loop/cycle_budget.h"
#include "agent/story.h"

/* The rows of the look-back that the alarm rests on, and what the reference lets expect at their
 * hours, counted alike. */
struct vg_budget_sides {
    struct vg_look_back look;
    struct vg_window window; /* the look-back */
    bool nulls;              /* it was the share of NULLs */
    bool one;                /* it was the share of `value` */
    uint64_t value;
    struct vg_budget_found found; /* the test */
    struct vg_column_summary now, expected;
    struct vg_reference_column then; /* of `expected`, and of `cells` */
    struct vg_distribution cells;
    struct vg_column_summary *merged; /* what `now` is made of */
    struct vg_top *top;               /* of `expected` */
    bool numbers;
    const struct vg_top *whole; /* values of the whole reference */
    struct vg_top **usual; /* of each slot, where asked for; in the arena, the tops are owned */
};
/* 1: *out is to be ended by vg_cycle_budget_sides_end(); 0: the result is of no test of a stream,
 * or what it was of was not counted; -1. Points into itself: not to be copied. */
int vg_cycle_budget_sides(struct vg_work *work, const struct vg_result *result,
                          const struct vg_reference_column *whole, struct vg_budget_sides *out,
                          struct vg_error *err);
/* What is usual at the hours of windows before. Nothing is set where `sides` is empty. */
int vg_cycle_budget_sides_usual(struct vg_work *work, struct vg_budget_sides *sides,
                                struct vg_story_past *past, size_t n, struct vg_error *err);
void vg_cycle_budget_sides_end(struct vg_budget_sides *sides);

#endif
