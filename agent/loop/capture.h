/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capturing a reference: two passes over its rows in one snapshot; layer 5.
 *
 * Pass 1 finds the grid of every number and the length of the base windows, pass 2 counts each base
 * window on the grids, in time order, stored as it goes. Columns go in groups, so that memory stays
 * within 48 MiB whatever the table. Never stores a row.
 */
#ifndef PGVIGIL_CAPTURE_H
#define PGVIGIL_CAPTURE_H

#include "agent/loop/cycle.h"

struct vg_capture_result {
    int64_t version;
    uint64_t rows;
    size_t columns, windows;
    int64_t base_us;     /* 0: one base window */
    uint32_t resolution; /* in force, lowered if the fine counts would exceed 8 MiB */
};

/* What the reference of a dataset is, as text; a change of it asks for a new capture. In arena. */
const char *vg_capture_spec(const struct vg_dataset *dataset, struct vg_arena *arena);
/* Whether its rows are complete at now (the end and the delay have passed). */
bool vg_capture_ready(const struct vg_dataset *dataset, int64_t now_us);

struct vg_capture_how {
    bool patient;           /* a person asked for it: whatever it costs */
    const char *stands_for; /* a promotion: the spec of the rule file that it stands in for */
    const char *by;         /* who promotes it; or NULL */
};
/* Captures dataset->reference now, which is not rolling (agent/reference.h pins it). timeout_us
 * bounds each scan; `patient` ignores an estimate above it.
 * Zero rows, an estimate above the timeout and every failed read are errors, recorded in the
 * store. */
int vg_capture_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                   const struct vg_capture_how *how, struct vg_capture_result *out,
                   struct vg_error *err);

#endif
