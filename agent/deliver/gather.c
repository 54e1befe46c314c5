/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many incidents at once: which rows of a receiver wait for others, and which go together now.
 *
 * Of each sort (news, reminders, ends) a receiver is sent as many messages singly as its `digest`
 * says, in any time of `digest_within`: of those that wait the gravest. What exceeds them is told
 * together, by its end. Rows stay in the outbox, each for itself, until the message that told of
 * them was delivered: so order, pairs and crashes are what they are for a single message. What was
 * sent singly is remembered by the lane alone. The message is compose.c's.
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

static bool is_own(const struct vg_lane *lane, const struct vg_outgoing *row)
{
    return row->sink_kind == lane->kind && !strcmp(row->sink, lane->name);
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

/* --- What was sent singly --------------------------------------------------------------------- */

/* What is of the future was sent by a clock that was set back since. */
static bool is_recent(const struct vg_single *single, const struct crowd *crowd, int64_t now_us)
{
    return single->id && single->at_us <= now_us && now_us - single->at_us < crowd->within_us;
}

static int count_free(const struct vg_lane *lane, int sort, const struct crowd *crowd,
                      int64_t now_us)
{
    int used = 0;
    for (int i = 0; i < VG_GATHER_SINGLES; i++)
        used += is_recent(&lane->singles[sort][i], crowd, now_us);
    return used < crowd->most ? crowd->most - used : 0;
}

/* What was tried singly is tried so again, and counts once. */
static bool was_single(const struct vg_lane *lane, int sort, int64_t id, const struct crowd *crowd,
                       int64_t now_us)
{
    bool found = false;
    for (int i = 0; i < VG_GATHER_SINGLES && !found; i++)
        found =
            lane->singles[sort][i].id == id && is_recent(&lane->singles[sort][i], crowd, now_us);
    return found;
}

void vg_gather_count(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, int64_t now_us)
{
    const struct crowd crowd = find_crowd(deliver, lane, now_us);
    int sort = vg_gather_sort(row->kind), at = 0;
    if (crowd.most <= 0 || sort < 0)
        return;
    struct vg_single *singles = lane->singles[sort];
    for (int i = 0; i < VG_GATHER_SINGLES; i++) {
        bool own = singles[i].id == row->id;
        bool over = !is_recent(&singles[i], &crowd, now_us);
        bool older =
            singles[i].at_us < singles[at].at_us && is_recent(&singles[at], &crowd, now_us);
        if (own || over || older)
            at = i;
        if (own)
            break;
    }
    singles[at] = (struct vg_single){row->id, now_us};
}

/* --- What becomes of rows --------------------------------------------------------------------- */

/* The rows of one sort that do not go singly. */
struct rest {
    size_t n;
    int64_t oldest_us;
    const struct vg_outgoing *gravest; /* or NULL */
};

/* Marks those that go singly, the gravest first; their number. */
static size_t choose_singles(const struct vg_lane *lane, struct vg_gather *out, int sort,
                             const struct crowd *crowd, int64_t now_us)
{
    int free = lane->gathering[sort] ? 0 : count_free(lane, sort, crowd, now_us);
    size_t n = 0;
    for (size_t i = 0; i < out->n; i++) {
        const struct vg_outgoing *row = &out->rows[i];
        if (vg_gather_sort(row->kind) != sort)
            continue;
        bool again = was_single(lane, sort, row->id, crowd, now_us);
        if (!again && free <= 0)
            continue;
        free -= !again;
        out->alone[i] = true;
        if (!n++ || row->attempts < out->next_attempts[sort]) {
            out->next[sort] = row->id;
            out->next_attempts[sort] = row->attempts;
        }
    }
    return n;
}

static struct rest find_rest(const struct vg_gather *out, int sort)
{
    struct rest rest = {.oldest_us = VG_NEVER};
    for (size_t i = 0; i < out->n; i++) {
        const struct vg_outgoing *row = &out->rows[i];
        if (out->alone[i] || vg_gather_sort(row->kind) != sort)
            continue;
        rest.n++;
        rest.gravest = rest.gravest ? rest.gravest : row; /* they stand in that order */
        rest.oldest_us = row->created_us < rest.oldest_us ? row->created_us : rest.oldest_us;
    }
    return rest;
}

/* What the oldest of them has waited for long enough, or was due together with enough others when
 * it was calm. A time further off is of a clock that was set back. */
static bool must_wait(const struct vg_deliver *deliver, struct vg_lane *lane, int sort,
                      int64_t oldest_us, const struct crowd *crowd)
{
    int64_t now_us = deliver->turn_us, until_us = oldest_us + crowd->within_us;
    bool at_once = lane->rush_us[sort] <= now_us && oldest_us <= lane->rush_us[sort];
    if (!deliver->paced || at_once || until_us <= now_us || until_us - now_us > crowd->within_us)
        return false;
    if (!lane->gather_us || until_us < lane->gather_us)
        lane->gather_us = until_us;
    return true;
}

/* Of several sorts that are to be told the one with the gravest goes first. */
static void tell_together(struct vg_gather *out, int sort, const struct rest *rest)
{
    if (out->together >= 0 && out->gravest->severity >= rest->gravest->severity)
        return;
    out->together = sort;
    out->gravest = rest->gravest;
}

static void decide_sort(const struct vg_deliver *deliver, struct vg_lane *lane,
                        const struct crowd *crowd, struct vg_gather *out, int sort)
{
    int64_t now_us = deliver->turn_us;
    bool calm = !lane->gathering[sort] && count_free(lane, sort, crowd, now_us) == crowd->most;
    size_t singles = choose_singles(lane, out, sort, crowd, now_us);
    struct rest rest = find_rest(out, sort);
    if (calm && rest.n > 1)
        lane->rush_us[sort] = now_us;
    bool waits = rest.n && must_wait(deliver, lane, sort, rest.oldest_us, crowd);
    if (singles) { /* and then it is looked again */
        out->held[sort] = rest.n > 0;
        return;
    }
    lane->gathering[sort] = waits || rest.n > 1; /* until they are told */
    if (rest.n == 1 && !waits) {
        out->alone[rest.gravest - out->rows] = true;
        return;
    }
    out->held[sort] = rest.n > 0;
    if (rest.n && !waits)
        tell_together(out, sort, &rest);
}

/* Takes a row that was begun to be told with others for gather->begun. */
static void notice_begun(struct vg_gather *gather, const struct vg_outgoing *row)
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

/* What was begun to be told together is decided already. */
static void set_begun_apart(struct vg_gather *out)
{
    size_t n = 0;
    for (size_t i = 0; i < out->n; i++) {
        notice_begun(out, &out->rows[i]);
        if (!out->rows[i].digest)
            out->rows[n++] = out->rows[i];
    }
    out->n = n;
}

int vg_deliver_gather(struct vg_deliver *deliver, struct vg_lane *lane, struct vg_arena *arena,
                      struct vg_gather *out, struct vg_error *err)
{
    const struct crowd crowd = find_crowd(deliver, lane, deliver->turn_us);
    *out = (struct vg_gather){.listed = out->listed, .nlisted = out->nlisted, .together = -1};
    lane->gather_us = 0;
    for (size_t i = 0; i < out->nlisted; i++) {
        if (is_own(lane, &out->listed[i]))
            notice_begun(out, &out->listed[i]);
    }
    if (crowd.most <= 0)
        return 0;
    if (vg_store_outbox_gather(deliver->store, lane->name, deliver->turn_us, arena, &out->rows,
                               &out->n, err) < 0)
        return -1;
    out->alone = vg_arena_array(arena, out->n + 1, sizeof *out->alone);
    if (!out->alone)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    set_begun_apart(out);
    for (int sort = 0; sort < VG_GATHER_SORTS; sort++)
        decide_sort(deliver, lane, &crowd, out, sort);
    return 0;
}

/* --- What is sent singly now ------------------------------------------------------------------ */

static bool skips_some(const struct vg_gather *gather)
{
    bool skips = gather->begun != NULL;
    for (int sort = 0; sort < VG_GATHER_SORTS; sort++)
        skips = skips || gather->held[sort];
    return skips;
}

/* The row tried least of those listed, so that a message which always fails does not keep the
 * others of its receiver waiting; of such the one whose turn it is. */
static const struct vg_outgoing *choose_listed(const struct vg_lane *lane,
                                               const struct vg_gather *gather)
{
    const struct vg_outgoing *best = NULL;
    for (size_t i = 0; i < gather->nlisted; i++) {
        const struct vg_outgoing *row = &gather->listed[i];
        bool less = !best || row->attempts < best->attempts;
        bool sooner = best && row->attempts == best->attempts && row->turn_us < best->turn_us;
        if (is_own(lane, row) && !row->digest && (less || sooner))
            best = row;
    }
    return best;
}

/* Where some must not go, the few that are listed may all be such, and hide others behind them. */
static int look_behind(struct vg_deliver *deliver, const struct vg_lane *lane,
                       const struct vg_gather *gather, struct vg_arena *arena,
                       const struct vg_outgoing **out, struct vg_error *err)
{
    struct vg_outbox_beside beside = {.sink = lane->name, .now_us = deliver->turn_us};
    struct vg_outgoing *other = vg_arena_alloc(arena, sizeof *other);
    bool found;
    memcpy(beside.held, gather->held, sizeof beside.held);
    memcpy(beside.but, gather->next, sizeof beside.but);
    if (!other)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_store_outbox_first(deliver->store, &beside, arena, other, &found, err) < 0)
        return -1;
    *out = found ? other : NULL;
    return 0;
}

int vg_gather_choose(struct vg_deliver *deliver, const struct vg_lane *lane,
                     const struct vg_gather *gather, struct vg_arena *arena,
                     const struct vg_outgoing **best, struct vg_error *err)
{
    if (skips_some(gather))
        return look_behind(deliver, lane, gather, arena, best, err);
    *best = choose_listed(lane, gather);
    return 0;
}

bool vg_gather_goes_before(const struct vg_gather *gather, const struct vg_outgoing *row)
{
    return row->severity > gather->gravest->severity && row->attempts <= gather->gravest->attempts;
}

void vg_gather_let_go(struct vg_gather *gather)
{
    gather->held[gather->together] = false;
    gather->together = -1;
}
