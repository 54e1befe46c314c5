/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The delivery engine: due rows into requests, answers into the store, and the thread around it.
 *
 * A row's outcome is kept until the store has it, and its lane sends nothing meanwhile: a store
 * that fails costs at most one repeated request per receiver. Requests are made in deliver_pack.c,
 * lanes and configuration are those of deliver_lanes.c.
 */
#include "agent/deliver/deliver.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "agent/deliver/parts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { PER_SINK = 8, READ_AGAIN = 3 };
static const int64_t base_us = VG_US, cap_us = 5 * VG_MINUTE_US, hold_cap_us = VG_HOUR_US;
static const int64_t idle_us = 30 * VG_US, store_pause_us = VG_US, grace_us = 2 * VG_US;
static const struct vg_claim claim = {.owner = "", .epoch = 0};

/* --- Waiting ---------------------------------------------------------------------------------- */

int64_t vg_deliver_backoff(int failed_before, int64_t most_us, double share)
{
    int64_t limit_us = failed_before < 30 ? base_us << failed_before : most_us;
    limit_us = limit_us < most_us ? limit_us : most_us;
    return (int64_t)(share * (double)limit_us);
}

static int64_t now_of(const struct vg_deliver *deliver)
{
    return deliver->clock->ops->now_us(deliver->clock);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When a lane may send again. A hold of more than the cap comes from a clock that was set back. */
static int64_t find_opening(const struct vg_deliver *deliver, const struct vg_lane *lane,
                            int64_t now_us)
{
    int64_t open_us = lane->hold_us - now_us <= hold_cap_us ? lane->hold_us : now_us;
    int64_t paced_us = lane->pace_us - lane->spacing_us * (lane->burst - 1);
    if (deliver->paced && lane->spacing_us && paced_us - now_us <= hold_cap_us &&
        paced_us > open_us)
        open_us = paced_us;
    return open_us;
}

/* --- Outcomes --------------------------------------------------------------------------------- */

static void log_outcome(const struct vg_lane *lane)
{
    static const char *const events[] = {[VG_DELIVERED] = "delivered",
                                         [VG_RETRY] = "not delivered, will be tried again",
                                         [VG_PERMANENT] = "refused for good, set aside"};
    static const enum vg_log_level levels[] = {
        [VG_DELIVERED] = VG_LOG_INFO, [VG_RETRY] = VG_LOG_WARN, [VG_PERMANENT] = VG_LOG_ERROR};
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%d", lane->attempts);
    bool retrain = lane->kind == VG_SINK_RETRAIN;
    if (lane->outcome == VG_DELIVERED && (lane->more || lane->standing))
        return; /* not the end of it, or told again, as often as the receiver wants it */
    vg_log(levels[lane->outcome], events[lane->outcome], retrain ? "model" : "receiver", lane->name,
           "message", retrain ? "retraining request" : vg_message_kind_name(lane->message), "key",
           lane->key, "attempt", attempt, "answer", lane->why, NULL);
}

static void count_outcome(struct vg_deliver *deliver, struct vg_lane *lane)
{
    bool whole = lane->outcome != VG_DELIVERED || !(lane->more || lane->standing);
    if (!whole)
        return; /* a message counts once */
    pthread_mutex_lock(&deliver->lock);
    lane->count.attempts++;
    lane->count.sent += lane->outcome == VG_DELIVERED;
    lane->count.failures += lane->outcome != VG_DELIVERED;
    lane->count.dropped += lane->outcome == VG_PERMANENT;
    pthread_mutex_unlock(&deliver->lock);
    if (deliver->hooks.notified)
        deliver->hooks.notified(deliver->hooks.arg, lane->kind, lane->name, lane->outcome);
}

/* The lane's row has come to an end or must wait; what follows is record_outcome. */
static void settle(struct vg_deliver *deliver, struct vg_lane *lane, enum vg_outcome outcome,
                   int64_t retry_after_us, int64_t now_us)
{
    lane->afresh = outcome == VG_AFRESH;
    outcome = lane->afresh ? VG_RETRY : outcome;
    lane->outcome = outcome;
    lane->answered = true;
    lane->record_us = now_us;
    lane->attempts++;
    if (outcome == VG_RETRY) {
        /* one number for both, so that the lane is open when its row is due again */
        double share = deliver->random(deliver->random_arg);
        int tries = lane->attempts - 1 > lane->failures ? lane->attempts - 1 : lane->failures;
        int64_t asked_us = earlier(retry_after_us, hold_cap_us);
        int64_t row_us = vg_deliver_backoff(tries, cap_us, share);
        int64_t lane_us = vg_deliver_backoff(lane->failures++, cap_us, share);
        lane->next_us = now_us + (row_us > asked_us ? row_us : asked_us);
        lane->hold_us = now_us + (lane_us > asked_us ? lane_us : asked_us);
    } else {
        lane->failures = 0;
        lane->hold_us = 0;
    }
    count_outcome(deliver, lane);
    log_outcome(lane);
}

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
        return vg_store_outbox_retry(deliver->store, lane->row, lane->next_us, lane->why, err);
    }
    return vg_fail(err, VG_E_INTERNAL, "an outcome of no kind");
}

