/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that no incident makes: of retraining. Part of the cycle's commit. And what messages say
 * of their dataset. */
#ifndef PGVIGIL_AGENT_CYCLE_CHANGE_H
#define PGVIGIL_AGENT_CYCLE_CHANGE_H

#include "agent/loop/cycle.h"
#include "agent/settle.h"

/* The address with {{dataset}} replaced by the dataset's id, percent-encoded; in arena. NULL for
 * NULL, or without memory. */
const char *vg_cycle_dashboard(const char *address, const char *dataset, struct vg_arena *arena);

/* The address of the page with the dataset's place in it behind it; as vg_cycle_dashboard(). */
const char *vg_cycle_page(const char *address, const char *dataset, struct vg_arena *arena);

/* Into a message that no settling makes what is said of message->dataset: its table, owner,
 * runbook, model if none is named yet, page and dashboard; less where env has no rules or
 * configuration. */
void vg_cycle_place(const struct vg_cycle_env *env, struct vg_arena *arena,
                    struct vg_message *message);

/* Into in: the silences that people made and that are not over. */
int vg_cycle_silences(const struct vg_cycle_env *env, int64_t now_us, struct vg_arena *arena,
                      struct vg_settle_in *in, struct vg_error *err);

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
