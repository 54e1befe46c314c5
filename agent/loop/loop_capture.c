/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When references are captured, and the capture itself in the loop. Owns the waits after failures
 * and what a person asked for; how a reference is captured is capture.c's. Never calls the store
 * under the mutex. */
#include "agent/loop/calibrate.h"
#include "agent/loop/capture.h"
#include "agent/loop/loop.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum vg_need vg_loop_need(const struct vg_loop *loop, const struct vg_dataset *dataset)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_reference_row *rows;
    size_t n;
    enum vg_need need = VG_NEED_NOTHING;
    if (dataset->reference.kind == VG_REF_NONE)
        goto out;
    need = VG_NEED_UNREADABLE;
    const char *spec = arena ? vg_capture_spec(dataset, arena) : NULL;
    if (!spec || vg_store_references(loop->env.store, dataset->id, arena, &rows, &n, &err) < 0)
        goto out;
    need = VG_NEED_CAPTURE;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].complete && vg_streq(rows[i].spec, spec))
            need = VG_NEED_NOTHING; /* captured, though another version may be in use */
    }
    bool wanted = false;
    if (need == VG_NEED_NOTHING && vg_calibrate_wanted(loop->env.store, dataset, &wanted, &err) < 0)
        need = VG_NEED_UNREADABLE;
    else if (wanted)
        need = VG_NEED_CALIBRATE;
out:
    vg_arena_free(arena);
    return need;
}

int64_t vg_loop_capture_time(const struct vg_loop *loop, const struct vg_slot *slot,
                             const struct vg_dataset *dataset, enum vg_need need)
{
    static const int64_t waits[] = {VG_HOUR_US, 6 * VG_HOUR_US, VG_DAY_US};
    int64_t now_us = loop->env.clock->ops->now_us(loop->env.clock);
    if (need == VG_NEED_NOTHING)
        return VG_NEVER;
    if (need == VG_NEED_UNREADABLE)
        return now_us + VG_MINUTE_US; /* the state cannot be read just now */
    bool waiting = slot->capture_us != VG_NEVER && slot->capture_us > now_us;
    if (slot->capture_failures && waiting)
        return slot->capture_us; /* a reload does not begin the wait anew */
    if (slot->capture_failures)
        return now_us + waits[slot->capture_failures < 3 ? slot->capture_failures - 1 : 2];
    return dataset->reference.kind == VG_REF_WINDOW && need == VG_NEED_CAPTURE
               ? dataset->reference.to_us + dataset->schedule.delay_us
               : now_us;
}

static void log_captured(const char *id, const struct vg_capture_result *result)
{
    char version[VG_NUMBER_TEXT], rows[VG_NUMBER_TEXT], windows[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "reference captured", "dataset", id, "version",
           vg_format_double((double)result->version, version), "rows",
           vg_format_double((double)result->rows, rows), "base_windows",
           vg_format_double((double)result->windows, windows), NULL);
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

/* 0 also when nothing was wanted after all. */
static int capture(struct vg_loop *loop, const struct vg_book *book,
                   const struct vg_dataset *dataset, bool patient)
{
    struct vg_error err = {0};
    struct vg_capture_result result = {0};
    struct vg_cycle_env env = loop->env;
    env.config = book->config;
    env.rules = book->rules;
    /* A reload may have looked into the store before the last capture was complete. */
    enum vg_need need = vg_loop_need(loop, dataset);
    if (!patient && need == VG_NEED_NOTHING)
        return 0;
    if (!patient && need == VG_NEED_CALIBRATE)
        return calibrate(&env, dataset);
    int rc = vg_capture_run(&env, dataset, patient, &result, &err);
    if (rc == 0)
        log_captured(dataset->id, &result);
    else if (err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_WARN, "capturing the reference failed", "dataset", dataset->id, "error",
               err.msg, "hint", *err.hint ? err.hint : NULL, NULL);
    return rc < 0 ? rc : calibrate(&env, dataset);
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
        enum vg_need need = dataset ? vg_loop_need(loop, dataset) : VG_NEED_NOTHING;
        pthread_mutex_lock(&loop->mutex);
        settled = book == loop->book;
        struct vg_slot *slot = vg_loop_slot(loop, id);
        if (settled && slot && dataset && !slot->capture_patient)
            slot->capture_us = vg_loop_capture_time(loop, slot, dataset, need);
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
    if (slot) {
        slot->capture_us = VG_NEVER;
        slot->capture_patient = false;
    }
    pthread_mutex_unlock(&loop->mutex);
    const struct vg_dataset *dataset = slot ? vg_ruleset_find(book->rules, id) : NULL;
    int rc = dataset ? capture(loop, book, dataset, patient) : 0;
    pthread_mutex_lock(&loop->mutex);
    slot = vg_loop_slot(loop, id); /* a reload may have let it go */
    if (slot)
        slot->capture_failures = rc < 0 ? slot->capture_failures + 1 : 0;
    vg_loop_release(loop, book);
    pthread_mutex_unlock(&loop->mutex);
    vg_loop_plan_capture(loop, id);
}
