/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When references are captured, and the capture itself in the loop. Owns the waits after failures
 * and what a person asked for; how a reference is captured is capture.c's. Never calls the store
 * under the mutex. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/calibrate.h"
#include "agent/loop/loop.h"
#include "agent/loop/promotion.h"
#include "agent/loop/wanted.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

struct vg_need_of vg_loop_need(const struct vg_loop *loop, const struct vg_dataset *dataset)
{
    struct vg_error err = {0};
    struct vg_wanted wanted;
    struct vg_need_of need = {VG_NEED_UNREADABLE, VG_NEVER};
    struct vg_arena *arena = vg_arena_new();
    if (arena && vg_wanted_find(&loop->env, dataset, false, arena, &wanted, &err) == 0) {
        need = (struct vg_need_of){wanted.n ? VG_NEED_CAPTURE : VG_NEED_NOTHING, wanted.next_us};
        for (size_t i = 0; i < wanted.n; i++) {
            if (wanted.ready_us[i] < need.at_us)
                need.at_us = wanted.ready_us[i];
        }
    }
    vg_arena_free(arena);
    /* What waits for its rows does not hold up the budget of what is in use. */
    int64_t now_us = loop->env.clock->ops->now_us(loop->env.clock);
    bool lacking = false;
    if (need.need == VG_NEED_UNREADABLE || (need.need == VG_NEED_CAPTURE && need.at_us <= now_us))
        return need;
    if (vg_calibrate_wanted(&loop->env, dataset, &lacking, &err) < 0)
        return (struct vg_need_of){VG_NEED_UNREADABLE, VG_NEVER};
    if (lacking)
        return (struct vg_need_of){VG_NEED_CALIBRATE, now_us};
    return need;
}

int64_t vg_loop_capture_time(const struct vg_loop *loop, const struct vg_slot *slot,
                             const struct vg_need_of *need)
{
    static const int64_t waits[] = {VG_HOUR_US, 6 * VG_HOUR_US, VG_DAY_US};
    int64_t now_us = loop->env.clock->ops->now_us(loop->env.clock);
    if (need->need == VG_NEED_NOTHING)
        return need->at_us;
    if (need->need == VG_NEED_UNREADABLE)
        return now_us + VG_MINUTE_US; /* the state cannot be read just now */
    bool waiting = slot->capture_us != VG_NEVER && slot->capture_us > now_us;
    if (slot->capture_failures && waiting)
        return slot->capture_us; /* a reload does not begin the wait anew */
    if (slot->capture_failures)
        return now_us + waits[slot->capture_failures < 3 ? slot->capture_failures - 1 : 2];
    return need->at_us;
}

/* 0 also when nothing was wanted after all: a reload may have looked into the store before the last
 * capture was complete. */
static int capture_wanted(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                          bool patient, struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_capture_how how = {.patient = patient};
    struct vg_wanted wanted;
    int rc = 0;
    if (vg_wanted_find(env, dataset, patient, arena, &wanted, err) < 0)
        return -1;
    for (size_t i = 0; i < wanted.n && !*env->stop; i++) {
        if (!patient && wanted.ready_us[i] > env->clock->ops->now_us(env->clock))
            continue;
        memset(err, 0, sizeof *err);
        if (vg_wanted_capture(env, &wanted.items[i], &how, err) < 0)
            rc = -1;
    }
    return rc;
}

static int calibrate(const struct vg_cycle_env *env, const struct vg_dataset *dataset)
{
    struct vg_error err = {0};
    int rc = vg_calibrate_run(env, dataset, NULL, &err);
    if (rc < 0 && err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_WARN, "calibrating the budget failed", "dataset", dataset->id, "error",
               err.msg, NULL);
    return rc;
}

static int capture(struct vg_loop *loop, const struct vg_book *book,
                   const struct vg_dataset *dataset, bool patient)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_cycle_env env = loop->env;
    env.config = book->config;
    env.rules = book->rules;
    int rc = arena ? capture_wanted(&env, dataset, patient, arena, &err) : -1;
    vg_arena_free(arena);
    return calibrate(&env, dataset) < 0 ? -1 : rc;
}

/* --- promotions ------------------------------------------------------------------------------- */

void vg_promotion_free(struct vg_promotion *promotion)
{
    if (!promotion)
        return;
    free(promotion->name);
    free(promotion->by);
    free(promotion);
}

static void promote(struct vg_loop *loop, const struct vg_book *book,
                    const struct vg_dataset *dataset, const struct vg_promotion *promotion)
{
    struct vg_error err = {0};
    struct vg_cycle_env env = loop->env;
    struct vg_dataset item;
    struct vg_arena *arena = vg_arena_new();
    struct vg_capture_how how = {.patient = true, .by = promotion->by};
    env.config = book->config;
    env.rules = book->rules;
    if (arena && vg_promotion_make(dataset, promotion, arena, &item, &how, &err) == 0)
        vg_wanted_capture(&env, &item, &how, &err); /* logs what became of it */
    else
        vg_log(VG_LOG_WARN, "the reference was not promoted", "dataset", dataset->id, "error",
               err.msg, NULL);
    vg_arena_free(arena);
}

/* What is to be captured next. A reload that comes between changes what is wanted: then once more.
 */
void vg_loop_plan_capture(struct vg_loop *loop, const char *id)
{
    bool settled = false;
    while (!settled) {
        pthread_mutex_lock(&loop->mutex);
        struct vg_book *book = vg_loop_hold(loop);
        pthread_mutex_unlock(&loop->mutex);
        const struct vg_dataset *dataset = vg_ruleset_find(book->rules, id);
        struct vg_need_of need = {VG_NEED_NOTHING, VG_NEVER};
        if (dataset)
            need = vg_loop_need(loop, dataset);
        pthread_mutex_lock(&loop->mutex);
        settled = book == loop->book;
        struct vg_slot *slot = vg_loop_slot(loop, id);
        if (settled && slot && dataset && !slot->capture_patient && !slot->promotion)
            slot->capture_us = vg_loop_capture_time(loop, slot, &need);
        vg_loop_release(loop, book);
        pthread_mutex_unlock(&loop->mutex);
    }
}

void vg_loop_capture(struct vg_loop *loop, const char *id)
{
    pthread_mutex_lock(&loop->mutex);
    struct vg_book *book = vg_loop_hold(loop);
    struct vg_slot *slot = vg_loop_slot(loop, id);
    bool patient = slot && slot->capture_patient;
    struct vg_promotion *promotion = slot ? slot->promotion : NULL;
    if (slot) {
        slot->capture_us = VG_NEVER;
        slot->capture_patient = false;
        slot->promotion = NULL;
    }
    pthread_mutex_unlock(&loop->mutex);
    const struct vg_dataset *dataset = slot ? vg_ruleset_find(book->rules, id) : NULL;
    if (dataset && promotion)
        promote(loop, book, dataset, promotion);
    int rc = dataset && (patient || !promotion) ? capture(loop, book, dataset, patient) : 0;
    vg_promotion_free(promotion);
    pthread_mutex_lock(&loop->mutex);
    slot = vg_loop_slot(loop, id); /* a reload may have let it go */
    if (slot)
        slot->capture_failures = rc < 0 ? slot->capture_failures + 1 : 0;
    vg_loop_release(loop, book);
    pthread_mutex_unlock(&loop->mutex);
    vg_loop_plan_capture(loop, id);
}
