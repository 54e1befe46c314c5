/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that no incident makes: that a retraining was asked for. Part of the cycle's commit. */
#ifndef PGVIGIL_AGENT_CYCLE_CHANGE_H
#define PGVIGIL_AGENT_CYCLE_CHANGE_H

#include "agent/loop/cycle.h"

/* The address with {{dataset}} replaced by the dataset's id, percent-encoded; in arena. NULL for
 * NULL, or without memory. */
const char *vg_cycle_dashboard(const char *address, const char *dataset, struct vg_arena *arena);

/* Inside the transaction: a message to those receivers of the dataset that are told of changes. */
int vg_cycle_change(const struct vg_work *work, const struct vg_onset *onset, struct vg_error *err);

#endif
