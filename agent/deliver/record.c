/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcomes of requests into the store, those of all rows of one request in one transaction.
 *
 * An outcome is kept until the store has it, and its lane sends nothing meanwhile: a store that
 * fails costs at most one repeated request per receiver.
 */
#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

static const int64_t store_pause_us = VG_US;
static const struct vg_claim claim = {.owner = "", .epoch = 0};

static void fill_decision(const struct vg_lane *lane, int64_t now_us, char *reason, size_t size,
                          struct vg_decision *decision)
{
    bool accepted = lane->outcome == VG_DELIVERED;
    snprintf(reason, size, "the training system %s the request: %s",
             accepted ? "accepted" : "refused", lane->why);
    *decision = (struct vg_decision){
        .model = lane->name,
        .at_us = now_us,
        .kind = accepted ? VG_DECIDED_ACCEPTED : VG_DECIDED_REFUSED,
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
        if (lane->unclear && vg_store_outbox_touch(deliver->store, lane->row, err) < 0)
            return -1;
        if (lane->asked_us &&
            vg_store_outbox_hold(deliver->store, lane->row, lane->asked_us, err) < 0)
            return -1;
        return vg_store_outbox_retry(deliver->store, lane->row, lane->next_us, lane->why, err);
    }
    return vg_fail(err, VG_E_INTERNAL, "an outcome of no kind");
}

/* Of all rows of a request, in one transaction. */
static int put_outcomes(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                        struct vg_error *err)
{
    int rc = 0;
    if (!lane->nmembers)
        return put_outcome(deliver, lane, now_us, err);
    for (size_t i = 0; rc == 0 && i < lane->nmembers; i++) {
        lane->row = lane->members[i];
        rc = put_outcome(deliver, lane, now_us, err);
        vg_failpoint("mid_gathered");
    }
    return rc;
}

static int record_outcome(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                          struct vg_error *err)
{
    struct vg_decision decision;
    char reason[VG_DELIVER_WHY + 60];
    bool decides = lane->kind == VG_SINK_RETRAIN && lane->outcome != VG_RETRY, decided = false;
    lane->record_us = now_us + store_pause_us;
    fill_decision(lane, now_us, reason, sizeof reason, &decision);
    static const char *const before[] = {[VG_DELIVERED] = "after_2xx_before_mark",
                                         [VG_RETRY] = "before_retry",
                                         [VG_PERMANENT] = "before_dead"};
    if (vg_failpoint(before[lane->outcome]) < 0)
        return vg_fail(err, VG_E_IO, "failpoint");
    if (vg_store_begin(deliver->store, &claim, err) < 0)
        return -1;
    if (put_outcomes(deliver, lane, now_us, err) < 0 ||
        (lane->chain && vg_deliver_put_run(deliver, lane, now_us, err) < 0) ||
        (decides && vg_store_decision_put(deliver->store, &decision, &decided, err) < 0) ||
        vg_store_commit(deliver->store, err) < 0) {
        vg_store_rollback(deliver->store);
        return -1;
    }
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
        int64_t left_us = lane->record_us - now_us;
        if (!lane->answered || (left_us > 0 && left_us <= store_pause_us))
            continue;
        rc = record_outcome(deliver, lane, now_us, err);
        if (!rc)
            vg_deliver_alarm(deliver, lane, now_us);
        if (rc && err && err->code == VG_E_NOT_FOUND) {
            vg_log(VG_LOG_WARN, "a message has left the outbox before its outcome", "receiver",
                   lane->name, "key", lane->key, NULL);
            lane->busy = lane->answered = false;
            rc = 0;
        }
        *any = true;
    }
    return rc;
}
