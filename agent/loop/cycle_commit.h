/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a cycle's one transaction; layer 5, for cycle*.c only. */
#ifndef PGVIGIL_CYCLE_COMMIT_H
#define PGVIGIL_CYCLE_COMMIT_H

#include "agent/loop/cycle.h"

/* Progress after this cycle, from work->before. */
void vg_cycle_advance(const struct vg_work *work, struct vg_progress *after);
/* The base window that a window is a part of. */
int64_t vg_cycle_base_us(const struct vg_work *work);
void vg_cycle_base(const struct vg_work *work, const struct vg_window *window,
                   struct vg_window *out);
/* The results are made: what is stored of the summary from here on holds no private value. */
void vg_cycle_hide_private(const struct vg_work *work);
/* What is settled, and afterwards all alerts of the dataset, for publishing. */
struct vg_settling {
    const struct vg_dataset *dataset; /* NULL: it is being retired */
    const struct vg_cycle *cycle;
    const struct vg_plan *plan; /* or NULL */
    bool catching_up;
    struct vg_alert *alerts;
    size_t nalerts;
    struct vg_message *messages; /* all of them, and who is told each */
    struct vg_strings *receivers;
    size_t nmessages;
};
/* Inside the transaction: alerts, incidents, messages into the outbox, but for ends. */
int vg_cycle_settle(const struct vg_cycle_env *env, struct vg_settling *settling,
                    struct vg_arena *arena, struct vg_error *err);
/* Inside the transaction: what the cycle means for the retraining of its model. */
int vg_cycle_retrain(const struct vg_work *work, struct vg_error *err);
/* Then: the ends of incidents into the outbox, with what became of the retraining. */
int vg_cycle_tell_ends(const struct vg_cycle_env *env, const struct vg_settling *settling,
                       struct vg_arena *arena, struct vg_error *err);
/* A message into the outbox, or to env->posted. */
int vg_cycle_post(const struct vg_cycle_env *env, const struct vg_message *message,
                  const struct vg_strings *to, struct vg_arena *arena, struct vg_error *err);

#endif
