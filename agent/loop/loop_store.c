/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state store that takes nothing, as on a full disk: cycles wait for it and cost the database
 * nothing meanwhile, and go on within seconds when it takes what is written again. Owns how long
 * that is and that nobody is queued meanwhile; else what is done with a slot is loop.c's. */
#include "agent/loop/loop.h"
#include "pgvigil/log.h"

static const int64_t probe_every_us = 2 * VG_US;
enum { REST = 4 }; /* where small writes succeed and cycles do not: they take a fifth of the time */

/* Whoever was queued reads his window for nothing too: he is queued again when cycles go on. */
static void empty_queue(struct vg_loop *loop)
{
    for (size_t i = 0; i < loop->nslots; i++)
        loop->slots[i]->queued = false;
}

int64_t vg_loop_lost(struct vg_loop *loop, const struct vg_dataset *dataset, int n,
                     const struct vg_cycle_end *end)
{
    int64_t now_us = loop->env.clock->ops->now_us(loop->env.clock);
    int64_t retry_us = vg_due_retry(dataset, n, now_us);
    bool replay = loop->span.until_us != VG_NEVER; /* in which nobody frees a disk by waiting */
    if (replay || !end->unwritten)
        return retry_us;
    loop->store_lost = true;
    empty_queue(loop);
    int64_t rest_us = REST * (now_us - end->began_us);
    int64_t soon_us = now_us + (rest_us > probe_every_us ? rest_us : probe_every_us);
    return soon_us < retry_us ? soon_us : retry_us;
}

void vg_loop_probe(struct vg_loop *loop, int64_t now_us)
{
    struct vg_error err = {0};
    pthread_mutex_lock(&loop->mutex);
    bool lost = loop->store_lost;
    pthread_mutex_unlock(&loop->mutex);
    bool waits = loop->probe_us > now_us && loop->probe_us - now_us <= probe_every_us;
    if (!lost || waits)
        return;
    loop->probe_us = now_us + probe_every_us;
    if (vg_store_probe(loop->env.store, &err) < 0)
        return;
    vg_log(VG_LOG_INFO, "the state store takes what is written, cycles go on", NULL);
    pthread_mutex_lock(&loop->mutex);
    loop->store_lost = false;
    pthread_mutex_unlock(&loop->mutex);
}
