/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The delivery engine: due rows into requests, answers into the store, and the thread around it.
 *
 * Outcomes are recorded in record.c, requests are made in pack.c, lanes and configuration are those
 * of lanes.c; what of many incidents is told together is decided in gather.c.
 */
#include "agent/deliver/deliver.h"

#include <string.h>

#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { PER_SINK = 8, READ_AGAIN = 3 };
static const int64_t cap_us = 5 * VG_MINUTE_US, hold_cap_us = VG_HOUR_US;
static const int64_t probe_us = 4 * VG_US; /* least time between two requests to who is down */
static const int64_t idle_us = 5 * VG_US;

/* --- Waiting ---------------------------------------------------------------------------------- */

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
    const char *event =
        lane->lost ? "what became of it is not known, set aside" : events[lane->outcome];
    vg_log(levels[lane->outcome], event, retrain ? "model" : "receiver", lane->name, "message",
           retrain ? "retraining request" : vg_message_kind_name(lane->message), "key", lane->key,
           "attempt", attempt, "answer", lane->why, NULL);
}

static void count_outcome(struct vg_deliver *deliver, struct vg_lane *lane)
{
    bool whole = lane->outcome != VG_DELIVERED || !(lane->more || lane->standing);
    if (!whole)
        return; /* a message counts once */
    /* of many in one request each counts, where it arrived */
    size_t n = lane->nmembers && lane->outcome == VG_DELIVERED ? lane->nmembers : 1;
    pthread_mutex_lock(&deliver->lock);
    lane->count.attempts += n;
    lane->count.sent += lane->outcome == VG_DELIVERED ? n : 0;
    lane->count.failures += lane->outcome != VG_DELIVERED;
    lane->count.dropped += lane->outcome == VG_PERMANENT;
    pthread_mutex_unlock(&deliver->lock);
    for (size_t i = 0; deliver->hooks.notified && i < n; i++)
        deliver->hooks.notified(deliver->hooks.arg, lane->kind, lane->name, lane->outcome);
}

/* The lane's row has come to an end or must wait; what follows is record_outcome. */
static void settle(struct vg_deliver *deliver, struct vg_lane *lane, enum vg_outcome outcome,
                   int64_t retry_after_us, int64_t now_us)
{
    if (lane->nmembers && outcome == VG_PERMANENT) { /* each for itself may be fine */
        outcome = VG_RETRY;
        lane->apart = true;
        lane->singly_us = now_us + hold_cap_us;
    }
    if (lane->nmembers && outcome != VG_DELIVERED) /* with those that have come meanwhile */
        lane->gathering[vg_gather_sort(lane->message)] = true;
    lane->afresh = outcome == VG_AFRESH;
    outcome = lane->afresh ? VG_RETRY : outcome;
    lane->outcome = outcome;
    lane->answered = true;
    lane->record_us = now_us;
    lane->attempts++;
    lane->asked_us = 0;
    if (outcome == VG_RETRY) {
        /* one number for both, so that the lane is open when its row is due again */
        double share = deliver->random(deliver->random_arg);
        int tries = lane->attempts - 1 > lane->failures ? lane->attempts - 1 : lane->failures;
        int64_t asked_us = earlier(retry_after_us, hold_cap_us);
        lane->asked_us = asked_us > 0 ? now_us + asked_us : 0;
        int64_t row_us = vg_deliver_backoff(tries, cap_us, share);
        int64_t lane_us = vg_deliver_backoff(lane->failures, cap_us, share);
        if (!lane->failures++)
            lane->down_us = now_us;
        if (lane->failures >= VG_DELIVER_BREAK && lane_us < probe_us)
            lane_us = row_us = row_us > probe_us ? row_us : probe_us;
        lane->next_us = now_us + (row_us > asked_us ? row_us : asked_us);
        lane->hold_us = now_us + (lane_us > asked_us ? lane_us : asked_us);
    } else {
        lane->failures = 0;
        lane->hold_us = 0;
    }
    count_outcome(deliver, lane);
    log_outcome(lane);
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
    lane->unclear = lane->lost = lane->apart = false;
    lane->missing = 0;
    lane->row = row->id;
    lane->message = row->kind;
    lane->attempts = row->attempts;
    lane->standing = row->standing;
    lane->more = lane->afresh = false;
    lane->nmembers = 0;
    lane->again_us = 0;
    memcpy(lane->key, row->key, VG_KEY_SIZE);
    lane->why[0] = lane->kept[0] = '\0';
}

