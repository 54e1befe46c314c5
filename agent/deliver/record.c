/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcomes of requests into the store, those of all rows of one request in one transaction.
 *
 * An outcome is kept until the store has it, and its lane sends nothing meanwhile: a store that
 * fails costs at most one repeated request per receiver. A row that is not there any more, as after
 * a damaged store was set aside, costs nothing of what else there is to record.
 */
#include <string.h>

#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

static void fill_decision(const struct vg_lane *lane, int64_t now_us, char *reason, size_t size,
                          struct vg_decision *decision)
{
    bool accepted = lane->outcome == VG_DELIVERED;
    if (lane->lost)
        snprintf(reason, size, "%s", lane->why);
    else
        snprintf(reason, size, "the training system %s the request: %s",
                 accepted ? "accepted" : "refused", lane->why);
    *decision = (struct vg_decision){
        .model = lane->name,
        .at_us = now_us,
        .kind = lane->lost ? VG_DECIDED_LOST
                : accepted ? VG_DECIDED_ACCEPTED
                           : VG_DECIDED_REFUSED,
        .reason = reason,
    };
    memcpy(decision->key, lane->key, VG_KEY_SIZE);
}

static int put_delivered(struct vg_deliver *deliver, const struct vg_lane *lane, int64_t now_us,
                         struct vg_error *err)
{
    if (lane->kept[0] &&
        vg_store_outbox_keep(deliver->store, lane->row, lane->kept, now_us, err) < 0)
        return -1;
    if (lane->more)
        return vg_store_outbox_step(deliver->store, lane->row, now_us, err);
    if (lane->again_us)
        return vg_store_outbox_stand(deliver->store, lane->row, now_us, now_us + lane->again_us,
                                     err);
    return vg_store_outbox_sent(deliver->store, lane->row, now_us, err);
}

static int put_outcome(struct vg_deliver *deliver, const struct vg_lane *lane, int64_t now_us,
                       struct vg_error *err)
{
    if (lane->afresh && vg_store_outbox_keep(deliver->store, lane->row, NULL, now_us, err) < 0)
        return -1;
    switch (lane->outcome) {
    case VG_AFRESH:
        break;
    case VG_DELIVERED:
        return put_delivered(deliver, lane, now_us, err);
    case VG_PERMANENT:
        return vg_store_outbox_dead(deliver->store, lane->row, now_us, lane->why, err);
    case VG_RETRY:
        if (lane->unclear && !lane->apart &&
            vg_store_outbox_touch(deliver->store, lane->row, err) < 0)
            return -1;
        if (lane->nmembers && (lane->apart || !lane->unclear) &&
            vg_store_outbox_apart(deliver->store, lane->row, lane->apart, err) < 0)
            return -1;
        if (lane->asked_us &&
            vg_store_outbox_hold(deliver->store, lane->row, lane->asked_us, err) < 0)
            return -1;
        return vg_store_outbox_retry(deliver->store, lane->row, lane->next_us, lane->why, err);
    }
    return vg_fail(err, VG_E_INTERNAL, "an outcome of no kind");
}

static int put_or_miss(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                       struct vg_error *err)
{
    struct vg_error own = {0};
    int rc = put_outcome(deliver, lane, now_us, &own);
    if (rc < 0 && own.code == VG_E_NOT_FOUND) {
        lane->missing++;
        return 0;
    }
    if (rc < 0 && err)
        *err = own;
    return rc;
}

/* Of all rows of a request, in one transaction. */
static int put_outcomes(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                        struct vg_error *err)
{
    int rc = 0;
    lane->missing = 0;
    if (!lane->nmembers)
        return put_or_miss(deliver, lane, now_us, err);
    for (size_t i = 0; rc == 0 && i < lane->nmembers; i++) {
        lane->row = lane->members[i];
        rc = put_or_miss(deliver, lane, now_us, err);
        vg_failpoint("mid_gathered");
    }
    return rc;
}

/* What was to be sent again and is not in the outbox any more will not be. */
static void lose_request(struct vg_lane *lane)
{
    char said[VG_DELIVER_WHY];
    if (!lane->chain || !lane->missing || lane->outcome != VG_RETRY || lane->lost)
        return;
    memcpy(said, lane->why, sizeof said);
    lane->lost = true;
    snprintf(lane->why, sizeof lane->why,
             "the request has left the outbox, and is not sent again; last answer: %.120s", said);
}

static void tell_missing(const struct vg_lane *lane)
{
    static const char *const outcomes[] = {[VG_DELIVERED] = "delivered",
                                           [VG_RETRY] = "not delivered, and not tried again",
                                           [VG_PERMANENT] = "refused for good"};
    if (lane->missing)
        vg_log(VG_LOG_ERROR, "a message had left the outbox before its outcome",
               lane->kind == VG_SINK_RETRAIN ? "model" : "receiver", lane->name, "key", lane->key,
               "outcome", outcomes[lane->outcome], "answer", lane->why, NULL);
}

static int record_outcome(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                          struct vg_error *err)
{
    struct vg_decision decision;
    char reason[VG_DELIVER_WHY + 60];
    bool decided = false;
    lane->record_us = now_us + VG_DELIVER_PAUSE_US;
    static const char *const before[] = {[VG_DELIVERED] = "after_2xx_before_mark",
                                         [VG_RETRY] = "before_retry",
                                         [VG_PERMANENT] = "before_dead"};
    if (vg_failpoint(before[lane->outcome]) < 0)
        return vg_fail(err, VG_E_IO, "failpoint");
    if (vg_store_begin(deliver->store, VG_DELIVER_CLAIM, err) < 0)
        return -1;
    int rc = put_outcomes(deliver, lane, now_us, err);
    lose_request(lane);
    bool decides = lane->chain && (lane->outcome != VG_RETRY || lane->lost);
    fill_decision(lane, now_us, reason, sizeof reason, &decision);
    if (rc < 0 || (lane->chain && vg_deliver_put_run(deliver, lane, now_us, err) < 0) ||
        (decides && vg_store_decision_put(deliver->store, &decision, &decided, err) < 0) ||
        vg_store_commit(deliver->store, err) < 0) {
        vg_store_rollback(deliver->store);
        return -1;
    }
    tell_missing(lane);
    vg_failpoint(lane->outcome == VG_RETRY       ? "after_retry"
                 : lane->outcome == VG_PERMANENT ? "after_dead"
                                                 : "after_mark");
    lane->busy = lane->answered = false;
    if (lane->chain)
        vg_deliver_end_ask(deliver, lane);
    if (decided && deliver->hooks.decided)
        deliver->hooks.decided(deliver->hooks.arg, &decision);
    return 0;
}

int vg_deliver_record(struct vg_deliver *deliver, int64_t now_us, bool *any, struct vg_error *err)
{
    int rc = 0;
    *any = false;
    for (struct vg_lane *lane = deliver->lanes; lane && !rc; lane = lane->next) {
        if (!lane->answered || vg_deliver_pauses(lane->record_us, now_us))
            continue;
        rc = record_outcome(deliver, lane, now_us, err);
        if (!rc)
            vg_deliver_alarm(deliver, lane, now_us);
        *any = true;
    }
    return rc;
}
