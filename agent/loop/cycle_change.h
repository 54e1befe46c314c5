/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that no incident makes: of retraining. Part of the cycle's commit. */
#ifndef PGVIGIL_AGENT_CYCLE_CHANGE_H
#define PGVIGIL_AGENT_CYCLE_CHANGE_H

#include "agent/loop/cycle.h"

/* The address with {{dataset}} replaced by the dataset's id, percent-encoded; in arena. NULL for
 * NULL, or without memory. */
const char *vg_cycle_dashboard(const char *address, const char *dataset, struct vg_arena *arena);

/* What is needed to say something of an onset. */
struct vg_saying {
    const struct vg_cycle_env *env;
    const struct vg_cycle *cycle; /* the one just settled, or an empty one with now_us */
    struct vg_arena *arena;
};
/* Inside the transaction: a message to those receivers of the dataset that are told of changes. */
int vg_cycle_change(const struct vg_saying *saying, const struct vg_onset *onset,
                    struct vg_error *err);

struct vg_news {
    bool failed; /* the run of the request; else: the onset waits for approval */
    bool over;   /* that is over */
    const char *why;
};
/* Inside the transaction: an ordinary message to all receivers of the dataset. */
int vg_cycle_news(const struct vg_saying *saying, const struct vg_onset *onset,
                  const struct vg_news *news, struct vg_error *err);

#endif
