/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the budget in a cycle share with one another and with nobody else. */
#ifndef PGVIGIL_CYCLE_BUDGET_PARTS_H
#define PGVIGIL_CYCLE_BUDGET_PARTS_H

#include "agent/loop/cycle_budget.h"

struct told {
    const char *column;
    uint64_t hash;
    struct told *next;
};

struct vg_cycle_budget {
    bool closes;
    bool counted; /* the window at hand is among the stored ones already */
    struct vg_window base;
    int64_t starts[VG_BUDGET_LOOK];
    struct vg_window bases[VG_BUDGET_LOOK]; /* that begin there */
    bool empty[VG_BUDGET_LOOK];             /* it was read, and had no rows */
    const struct vg_budget *model;
    struct vg_budget *owned; /* the model, where it is not carried */
    int64_t id;              /* of the calibration */
    const char *why;         /* there is no model, or it does not fit */
    bool lost_told;
    struct told *told;
};

#endif
