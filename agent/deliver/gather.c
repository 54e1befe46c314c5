/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many incidents at once: which rows of a receiver wait for others, and which go together now.
 *
 * Of each sort (news, reminders, ends) a receiver is sent a few messages singly, as many as its
 * `digest` says within `digest_within`. What exceeds them is told together, by its end.
 * Rows stay in the outbox, each for itself, until the message that told of them was delivered: so
 * order, pairs and crashes are what they are for a single message. The message is compose.c's.
 */
#include <string.h>

#include "agent/deliver/parts.h"

int vg_gather_sort(enum vg_message_kind kind)
{
    switch (kind) {
    case VG_MSG_OPEN:
    case VG_MSG_UPDATE:
        return 0;
    case VG_MSG_REMIND:
        return 1;
    case VG_MSG_RESOLVE:
        return 2;
    default:
        return -1;
    }
}

struct crowd {
    int most; /* single messages within so long; 0: any number */
    int64_t within_us;
};

static struct crowd find_crowd(struct vg_deliver *deliver, const struct vg_lane *lane,
                               int64_t now_us)
{
    struct crowd crowd = {0};
    pthread_mutex_lock(&deliver->lock);
    const struct vg_receiver *receiver =
        lane->kind == VG_SINK_RECEIVER ? vg_config_receiver(deliver->config, lane->name) : NULL;
    if (receiver && vg_sink_of(receiver->kind)->gathers && lane->singly_us <= now_us)
        crowd = (struct crowd){receiver->digest, receiver->digest_within_us};
    pthread_mutex_unlock(&deliver->lock);
    return crowd;
}

/* How many may be sent one by one now: each leaves a trace for its share of the time. A trace that
 * reaches further than the time itself is of a clock that was set back. */
static int64_t count_free(const struct vg_deliver *deliver, const struct vg_lane *lane, int sort,
                          const struct crowd *crowd, int64_t now_us)
{
    int64_t left_us = lane->crowd_us[sort] - now_us;
    if (!deliver->paced || left_us <= 0 || left_us > crowd->within_us)
        return crowd->most;
    int64_t share_us = crowd->within_us / crowd->most;
    return crowd->most - (left_us + share_us - 1) / share_us;
}

/* What becomes of n rows of a sort, the oldest of which is so old. True: they wait. */
static bool must_wait(struct vg_lane *lane, struct vg_gather *out, int sort, int64_t oldest_us,
                      const struct crowd *crowd, int64_t now_us)
{
    int64_t until_us = oldest_us + crowd->within_us;
    if (until_us <= now_us || until_us - now_us > crowd->within_us)
        return false;
    if (!lane->gather_us || until_us < lane->gather_us)
        lane->gather_us = until_us;
    out->held[sort] = lane->gathering[sort] = true;
    return true;
}

static void decide(const struct vg_deliver *deliver, struct vg_lane *lane,
                   const struct crowd *crowd, struct vg_gather *out)
{
    int64_t now_us = deliver->turn_us;
    for (int sort = 0; sort < VG_GATHER_SORTS; sort++) {
        int64_t n = 0, oldest_us = VG_NEVER;
        for (size_t i = 0; i < out->n; i++) {
            const struct vg_outgoing *row = &out->rows[i];
            bool own = vg_gather_sort(row->kind) == sort;
            n += own;
            oldest_us = own && row->created_us < oldest_us ? row->created_us : oldest_us;
        }
        int64_t spare = count_free(deliver, lane, sort, crowd, now_us);
        bool began = lane->gathering[sort] && n;
        lane->gathering[sort] = false;
        if (n <= spare && !began)
            continue;
        if ((began || spare < crowd->most) && must_wait(lane, out, sort, oldest_us, crowd, now_us))
            continue;
        if (n > 1 && out->together < 0)
            out->together = sort;
    }
}

/* What was begun to be told together is decided already. */
static void set_begun_apart(struct vg_gather *out)
{
    size_t n = 0;
    for (size_t i = 0; i < out->n; i++) {
        vg_gather_notice(out, &out->rows[i]);
        if (!out->rows[i].digest)
            out->rows[n++] = out->rows[i];
    }
    out->n = n;
}

int vg_deliver_gather(struct vg_deliver *deliver, struct vg_lane *lane, struct vg_arena *arena,
                      struct vg_gather *out, struct vg_error *err)
{
    const struct crowd crowd = find_crowd(deliver, lane, deliver->turn_us);
    *out = (struct vg_gather){.together = -1};
    lane->gather_us = 0;
    if (crowd.most <= 0)
        return 0;
    if (vg_store_outbox_gather(deliver->store, lane->name, deliver->turn_us, arena, &out->rows,
                               &out->n, err) < 0)
        return -1;
    set_begun_apart(out);
    decide(deliver, lane, &crowd, out);
    return 0;
}

void vg_gather_notice(struct vg_gather *gather, const struct vg_outgoing *row)
{
    if (!row->digest)
        return;
    if (!gather->begun) {
        gather->begun = row->digest;
        gather->begun_attempts = row->attempts;
    } else if (!strcmp(gather->begun, row->digest) && row->attempts > gather->begun_attempts) {
        gather->begun_attempts = row->attempts;
    }
}

bool vg_gather_skips(const struct vg_gather *gather)
{
    bool skips = gather->begun != NULL;
    for (int sort = 0; sort < VG_GATHER_SORTS; sort++)
        skips = skips || gather->held[sort];
    return skips;
}

bool vg_gather_holds(const struct vg_gather *gather, const struct vg_outgoing *row)
{
    int sort = vg_gather_sort(row->kind);
    bool found = false;
    for (size_t i = 0; sort >= 0 && gather->held[sort] && i < gather->n && !found; i++)
        found = gather->rows[i].id == row->id;
    return found;
}

void vg_gather_count(struct vg_deliver *deliver, struct vg_lane *lane, enum vg_message_kind kind,
                     int64_t now_us)
{
    const struct crowd crowd = find_crowd(deliver, lane, now_us);
    int sort = vg_gather_sort(kind);
    if (crowd.most <= 0 || sort < 0)
        return;
    int64_t *until_us = &lane->crowd_us[sort];
    int64_t left_us = *until_us - now_us;
    bool fresh = left_us <= 0 || left_us > crowd.within_us;
    int64_t next_us = (fresh ? now_us : *until_us) + crowd.within_us / crowd.most;
    *until_us = next_us < now_us + crowd.within_us ? next_us : now_us + crowd.within_us;
}

void vg_gather_fill(struct vg_deliver *deliver, struct vg_lane *lane, int sort)
{
    const struct crowd crowd = find_crowd(deliver, lane, deliver->turn_us);
    lane->crowd_us[sort] = deliver->turn_us + crowd.within_us;
}
