/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a model is to be retrained, and when not; layer 3, pure.
 *
 * An onset opens with the first fail of a drift rule in the model's group, and ends when all of
 * them are clear. While it is open it fires at most once, and only when every guard passes: broken
 * data withhold it. Where somebody must approve, it waits for that. Every decision is handed out
 * with its reasons.
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
    uint64_t fresh_rows; /* of windows judged since the last request */
};

/* What is known of the run that the last request asked for. */
enum vg_retrain_flight { VG_FLIGHT_UNKNOWN, VG_FLIGHT_GOING, VG_FLIGHT_OVER };

struct vg_retrain_in {
    const struct vg_retraining *config;
    const char *agent;
    /* The one just settled; of a command an empty one, with now_us and no window. */
    const struct vg_cycle *cycle;
    bool catching_up; /* another window of its dataset is due */
    bool beside;      /* no cycle but a command: windows that are due count as not looked at */
    const struct vg_group_member *members;
    size_t nmembers;
    const struct vg_onset *onset; /* not yet ended, or NULL */
    const int64_t *fired;
    size_t nfired;                  /* times of requests, newest first */
    bool in_flight;                 /* a request waits in the outbox */
    const struct vg_onset *pending; /* whose request that is; NULL: none waits, or it is unknown */
    bool touched, sending;          /* it may have arrived already; it is being sent now */
    enum vg_retrain_flight run;     /* of the newest of `fired` */
    bool failed;                    /* that run was refused, failed or lost sight of */
};

/* What is to be told to people. */
enum vg_retrain_tell {
    VG_TELL_NOTHING,
    VG_TELL_WAITS, /* approval is awaited */
    VG_TELL_OVER   /* what they were told no longer stands */
};

enum { VG_DECISIONS_MAX = 3 };
struct vg_retrain_out {
    bool has_onset; /* to be stored */
    struct vg_onset onset;
    bool fire; /* put a request into the outbox */
    /* Take the one of this onset out of it; to be stored, but for `onset` if that is the same. */
    bool withdraw;
    struct vg_onset withdrawn;
    enum vg_retrain_tell tell;
    bool failed; /* VG_TELL_OVER: that its run failed */
    struct vg_decision decisions[VG_DECISIONS_MAX];
    size_t ndecisions;
};

/* Text handed out lives in arena or in the inputs. 0, or -1 VG_E_MEMORY. */
int vg_retrain(const struct vg_retrain_in *in, struct vg_arena *arena, struct vg_retrain_out *out,
               struct vg_error *err);

/* --- What people say of it -------------------------------------------------------------------- */

struct vg_retrain_wish {
    const char *by, *why;  /* why may be "" */
    int64_t asked_us;      /* when it was asked for */
    bool force;            /* cooldown, budgets, quiet times and numbers of rows do not count */
    char key[VG_KEY_SIZE]; /* of the onset that is made where none is open: one for each wish */
};
/* Of in->onset, which is open, or whose request waits and is denied: the onset with the word of a
 * person, and what follows from it now; approved, it fires only when every guard passes.
 * VG_E_USAGE where it has fired already. */
int vg_retrain_approve(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                       struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err);
int vg_retrain_deny(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                    struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err);
/* Asked for by hand: the open onset fires, or one that nobody but this person opened. Broken or
 * unknown data, and a request or run under way, withhold it whatever is forced; that this drift was
 * asked for already, and its run has not failed, unless it is forced. */
int vg_retrain_by_hand(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                       struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err);

#endif
