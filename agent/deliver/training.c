/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests for retraining: where they may go, the answers to them, and what is recorded with them.
 * What becomes of the runs they start is in follow.c.
 *
 * Promises that a request which may have arrived at one system is sent to no other: where that one
 * is not in the configuration any more, the request has come to its end.
 */
#include <string.h>

#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"

/* --- Before it is sent ------------------------------------------------------------------------ */

static enum vg_way judge_way(const struct vg_chain *chain, const struct vg_outgoing *row)
{
    if (row->went_to && strcmp(row->went_to, chain->place) != 0)
        return VG_WAY_LOST;
    return chain->retraining ? VG_WAY_OPEN : VG_WAY_ABSENT;
}

int vg_deliver_find_way(struct vg_deliver *deliver, struct vg_lane *lane,
                        const struct vg_outgoing *row, enum vg_way *way, struct vg_error *err)
{
    struct vg_error own = {0};
    struct vg_chain *chain = lane->chain;
    bool claimed;
    int claims = 0;
    pthread_mutex_lock(&deliver->lock);
    int rc = vg_chain_prepare(chain, deliver->config, row, &own);
    pthread_mutex_unlock(&deliver->lock);
    *way = rc < 0 ? VG_WAY_FAILED : judge_way(chain, row);
    if (*way == VG_WAY_FAILED)
        snprintf(lane->why, sizeof lane->why, "%.199s", own.msg);
    if (*way == VG_WAY_LOST)
        snprintf(lane->why, sizeof lane->why,
                 "the request may have arrived at the training system that was configured then,"
                 " and is not sent to another");
    if (*way == VG_WAY_OPEN) {
        claims = vg_store_outbox_claim(deliver->store, row->id, chain->place, &claimed, err);
        *way = claims == 0 && claimed ? VG_WAY_OPEN : VG_WAY_GONE;
    }
    if (*way == VG_WAY_GONE || *way == VG_WAY_ABSENT)
        vg_chain_end(chain);
    return claims;
}

/* --- Answers ---------------------------------------------------------------------------------- */

bool vg_deliver_go_on(struct vg_deliver *deliver, struct vg_chain *chain, void *tag,
                      const struct vg_response *response, struct vg_trigger_said *said)
{
    struct vg_parcel parcel;
    struct vg_error err = {0};
    const struct vg_packing packing = {deliver->config, deliver->agent, vg_deliver_now(deliver)};
    vg_chain_answered(chain, &packing, response, &parcel, said);
    if (said->more && deliver->http->ops->start(deliver->http, &parcel.request, tag, &err) < 0)
        vg_trigger_refuse(said, VG_RETRY, "%.190s", err.msg);
    vg_deliver_unpack(&parcel);
    return said->more;
}

bool vg_deliver_take_said(struct vg_deliver *deliver, struct vg_lane *lane,
                          const struct vg_response *response, int64_t now_us,
                          int64_t *retry_after_us, enum vg_outcome *outcome)
{
    struct vg_trigger_said said;
    pthread_mutex_lock(&deliver->lock);
    bool more = vg_deliver_go_on(deliver, lane->chain, lane, response, &said);
    pthread_mutex_unlock(&deliver->lock);
    if (more)
        return true;
    snprintf(lane->why, sizeof lane->why, "%s", said.why);
    vg_chain_learn(lane->chain, &said, now_us);
    *outcome = said.outcome;
    *retry_after_us = said.retry_after_us;
    return false;
}

/* --- What is recorded ------------------------------------------------------------------------- */

/* What the run was known to be stays known. */
static int lose_run(struct vg_deliver *deliver, struct vg_chain *chain, struct vg_error *err)
{
    struct vg_retrain_run known;
    bool found;
    if (vg_store_retrain_run(deliver->store, chain->run.key, chain->arena, &known, &found, err) < 0)
        return -1;
    if (found)
        chain->run = known;
    return 0;
}

int vg_deliver_put_run(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                       struct vg_error *err)
{
    struct vg_retrain_run *run = &lane->chain->run;
    if (!run->model)
        return 0; /* the row could not even be read */
    if (lane->lost && lose_run(deliver, lane->chain, err) < 0)
        return -1;
    run->answer = lane->why;
    if (lane->lost || (lane->outcome == VG_PERMANENT && run->state != VG_RETRAIN_REFUSED)) {
        /* else it could not even be made */
        run->state = lane->lost ? VG_RETRAIN_LOST : VG_RETRAIN_REFUSED;
        run->changed_us = run->ended_us = now_us;
        run->next_us = VG_NEVER;
    }
    return vg_store_retrain_run_put(deliver->store, run, err);
}

void vg_deliver_end_ask(struct vg_deliver *deliver, struct vg_lane *lane)
{
    const struct vg_deliver_hooks *hooks = &deliver->hooks;
    const struct vg_retrain_run *run = &lane->chain->run;
    if (run->model && lane->lost && hooks->ran)
        hooks->ran(hooks->arg, run);
    else if (run->model && !lane->lost && hooks->asked)
        hooks->asked(hooks->arg, run, lane->outcome);
    vg_chain_end(lane->chain);
}