/* Under the lock. 1 when the request is under way, 0 when there is none to make, -1. `many`: of
 * several rows, the one given being the first of them; or NULL. */
static int start_row(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, const struct vg_message *many,
                     struct vg_arena *arena, struct vg_error *err)
{
    struct vg_parcel parcel;
    const struct vg_packing packing = {deliver->config, deliver->agent, vg_deliver_now(deliver)};
    int rc =
        lane->chain ? vg_chain_ask(lane->chain, &packing, row, &parcel, err)
        : many ? vg_deliver_pack_message(&packing, lane->name, many, row->kept, arena, &parcel, err)
               : vg_deliver_pack(&packing, row, arena, &parcel, err);
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
                     const struct vg_outgoing *row, const struct vg_message *many,
                     struct vg_arena *arena)
{
    struct vg_error err = {0};
    int64_t now_us = deliver->turn_us;
    size_t nmembers = many ? lane->nmembers : 0;
    occupy(lane, row);
    lane->nmembers = nmembers;
    pthread_mutex_lock(&deliver->lock);
    int rc = start_row(deliver, lane, row, many, arena, &err);
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

/* To the training system, unless it may be at another one already. */
static int offer_request(struct vg_deliver *deliver, struct vg_lane *lane,
                         const struct vg_outgoing *row, struct vg_arena *arena,
                         struct vg_error *err)
{
    enum vg_way way;
    occupy(lane, row);
    if (vg_deliver_find_way(deliver, lane, row, &way, err) < 0) {
        lane->busy = false;
        return -1;
    }
    switch (way) {
    case VG_WAY_OPEN:
        send_row(deliver, lane, row, NULL, arena);
        break;
    case VG_WAY_LOST:
        lane->lost = true;
        settle(deliver, lane, VG_PERMANENT, 0, deliver->turn_us);
        break;
    case VG_WAY_FAILED:
        settle(deliver, lane, VG_RETRY, 0, deliver->turn_us);
        break;
    case VG_WAY_ABSENT:
    case VG_WAY_GONE:
        lane->busy = false;
        deliver->spared = deliver->spared || way == VG_WAY_GONE;
        pthread_mutex_lock(&deliver->lock);
        if (way == VG_WAY_ABSENT)
            say_absent(lane);
        pthread_mutex_unlock(&deliver->lock);
    }
    return 0;
}

/* What the receiver asked for before a restart is known from here on. */
static int learn_hold(struct vg_deliver *deliver, struct vg_lane *lane, struct vg_error *err)
{
    int64_t held_us;
    if (lane->held_known)
        return 0;
    if (vg_store_outbox_held(deliver->store, lane->kind, lane->name, &held_us, err) < 0)
        return -1;
    lane->held_known = true;
    lane->hold_us = held_us > lane->hold_us ? held_us : lane->hold_us;
    lane->asked_us = held_us > lane->asked_us ? held_us : lane->asked_us;
    return 0;
}

/* Sends it, unless it need not be sent any more: then another one of its lane may be due. */
static int offer_row(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, struct vg_arena *arena, struct vg_error *err)
{
    bool spared;
    if (lane->chain)
        return offer_request(deliver, lane, row, arena, err);
    if (vg_deliver_spare(deliver, row, deliver->turn_us, &spared, err) < 0)
        return -1;
    deliver->spared = deliver->spared || spared;
    if (spared)
        return 0;
    vg_gather_count(deliver, lane, row, deliver->turn_us);
    send_row(deliver, lane, row, NULL, arena);
    return 0;
}

/* One message of many rows, but for those that need not be sent any more: then it is looked again
 * at what is left. *sent false: they must go one by one. */
static int offer_many(struct vg_deliver *deliver, struct vg_lane *lane,
                      const struct vg_gather *gather, struct vg_arena *arena, bool *sent,
                      struct vg_error *err)
{
    const struct vg_message *many;
    bool spared = false;
    *sent = true;
    for (size_t i = 0; i < gather->n; i++) {
        bool gone = false;
        if (vg_gather_sort(gather->rows[i].kind) == gather->together &&
            vg_deliver_spare(deliver, &gather->rows[i], deliver->turn_us, &gone, err) < 0)
            return -1;
        spared = spared || gone;
    }
    deliver->spared = deliver->spared || spared;
    if (spared)
        return 0;
    struct vg_outgoing first;
    if (vg_gather_compose(deliver, lane, gather, &first, arena, &many, err) < 0)
        return -1;
    *sent = many != NULL;
    if (many)
        send_row(deliver, lane, &first, many, arena);
    return 0;
}

/* The same message of many that may have arrived. */
static int offer_again(struct vg_deliver *deliver, struct vg_lane *lane,
                       const struct vg_gather *gather, struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_message *many;
    struct vg_outgoing first;
    if (vg_gather_again(deliver, lane, gather, &first, arena, &many, err) < 0)
        return -1;
    if (many)
        send_row(deliver, lane, &first, many, arena);
    deliver->spared = deliver->spared || !many;
    return 0;
}

/* What is due to a lane that is free: what was begun, unless there is something that was tried
 * less; of many rows one message, or one. */
static int offer_lane(struct vg_deliver *deliver, struct vg_lane *lane,
                      const struct vg_outgoing *rows, size_t n, struct vg_arena *arena,
                      struct vg_error *err)
{
    struct vg_gather gather = {.listed = rows, .nlisted = n};
    const struct vg_outgoing *best;
    bool sent = false;
    if (vg_deliver_gather(deliver, lane, arena, &gather, err) < 0 ||
        vg_gather_choose(deliver, lane, &gather, arena, &best, err) < 0)
        return -1;
    if (gather.begun && (!best || best->attempts >= gather.begun_attempts))
        return offer_again(deliver, lane, &gather, arena, err);
    if (gather.together >= 0 && !(best && vg_gather_goes_before(&gather, best))) {
        if (offer_many(deliver, lane, &gather, arena, &sent, err) < 0)
            return -1;
        if (sent)
            return 0;
        vg_gather_let_go(&gather);
        if (vg_gather_choose(deliver, lane, &gather, arena, &best, err) < 0)
            return -1;
    }
    return best ? offer_row(deliver, lane, best, arena, err) : 0;
}

/* Whether an earlier row is of the same lane. */
static bool is_seen(const struct vg_outgoing *rows, size_t i)
{
    bool seen = false;
    for (size_t k = 0; k < i && !seen; k++)
        seen = rows[k].sink_kind == rows[i].sink_kind && !strcmp(rows[k].sink, rows[i].sink);
    return seen;
}

/* Sends what is due on lanes that are free. One that cannot be worked on holds up no other. */
static int start_rows(struct vg_deliver *deliver, struct vg_error *err)
{
    struct vg_outgoing *rows;
    size_t n;
    int64_t now_us = deliver->turn_us;
    struct vg_arena *arena = vg_arena_new_wiped(); /* requests are made in it */
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_store_outbox_due(deliver->store, now_us, PER_SINK, arena, &rows, &n, err);
    size_t nrows = rc ? 0 : n;
    for (size_t i = 0; i < nrows; i++) {
        if (is_seen(rows, i))
            continue;
        pthread_mutex_lock(&deliver->lock);
        struct vg_lane *lane = vg_deliver_lane(deliver, rows[i].sink_kind, rows[i].sink);
        pthread_mutex_unlock(&deliver->lock);
        int one = 0;
        if (!lane)
            one = vg_fail(err, VG_E_MEMORY, "out of memory");
        else if (!lane->busy)
            one = learn_hold(deliver, lane, err);
        if (!one && !lane->busy && find_opening(deliver, lane, now_us) <= now_us)
            one = offer_lane(deliver, lane, rows, n, arena, err);
        rc = rc ? rc : one;
    }
    vg_arena_free(arena);
    return rc;
}

static void take_kept(struct vg_lane *lane, const struct vg_response *response)
{
    struct vg_buf text;
    vg_buf_init(&text, VG_DELIVER_KEPT - sizeof VG_KEPT_GATHERED);
    lane->keep(response, &text);
    const char *mark = lane->nmembers && text.len ? VG_KEPT_GATHERED : "";
    snprintf(lane->kept, sizeof lane->kept, "%s%s", text.failed ? "" : text.data, mark);
    vg_buf_free(&text);
}

void vg_deliver_answered(struct vg_deliver *deliver, void *tag, const struct vg_response *response,
                         int64_t now_us)
{
    if (((struct vg_tag *)tag)->cargo == VG_CARGO_PUSH) {
        vg_deliver_take_push(deliver, tag, response, now_us);
        return;
    }
    if (((struct vg_tag *)tag)->cargo == VG_CARGO_BEAT) {
        vg_deliver_take_beat(deliver, response, now_us);
        return;
    }
    if (((struct vg_tag *)tag)->cargo == VG_CARGO_RUN) {
        vg_deliver_take_run(deliver, tag, response, now_us);
        return;
    }
    vg_failpoint("answered");
    struct vg_lane *lane = tag;
    int64_t retry_after_us = response->retry_after_us;
    enum vg_outcome outcome;
    if (!lane->chain)
        outcome = lane->answer(response, &retry_after_us, lane->why, sizeof lane->why);
    else if (vg_deliver_take_said(deliver, lane, response, now_us, &retry_after_us, &outcome))
        return; /* another request of it is under way */
    if (outcome == VG_DELIVERED && lane->keep)
        take_kept(lane, response);
    lane->unclear = lane->chain ? lane->chain->arrived : !vg_chain_unread(response);
    settle(deliver, lane, outcome, retry_after_us, now_us);
}

bool vg_deliver_under_way(const struct vg_deliver *deliver)
{
    bool any = deliver->pushes_in_flight > 0 || deliver->elsewhere_in_flight > 0 ||
               deliver->beat.in_flight || vg_deliver_follows(deliver);
    for (const struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        any = any || (lane->busy && !lane->answered);
    return any;
}

int vg_deliver_turn(struct vg_deliver *deliver, int64_t now_us, int64_t *again_us,
                    struct vg_error *err)
{
    int64_t next_us = VG_NEVER, run_us = VG_NEVER;
    bool any;
    int rc = vg_deliver_set_back(deliver, now_us, err);
    vg_deliver_hurry(deliver);
    /* A disk that is full is no reason to tell nobody: who waits for his own record is busy. */
    int kept = rc ? rc : vg_deliver_record(deliver, now_us, &any, err);
    int room = rc ? rc : vg_deliver_make_room(deliver, now_us, err);
    deliver->turn_us = now_us;
    do {
        deliver->spared = false;
        rc = rc ? rc : start_rows(deliver, err);
        /* a row that came to its end without a request makes room for the next */
        rc = rc ? rc : vg_deliver_record(deliver, now_us, &any, err);
    } while (!rc && (any || deliver->spared));
    rc = rc ? rc : kept ? kept : room;
    vg_deliver_start_beat(deliver, now_us);
    int64_t push_us = vg_deliver_start_pushes(deliver, now_us);
    rc = rc ? rc : vg_deliver_follow(deliver, now_us, &run_us, err);
    rc = rc ? rc : vg_store_outbox_next(deliver->store, now_us, &next_us, err);
    *again_us = earlier(earlier(earlier(next_us, push_us), run_us),
                        now_us + (rc ? VG_DELIVER_PAUSE_US : idle_us));
    for (const struct vg_lane *lane = deliver->lanes; lane; lane = lane->next) {
        int64_t open_us = find_opening(deliver, lane, now_us);
        if (open_us > now_us)
            *again_us = earlier(*again_us, open_us);
        if (lane->answered)
            *again_us = earlier(*again_us, lane->record_us);
        if (lane->gather_us > now_us)
            *again_us = earlier(*again_us, lane->gather_us);
    }
    return rc;
}