static int record_outcome(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                          struct vg_error *err)
{
    struct vg_decision decision;
    char reason[VG_DELIVER_WHY + 60];
    bool decides = lane->kind == VG_SINK_RETRAIN && lane->outcome != VG_RETRY, decided = false;
    lane->record_us = now_us + store_pause_us;
    fill_decision(lane, now_us, reason, sizeof reason, &decision);
    if (lane->outcome == VG_DELIVERED && vg_failpoint("after_2xx_before_mark") < 0)
        return vg_fail(err, VG_E_IO, "failpoint");
    if (vg_store_begin(deliver->store, &claim, err) < 0)
        return -1;
    if (put_outcome(deliver, lane, now_us, err) < 0 ||
        (decides && vg_store_decision_put(deliver->store, &decision, &decided, err) < 0) ||
        vg_store_commit(deliver->store, err) < 0) {
        vg_store_rollback(deliver->store);
        return -1;
    }
    vg_failpoint("after_mark");
    lane->busy = lane->answered = false;
    if (decided && deliver->hooks.decided)
        deliver->hooks.decided(deliver->hooks.arg, &decision);
    return 0;
}

/* Records what can be recorded; *any says whether there was something. */
static int record_outcomes(struct vg_deliver *deliver, int64_t now_us, bool *any,
                           struct vg_error *err)
{
    int rc = 0;
    *any = false;
    for (struct vg_lane *lane = deliver->lanes; lane && !rc; lane = lane->next) {
        int64_t left_us = lane->record_us - now_us;
        if (!lane->answered || (left_us > 0 && left_us <= store_pause_us))
            continue;
        rc = record_outcome(deliver, lane, now_us, err);
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

/* --- Sending ---------------------------------------------------------------------------------- */

static void say_absent(struct vg_lane *lane)
{
    if (lane->absent_said)
        return;
    lane->absent_said = true;
    vg_log(VG_LOG_WARN, "messages wait: this is not in the configuration",
           lane->kind == VG_SINK_RETRAIN ? "model" : "receiver", lane->name, NULL);
}

static void occupy(struct vg_lane *lane, const struct vg_outgoing *row)
{
    lane->busy = true;
    lane->answered = false;
    lane->row = row->id;
    lane->message = row->kind;
    lane->attempts = row->attempts;
    lane->standing = row->standing;
    lane->more = lane->afresh = false;
    lane->again_us = 0;
    memcpy(lane->key, row->key, VG_KEY_SIZE);
    lane->why[0] = lane->kept[0] = '\0';
}

/* Under the lock. 1 when the request is under way, 0 when there is none to make, -1. */
static int start_row(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_parcel parcel;
    const struct vg_packing packing = {deliver->config, deliver->agent, now_of(deliver)};
    int rc = vg_deliver_pack(&packing, row, arena, &parcel, err);
    lane->answer = parcel.answer;
    lane->keep = parcel.keep;
    lane->more = parcel.request.more;
    lane->again_us = parcel.request.again_us;
    lane->spacing_us = parcel.spacing_us;
    lane->burst = parcel.burst;
    if (!rc && parcel.ready == VG_READY_ABSENT) {
        say_absent(lane);
        lane->busy = false;
    } else if (!rc && parcel.ready == VG_READY_SEND) {
        vg_failpoint("before_post");
        rc = deliver->http->ops->start(deliver->http, &parcel.request, lane, err);
        rc = rc ? rc : 1;
        vg_failpoint("after_send");
    }
    vg_deliver_unpack(&parcel);
    return rc;
}

static void send_row(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, struct vg_arena *arena, int64_t now_us)
{
    struct vg_error err = {0};
    occupy(lane, row);
    pthread_mutex_lock(&deliver->lock);
    int rc = start_row(deliver, lane, row, arena, &err);
    pthread_mutex_unlock(&deliver->lock);
    if (rc > 0) {
        int64_t from_us = lane->pace_us > now_us ? lane->pace_us : now_us;
        lane->pace_us = from_us + lane->spacing_us;
    } else if (rc < 0) {
        snprintf(lane->why, sizeof lane->why, "%.199s", err.msg);
        /* what cannot be read may be fine and memory short: a few times more */
        bool hopeless = err.code == VG_E_DATA && row->attempts >= READ_AGAIN;
        settle(deliver, lane, hopeless ? VG_PERMANENT : VG_RETRY, 0, now_us);
    } else if (lane->busy) {
        snprintf(lane->why, sizeof lane->why,
                 "nothing is sent to this receiver for such a message");
        lane->outcome = VG_DELIVERED;
        lane->answered = true;
        lane->record_us = now_us;
    }
}

/* Of the rows of one lane the one tried least goes first, so that a message which always fails does
 * not keep the others of its receiver waiting. */
static bool is_preferred(const struct vg_outgoing *rows, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        bool before =
            rows[k].attempts < rows[i].attempts || (rows[k].attempts == rows[i].attempts && k < i);
        if (before && rows[k].sink_kind == rows[i].sink_kind && !strcmp(rows[k].sink, rows[i].sink))
            return false;
    }
    return true;
}

/* Sends what is due on lanes that are free. */
static int start_rows(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    struct vg_outgoing *rows;
    size_t n;
    struct vg_arena *arena = vg_arena_new_wiped(); /* requests are made in it */
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_store_outbox_due(deliver->store, now_us, PER_SINK, arena, &rows, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        if (!is_preferred(rows, n, i))
            continue;
        pthread_mutex_lock(&deliver->lock);
        struct vg_lane *lane = vg_deliver_lane(deliver, rows[i].sink_kind, rows[i].sink);
        pthread_mutex_unlock(&deliver->lock);
        if (!lane)
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
        else if (!lane->busy && find_opening(deliver, lane, now_us) <= now_us)
            send_row(deliver, lane, &rows[i], arena, now_us);
    }
    vg_arena_free(arena);
    return rc;
}

static void take_kept(struct vg_lane *lane, const struct vg_response *response)
{
    struct vg_buf text;
    vg_buf_init(&text, VG_DELIVER_KEPT - 1);
    lane->keep(response, &text);
    snprintf(lane->kept, sizeof lane->kept, "%s", text.failed ? "" : text.data);
    vg_buf_free(&text);
}

static void take_answer(struct vg_deliver *deliver, void *tag, const struct vg_response *response,
                        int64_t now_us)
{
    if (((struct vg_tag *)tag)->cargo == VG_CARGO_PUSH) {
        vg_deliver_take_push(deliver, tag, response, now_us);
        return;
    }
    struct vg_lane *lane = tag;
    int64_t retry_after_us = response->retry_after_us;
    enum vg_outcome outcome = lane->answer(response, &retry_after_us, lane->why, sizeof lane->why);
    if (outcome == VG_DELIVERED && lane->keep)
        take_kept(lane, response);
    settle(deliver, lane, outcome, retry_after_us, now_us);
}

static bool is_under_way(const struct vg_deliver *deliver)
{
    bool any = deliver->pushes_in_flight > 0 || deliver->elsewhere_in_flight > 0;
    for (const struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        any = any || (lane->busy && !lane->answered);
    return any;
}

/* One turn: what is known is recorded, what is due is sent. *again_us: when to look again. */
static int take_turn(struct vg_deliver *deliver, int64_t now_us, int64_t *again_us,
                     struct vg_error *err)
{
    int64_t next_us = VG_NEVER;
    bool any;
    int rc = record_outcomes(deliver, now_us, &any, err);
    do {
        rc = rc ? rc : start_rows(deliver, now_us, err);
        /* a row that came to its end without a request makes room for the next */
        rc = rc ? rc : record_outcomes(deliver, now_us, &any, err);
    } while (!rc && any);
    int64_t push_us = vg_deliver_start_pushes(deliver, now_us);
    rc = rc ? rc : vg_store_outbox_next(deliver->store, now_us, &next_us, err);
    *again_us = earlier(earlier(next_us, push_us), now_us + (rc ? store_pause_us : idle_us));
    for (const struct vg_lane *lane = deliver->lanes; lane; lane = lane->next) {
        int64_t open_us = find_opening(deliver, lane, now_us);
        if (open_us > now_us)
            *again_us = earlier(*again_us, open_us);
        if (lane->answered)
            *again_us = earlier(*again_us, lane->record_us);
    }
    return rc;
}

/* --- On a virtual clock ----------------------------------------------------------------------- */

void vg_deliver_watch(struct vg_deliver *deliver, const atomic_bool *stop)
{
    deliver->watched = stop;
}

static bool is_stopped(const struct vg_deliver *deliver)
{
    return atomic_load(&deliver->stopping) || (deliver->watched && *deliver->watched);
}

int vg_deliver_drain(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    const struct vg_response *response;
    void *tag;
    int64_t again_us;
    int rc = 0;
    if (deliver->started)
        BUG("drained beside its thread");
    deliver->paced = false;
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        lane->record_us = earlier(lane->record_us, now_us);
    for (;;) {
        if (is_stopped(deliver))
            return vg_fail(err, VG_E_CANCELLED, "stopped while messages were being sent");
        rc = rc ? rc : take_turn(deliver, now_us, &again_us, err);
        if (!is_under_way(deliver))
            return rc;
        while (!deliver->http->ops->poll(deliver->http, VG_US, &tag, &response)) {
            if (is_stopped(deliver))
                return vg_fail(err, VG_E_CANCELLED, "stopped while messages were being sent");
        }
        take_answer(deliver, tag, response, now_us);
    }
}

/* --- In the daemon ---------------------------------------------------------------------------- */

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * VG_US + now.tv_nsec / 1000;
}

/* How long the end may take is a matter of the real clock, whichever clock the engine is on. */
static void finish(struct vg_deliver *deliver)
{
    const struct vg_response *response;
    struct vg_error err = {0};
    void *tag;
    bool any;
    int64_t end_us = monotonic_us() + grace_us, left_us;
    while (is_under_way(deliver) && (left_us = end_us - monotonic_us()) > 0) {
        if (deliver->http->ops->poll(deliver->http, left_us, &tag, &response))
            take_answer(deliver, tag, response, now_of(deliver));
    }
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        lane->record_us = 0;
    if (record_outcomes(deliver, now_of(deliver), &any, &err) < 0)
        vg_log(VG_LOG_ERROR, "an outcome is not recorded, the message may be repeated", "error",
               err.msg, NULL);
}

static void *run(void *arg)
{
    struct vg_deliver *deliver = arg;
    const struct vg_response *response;
    void *tag;
    bool said = false;
    while (!atomic_load(&deliver->stopping)) {
        struct vg_error err = {0};
        int64_t again_us, now_us = now_of(deliver);
        bool failed = take_turn(deliver, now_us, &again_us, &err) < 0;
        if (failed && !said)
            vg_log(VG_LOG_ERROR, "the outbox cannot be worked on", "error", err.msg, NULL);
        else if (said && !failed)
            vg_log(VG_LOG_INFO, "the outbox is worked on again", NULL);
        said = failed;
        int64_t wait_us = again_us > now_us ? again_us - now_us : 0;
        if (deliver->http->ops->poll(deliver->http, wait_us, &tag, &response))
            take_answer(deliver, tag, response, now_of(deliver));
    }
    finish(deliver);
    return NULL;
}

int vg_deliver_start(struct vg_deliver *deliver, struct vg_error *err)
{
    sigset_t all, old;
    deliver->paced = true;
    atomic_store(&deliver->stopping, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
    int error = pthread_create(&deliver->thread, NULL, run, deliver);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error)
        return vg_fail(err, VG_E_INTERNAL, "no thread for deliveries: %s", strerror(error));
    deliver->started = true;
    return 0;
}

void vg_deliver_stop(struct vg_deliver *deliver)
{
    atomic_store(&deliver->stopping, true);
    vg_deliver_wake(deliver);
    if (!deliver->started)
        return;
    pthread_join(deliver->thread, NULL);
    deliver->started = false;
}

void vg_deliver_wake(struct vg_deliver *deliver)
{
    deliver->http->ops->wake(deliver->http);
}
