/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the carry share; layer 5. */
#ifndef PGVIGIL_CARRY_INNER_H
#define PGVIGIL_CARRY_INNER_H

#include "agent/loop/carry.h"

/* A column of a base window. */
struct vg_carried_column {
    struct vg_column_summary *column;
    struct vg_budget_counts *counts; /* of column, once they were asked for */
    bool stored;                     /* the store has it like this */
};

struct vg_carried_base {
    struct vg_window window;
    struct vg_carried_column *columns;
    size_t ncolumns, columns_size;
};

struct vg_carried_part {
    char *column;
    struct vg_budget_part *part; /* NULL: it has none */
};

struct vg_carry {
    struct vg_store *store;
    const char *dataset;
    struct vg_arena *settled, *before; /* of what was kept last, and the time before */
    struct vg_alert *alerts;
    size_t nalerts;
    struct vg_incident *incidents;
    size_t nincidents;
    struct vg_window_row *windows;
    size_t nwindows, windows_size;
    struct vg_carried_base bases[VG_BUDGET_LOOK]; /* the newest is that before `next` */
    size_t nbases, next;
    const struct vg_strings *only; /* columns; NULL: all */
    int64_t version, calibration;
    struct vg_budget *model;
    const char *why;
    struct vg_arena *model_arena; /* of why */
    struct vg_carried_part *parts;
    size_t nparts, parts_size;
};

void vg_carry_forget_counts(struct vg_carry *carry);
void vg_carry_forget_bases(struct vg_carry *carry);
void vg_carry_forget_model(struct vg_carry *carry);

#endif
