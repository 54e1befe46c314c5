/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The delivery engine's lanes, counts and configuration, and its birth and end.
 *
 * A lane is made when its receiver is configured or a row for it is found, and lives as long as the
 * engine, so that counts never go back.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"
#include "pgvigil/text.h"

int64_t vg_deliver_backoff(int failed_before, int64_t most_us, double share)
{
    int64_t limit_us = failed_before < 30 ? VG_US << failed_before : most_us;
    limit_us = limit_us < most_us ? limit_us : most_us;
    return (int64_t)(share * (double)limit_us);
}

struct vg_lane *vg_deliver_lane(struct vg_deliver *deliver, enum vg_sink_kind kind,
                                const char *name)
{
    struct vg_lane *last = NULL;
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next) {
        if (lane->kind == kind && !strcmp(lane->name, name))
            return lane;
        last = lane;
    }
    struct vg_lane *lane = vg_array(1, sizeof *lane);
    char *copy = strdup(name);
    struct vg_chain *chain = kind == VG_SINK_RETRAIN ? vg_array(1, sizeof *chain) : NULL;
    if (!lane || !copy || (kind == VG_SINK_RETRAIN && !chain)) {
        free(chain);
        free(lane);
        free(copy);
        return NULL;
    }
    lane->tag.cargo = VG_CARGO_ROW;
    lane->kind = kind;
    lane->name = copy;
    lane->chain = chain;
    lane->count = (struct vg_deliver_count){.sink = copy, .sink_kind = kind};
    if (last)
        last->next = lane;
    else
        deliver->lanes = lane;
    return lane;
}

void vg_deliver_urge(struct vg_deliver *deliver, const char *sink)
{
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next) {
        if (!sink || !strcmp(lane->name, sink))
            atomic_store(&lane->urged, true);
    }
    vg_deliver_wake(deliver);
}

/* Failures stay counted: who takes nothing still is left alone again after this attempt. */
void vg_deliver_hurry(struct vg_deliver *deliver)
{
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next) {
        if (!lane->busy && atomic_exchange(&lane->urged, false))
            lane->hold_us = lane->asked_us;
    }
}

/* Under the lock. Every configured sink has a lane: its counts exist from the beginning. */
static int add_configured(struct vg_deliver *deliver, struct vg_error *err)
{
    const struct vg_config *config = deliver->config;
    bool ok = true;
    for (size_t i = 0; ok && i < config->nreceivers; i++)
        ok = vg_deliver_lane(deliver, VG_SINK_RECEIVER, config->receivers[i].name);
    for (size_t i = 0; ok && i < config->nretraining; i++)
        ok = vg_deliver_lane(deliver, VG_SINK_RETRAIN, config->retraining[i].model);
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next)
        lane->absent_said = false;
    return ok ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

size_t vg_deliver_counts(struct vg_deliver *deliver, struct vg_deliver_count *out, size_t n)
{
    size_t i = 0;
    pthread_mutex_lock(&deliver->lock);
    for (struct vg_lane *lane = deliver->lanes; lane; lane = lane->next, i++) {
        if (i < n)
            out[i] = lane->count;
    }
    pthread_mutex_unlock(&deliver->lock);
    return i;
}

/* The agent's name as the store has it, on the heap. Another one is taken up at a start only. */
static char *find_name(struct vg_store *store, const struct vg_config *config, struct vg_error *err)
{
    const char *name;
    char *copy = NULL;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (!vg_store_name(store, config->name, arena, &name, err) && !(copy = strdup(name)))
        vg_fail(err, VG_E_MEMORY, "out of memory");
    vg_arena_free(arena);
    return copy;
}

int vg_deliver_reload(struct vg_deliver *deliver, const struct vg_config *config,
                      struct vg_error *err)
{
    int rc = 0;
    char *name = deliver->agent ? NULL : find_name(deliver->store, config, err);
    pthread_mutex_lock(&deliver->lock);
    if (deliver->config && !vg_streq(deliver->config->push_url, config->push_url)) {
        vg_deliver_drop_pushes(deliver);
        rc = vg_deliver_retire_gateway(deliver, err);
    }
    if (name)
        deliver->agent = name;
    deliver->config = config;
    rc = add_configured(deliver, err) < 0 || !deliver->agent ? -1 : rc;
    pthread_mutex_unlock(&deliver->lock);
    vg_deliver_wake(deliver);
    return rc;
}

static double next_random(void *arg)
{
    uint64_t bits = 0;
    (void)arg;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        return 0.5;
    return (double)(bits >> 11) * 0x1p-53;
}

void vg_deliver_random(struct vg_deliver *deliver, double (*next)(void *arg), void *arg)
{
    deliver->random = next;
    deliver->random_arg = arg;
}

void vg_deliver_hooks(struct vg_deliver *deliver, const struct vg_deliver_hooks *hooks)
{
    deliver->hooks = *hooks;
}

int vg_deliver_new(struct vg_store *store, struct vg_http *http, struct vg_clock *clock,
                   const struct vg_config *config, struct vg_deliver **out, struct vg_error *err)
{
    *out = NULL;
    struct vg_deliver *deliver = vg_array(1, sizeof *deliver);
    if (!deliver)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (pthread_mutex_init(&deliver->lock, NULL)) {
        free(deliver);
        return vg_fail(err, VG_E_INTERNAL, "no lock for deliveries");
    }
    deliver->store = store;
    deliver->http = http;
    deliver->clock = clock;
    deliver->beat.tag.cargo = VG_CARGO_BEAT;
    deliver->beat.sent_us = VG_NEVER;
    vg_deliver_random(deliver, next_random, NULL);
    if (vg_store_outbox_recover(store, err) < 0 || vg_deliver_reload(deliver, config, err) < 0) {
        vg_deliver_free(deliver);
        return -1;
    }
    *out = deliver;
    return 0;
}

void vg_deliver_free(struct vg_deliver *deliver)
{
    struct vg_lane *next;
    if (!deliver)
        return;
    vg_deliver_stop(deliver);
    for (struct vg_lane *lane = deliver->lanes; lane; lane = next) {
        next = lane->next;
        if (lane->chain)
            vg_chain_end(lane->chain);
        free(lane->chain);
        free(lane->name);
        free(lane);
    }
    vg_deliver_drop_followers(deliver);
    for (struct vg_push_entry *entry = deliver->pushes; entry; entry = entry->next)
        entry->in_flight = false;
    vg_deliver_drop_pushes(deliver);
    vg_deliver_forget_gateways(deliver);
    free(deliver->agent);
    pthread_mutex_destroy(&deliver->lock);
    free(deliver);
}
