/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A clock that was set back: nobody waits longer for it than was meant. What was to happen at a
 * time of the former clock happens as much earlier, and what a stop hid from us at once. */
#include "agent/deliver/parts.h"

static const int64_t noticed_us = VG_US;

static int64_t pull(int64_t at_us, int64_t now_us, int64_t back_us)
{
    return at_us == VG_NEVER || at_us <= now_us ? at_us : at_us - back_us;
}

static void pull_lane(struct vg_lane *lane, int64_t now_us, int64_t back_us)
{
    lane->hold_us = pull(lane->hold_us, now_us, back_us);
    lane->asked_us = pull(lane->asked_us, now_us, back_us);
    lane->pace_us = pull(lane->pace_us, now_us, back_us);
    lane->down_us = pull(lane->down_us, now_us, back_us);
    lane->gather_us = pull(lane->gather_us, now_us, back_us);
    lane->singly_us = pull(lane->singly_us, now_us, back_us);
    for (size_t i = 0; i < VG_GATHER_SORTS; i++) {
        lane->rush_us[i] = pull(lane->rush_us[i], now_us, back_us);
        for (size_t k = 0; k < VG_GATHER_SINGLES; k++)
            lane->singles[i][k].at_us = pull(lane->singles[i][k].at_us, now_us, back_us);
    }
    if (!lane->answered)
        return;
    lane->record_us = pull(lane->record_us, now_us, back_us);
    lane->next_us = pull(lane->next_us, now_us, back_us);
}

int vg_deliver_set_back(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    int64_t back_us = deliver->seen_us - now_us;
    bool first = !deliver->seen_us;
    if (first || back_us >= noticed_us) {
        if (vg_store_set_back(deliver->store, now_us, first ? 0 : back_us, err) < 0)
            return -1; /* seen_us stays: tried again with the next turn */
        for (struct vg_lane *lane = deliver->lanes; lane && !first; lane = lane->next)
            pull_lane(lane, now_us, back_us);
        pthread_mutex_lock(&deliver->lock);
        deliver->push_hold_us =
            first ? deliver->push_hold_us : pull(deliver->push_hold_us, now_us, back_us);
        pthread_mutex_unlock(&deliver->lock);
    }
    deliver->seen_us = now_us;
    return 0;
}
