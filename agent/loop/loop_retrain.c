/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retraining in the loop: what people ask about it, and what follows from the ends of runs. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/loop.h"
#include "agent/loop/retrain_follow.h"
#include "agent/loop/retrain_obey.h"
#include "pgvigil/log.h"

static const int64_t promoting_us = 5 * VG_US, absent_us = VG_MINUTE_US, failed_us = VG_MINUTE_US;

static int64_t read_clock(const struct vg_loop *loop)
{
    return loop->env.clock->ops->now_us(loop->env.clock);
}

int vg_loop_retrain(struct vg_loop *loop, const struct vg_control *row, struct vg_arena *arena,
                    const char **answer, struct vg_error *err)
{
    const struct vg_cycle_env env = vg_loop_env(loop);
    int rc = vg_retrain_obey(&env, row, read_clock(loop), arena, answer, err);
    if (rc == 0 && loop->env.committed)
        loop->env.committed(loop->env.committed_arg);
    return rc;
}

/* Into the dataset's slot, for the thread that captures; one that is there already goes first. */
static void hand_over(struct vg_loop *loop, const struct vg_followed *followed)
{
    struct vg_promotion *promotion = calloc(1, sizeof *promotion);
    if (!promotion)
        return; /* it is wanted again in a minute */
    *promotion = followed->promotion;
    promotion->name = strdup(followed->promotion.name);
    promotion->by = strdup(followed->promotion.by);
    pthread_mutex_lock(&loop->mutex);
    struct vg_slot *slot = vg_loop_slot(loop, followed->dataset);
    bool taken = slot && !slot->promotion && promotion->name && promotion->by;
    if (taken) {
        slot->promotion = promotion;
        slot->capture_us = 0;
    }
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    if (!taken)
        vg_promotion_free(promotion);
}

void vg_loop_follow(struct vg_loop *loop)
{
    struct vg_error err = {0};
    struct vg_followed *followed;
    size_t n = 0;
    int64_t now_us = read_clock(loop);
    if (now_us < loop->follow_us)
        return;
    const struct vg_cycle_env env = vg_loop_env(loop);
    struct vg_arena *arena = vg_arena_new();
    bool promoting = false;
    bool failed =
        !arena || vg_retrain_follow(&env, now_us, arena, &followed, &n, &promoting, &err) < 0;
    if (failed)
        vg_log(VG_LOG_ERROR, "cannot look at the ends of training runs", "error", err.msg, NULL);
    bool due = now_us >= loop->promote_us;
    for (size_t i = 0; i < n && due; i++)
        hand_over(loop, &followed[i]);
    if (n && due)
        loop->promote_us = now_us + absent_us;
    loop->follow_us = failed ? now_us + failed_us : promoting ? now_us + promoting_us : 0;
    if (loop->env.committed && promoting)
        loop->env.committed(loop->env.committed_arg);
    vg_arena_free(arena);
}
