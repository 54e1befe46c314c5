/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What turns the delivery engine: a thread of its own in the daemon, or its caller on a virtual
 * clock. Owns the waiting between two turns and the end; what happens in a turn is deliver.c's. */
#include <signal.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/deliver/parts.h"
#include "pgvigil/log.h"

static const int64_t grace_us = 2 * VG_US;

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
        lane->record_us = lane->record_us < now_us ? lane->record_us : now_us;
    for (;;) {
        if (is_stopped(deliver))
            return vg_fail(err, VG_E_CANCELLED, "stopped while messages were being sent");
        rc = rc ? rc : vg_deliver_turn(deliver, now_us, &again_us, err);
        if (!vg_deliver_under_way(deliver))
            return rc;
        while (!deliver->http->ops->poll(deliver->http, VG_US, &tag, &response)) {
            if (is_stopped(deliver))
                return vg_fail(err, VG_E_CANCELLED, "stopped while messages were being sent");
        }
        vg_deliver_answered(deliver, tag, response, now_us);
    }
}

/* --- In the daemon ---------------------------------------------------------------------------- */

/* How long the end may take is a matter of the real clock, whichever clock the engine is on. */
static void finish(struct vg_deliver *deliver)
{
    const struct vg_response *response;
    struct vg_error err = {0};
    void *tag;
    bool any;
    int64_t end_us = vg_clock_steady_us() + grace_us, left_us;
    while (vg_deliver_under_way(deliver) && (left_us = end_us - vg_clock_steady_us()) > 0) {
        if (deliver->http->ops->poll(deliver->http, left_us, &tag, &response))
            vg_deliver_answered(deliver, tag, response, vg_deliver_now(deliver));
    }
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        lane->record_us = 0;
    if (vg_deliver_record(deliver, vg_deliver_now(deliver), &any, &err) < 0)
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
        int64_t again_us, now_us = vg_deliver_now(deliver);
        bool failed = vg_deliver_turn(deliver, now_us, &again_us, &err) < 0;
        if (failed && !said)
            vg_log(VG_LOG_ERROR, "the outbox cannot be worked on", "error", err.msg, NULL);
        else if (said && !failed)
            vg_log(VG_LOG_INFO, "the outbox is worked on again", NULL);
        said = failed;
        int64_t wait_us = again_us > now_us ? again_us - now_us : 0;
        if (deliver->http->ops->poll(deliver->http, wait_us, &tag, &response))
            vg_deliver_answered(deliver, tag, response, vg_deliver_now(deliver));
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
