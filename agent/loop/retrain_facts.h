/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the pure rules of retraining are to know, out of the store, and what they decided, into it;
 * layer 5. For cycles, which commit the rest of theirs with it, and for commands. */
#ifndef PGVIGIL_LOOP_RETRAIN_FACTS_H
#define PGVIGIL_LOOP_RETRAIN_FACTS_H

#include "agent/loop/cycle_change.h"
#include "agent/retrain.h"

/* Everything but catching_up and beside. Inside a transaction, so that it stays true. */
int vg_retrain_gather(const struct vg_saying *saying, const struct vg_retraining *config,
                      struct vg_retrain_in *in, struct vg_error *err);
/* Inside the same transaction: the onset, the request, what people are told, the decisions. */
int vg_retrain_keep(const struct vg_saying *saying, const struct vg_retrain_out *out,
                    struct vg_error *err);
/* The same of one decision alone: stored, logged, counted. */
int vg_retrain_note(const struct vg_saying *saying, const struct vg_decision *decision,
                    struct vg_error *err);

#endif
