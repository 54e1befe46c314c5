/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of a training system: requests one after the other, each made from what the answers
 * before it said; known to the delivery engine only.
 *
 * A chain lives in memory. What it was told on the way, a token too, is wiped at its end and stored
 * nowhere: a chain that was cut off begins anew.
 */
#ifndef PGVIGIL_AGENT_DELIVER_CHAIN_H
#define PGVIGIL_AGENT_DELIVER_CHAIN_H

#include "agent/deliver/parts.h"
#include "agent/triggers/systems.h"

struct vg_chain {
    struct vg_arena *arena; /* owns all of it; NULL: there is no chain */
    const struct vg_trigger_ops *system;
    struct vg_onset onset;
    struct vg_retrain_run run; /* what is known of it, with what this chain was told */
    bool follows;              /* what became of the run, else for a new one */
    bool fetching;             /* the request under way is the command that prints the token */
    bool starts; /* the request under way may start a run that a look before it did not find */
    int step, requests;
    int64_t follow_for_us;
    int64_t over_us; /* of a run that is followed: what has not ended counts as over then */
    const char *memory, *token;
};

/* Under the lock: the first request for what a row says, or for what became of a run. out->ready is
 * VG_READY_ABSENT where the model, or the system that has the run, is not in the configuration.
 * VG_E_DATA: the row cannot be read. Whatever is returned, *out is to be emptied, and the chain
 * ended. */
int vg_chain_ask(struct vg_chain *chain, const struct vg_packing *packing,
                 const struct vg_outgoing *row, struct vg_parcel *out, struct vg_error *err);
int vg_chain_follow(struct vg_chain *chain, const struct vg_packing *packing,
                    const struct vg_retrain_run *run, struct vg_parcel *out, struct vg_error *err);
/* Under the lock: what the answer means. With said->more, *out is the next request. */
void vg_chain_answered(struct vg_chain *chain, const struct vg_packing *packing,
                       const struct vg_response *response, struct vg_parcel *out,
                       struct vg_trigger_said *said);
void vg_chain_end(struct vg_chain *chain);

/* Takes what was said into chain->run: its state with all times, and when it is looked at again.
 * True when the state has changed, or was heard of for the first time. */
bool vg_chain_learn(struct vg_chain *chain, const struct vg_trigger_said *said, int64_t now_us);

#endif
