/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A calibration under way: what its two files share; layer 3, pure. */
#ifndef PGVIGIL_AGENT_BUDGET_CALIBRATING_H
#define PGVIGIL_AGENT_BUDGET_CALIBRATING_H

#include "agent/budget/learn.h"

struct vg_calibrated_column {
    struct vg_categories categories; /* labels and values on the heap */
    uint64_t mask;                   /* hash of the null counts */
};
/* What the smallest visible change of a stream is computed from. */
struct vg_sight {
    double effective; /* KS: the most median effective rows of a scale; 0: none */
    struct vg_fit_spread spread;
    struct vg_fit_counts counts; /* in the arena of the calibration */
};
/* Fills visible, visible_of, visible_top of a stream whose level is known. */
void vg_sight_look(const struct vg_sight *sight, const struct vg_categories *categories,
                   struct vg_budget_stream *stream);

struct vg_calibrating {
    const struct vg_budget_task *task;
    struct vg_budget *out;
    struct vg_arena *arena;
    struct vg_calendar calendar;
    uint32_t *slot; /* per window */
    bool *struck, *well_filled;
    struct vg_calibrated_column *columns;
    double **p; /* per stream and window */
    struct vg_sight *sights;
    struct vg_work work;
    struct vg_buf blob;
};
/* The first visit: what the column is, its streams, their p at the shortest look-back. */
int vg_calibrate_look(struct vg_calibrating *job, size_t column, struct vg_error *err);
/* The last visit: replay and fit without the struck windows; the column's blob is handed on. */
int vg_calibrate_fit(struct vg_calibrating *job, size_t column, struct vg_error *err);
void vg_calibrated_column_clear(struct vg_calibrated_column *column);

#endif
