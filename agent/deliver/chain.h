/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of a training system: requests one after the other, each made from what the answers
 * before it said; known to the delivery engine only.
 *
 * A chain lives in memory. What it was told on the way, a token too, is wiped at its end and stored
 * nowhere: a chain that was cut off begins anew. It belongs to the configuration it began with: a
 * reload in between neither turns it to another system nor takes away what its answer means.
 */
#ifndef PGVIGIL_AGENT_DELIVER_CHAIN_H
#define PGVIGIL_AGENT_DELIVER_CHAIN_H

#include "agent/deliver/parts.h"
#include "agent/triggers/systems.h"

struct vg_chain {
    struct vg_arena *arena;                 /* owns all of it; NULL: there is no chain */
    const struct vg_config *config;         /* held */
    const struct vg_retraining *retraining; /* of it; NULL: the model is not in it */
    const struct vg_trigger_ops *system;    /* of that, or NULL */
    char place[VG_KEY_SIZE];                /* where it leads, as vg_place_of() says; "": nowhere */
    struct vg_onset onset;
    struct vg_retrain_run run; /* what is known of it, with what this chain was told */
    bool follows;              /* what became of the run, else for a new one */
    bool fetching;             /* the request under way is the command that prints the token */
    bool starts;  /* the request under way may start a run that a look before it did not find */
    bool asked;   /* of a new run: it was asked for, and what came before it has been answered */
    bool arrived; /* and that may have been read, whatever is answered to what comes after it */
    int step, requests;
    int64_t follow_for_us;
    int64_t over_us; /* of a run that is followed: what has not ended counts as over then */
    const char *memory, *token;
};

/* Where a training system takes requests and has its runs: hash of the system, its address and
 * those of its keys that say what is run. Whose rights, which version and which parameters does not
 * count. Errors are those of reading the url_file. */
int vg_place_of(const struct vg_retraining *retraining, char out[VG_KEY_SIZE],
                struct vg_error *err);

/* Whether nobody has read the request, as the answer says: none was sent, or it was turned away. */
bool vg_chain_unread(const struct vg_response *response);
/* Under the lock: a chain for what a row says, and where it leads. -1: it leads nowhere, and is to
 * be ended all the same. */
int vg_chain_prepare(struct vg_chain *chain, const struct vg_config *config,
                     const struct vg_outgoing *row, struct vg_error *err);
/* Under the lock: its first request, the model being in the configuration. VG_E_DATA: the row
 * cannot be read. Whatever is returned, *out is to be emptied, and the chain ended. */
int vg_chain_ask(struct vg_chain *chain, const struct vg_packing *packing,
                 const struct vg_outgoing *row, struct vg_parcel *out, struct vg_error *err);
/* Under the lock: the first request about a run. out->ready is VG_READY_ABSENT where the system it
 * was asked for is not in the configuration as it was then. The rest as above. */
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
