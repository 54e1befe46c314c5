/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A clock that was set back: what waits for a time of the former clock is due as much earlier. It
 * stops nothing, and no window is judged twice: windows that were are left alone until theirs is
 * over. */
#include <string.h>

#include "agent/loop/loop.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static const int64_t noticed_us = VG_US; /* less is a clock that is being corrected */

static int64_t pull(int64_t at_us, int64_t now_us, int64_t back_us)
{
    return at_us == VG_NEVER || at_us <= now_us ? at_us : at_us - back_us;
}

static void pull_slot(struct vg_loop *loop, struct vg_slot *slot, int64_t now_us, int64_t back_us)
{
    const struct vg_dataset *dataset = vg_ruleset_find(loop->book->rules, slot->id);
    slot->capture_us = pull(slot->capture_us, now_us, back_us);
    if (slot->busy)
        return; /* the end of its cycle says when it is due again */
    slot->progress.retry_us = pull(slot->progress.retry_us, now_us, back_us);
    slot->next_us =
        dataset ? vg_due_next(dataset, &slot->progress, &loop->span, now_us) : slot->next_us;
}

bool vg_loop_set_back(struct vg_loop *loop, int64_t now_us)
{
    int64_t back_us = loop->seen_us - now_us;
    bool first = !loop->seen_us;
    loop->seen_us = now_us;
    if (first || back_us < noticed_us)
        return false;
    char text[VG_DURATION_TEXT], n[VG_NUMBER_TEXT];
    pthread_mutex_lock(&loop->mutex);
    for (size_t i = 0; i < loop->nslots; i++)
        pull_slot(loop, loop->slots[i], now_us, back_us);
    loop->offenders_us = pull(loop->offenders_us, now_us, back_us);
    pthread_mutex_unlock(&loop->mutex);
    loop->follow_us = loop->promote_us = 0;
    size_t behind = vg_loop_behind(loop, now_us, NULL);
    vg_log(VG_LOG_WARN, "the clock was set back; no window is judged twice", "by",
           vg_format_duration(back_us / VG_US * VG_US, text), "datasets_that_wait",
           vg_format_double((double)behind, n), NULL);
    if (loop->env.committed)
        loop->env.committed(loop->env.committed_arg); /* who delivers looks at the clock, too */
    return true;
}

size_t vg_loop_behind(struct vg_loop *loop, int64_t now_us, int64_t *until_us)
{
    size_t n = 0;
    int64_t last_us = now_us;
    pthread_mutex_lock(&loop->mutex);
    for (size_t i = 0; i < loop->nslots; i++) {
        int64_t judged_us = loop->slots[i]->progress.watermark_us;
        if (judged_us == VG_NEVER || judged_us <= now_us)
            continue;
        n++;
        last_us = judged_us > last_us ? judged_us : last_us;
    }
    pthread_mutex_unlock(&loop->mutex);
    if (until_us)
        *until_us = last_us;
    return n;
}
