/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a model is to be retrained, and when not; layer 3, pure.
 *
 * An onset opens with the first fail of a drift rule in the model's group, and ends when all of
 * them are clear. While it is open it fires at most once, and only when every guard passes: broken
 * data withhold it. Every decision is handed out with its reasons.
 */
#ifndef PGVIGIL_RETRAIN_H
#define PGVIGIL_RETRAIN_H

#include "pgvigil/event.h"
#include "pgvigil/store.h"

/* One dataset of the group, as committed by now (this cycle included). */
struct vg_group_member {
    const struct vg_dataset *dataset;
    struct vg_progress progress;
    bool has_newest;
    struct vg_window_row newest; /* its newest window with rows */
    const struct vg_latest *latest;
    size_t nlatest;
    const struct vg_alert *alerts;
    size_t nalerts;
};

struct vg_retrain_in {
    const struct vg_retraining *config;
    const char *agent;
    const struct vg_cycle *cycle; /* the one just settled */
    bool catching_up;             /* another window of its dataset is due */
    const struct vg_group_member *members;
    size_t nmembers;
    const struct vg_onset *onset; /* not yet ended, or NULL */
    const int64_t *fired;
    size_t nfired;  /* times of requests, newest first */
    bool in_flight; /* a request waits in the outbox */
};

enum { VG_DECISIONS_MAX = 3 };
struct vg_retrain_out {
    bool has_onset; /* to be stored */
    struct vg_onset onset;
    bool fire; /* put a request into the outbox */
    struct vg_decision decisions[VG_DECISIONS_MAX];
    size_t ndecisions;
};

/* Text handed out lives in arena or in the inputs. 0, or -1 VG_E_MEMORY. */
int vg_retrain(const struct vg_retrain_in *in, struct vg_arena *arena, struct vg_retrain_out *out,
               struct vg_error *err);

#endif
