/* SPDX-License-Identifier: GPL-3.0-or-later */
/* max_connections: how many sessions of a connection are open at the same time, whoever opened
 * them. Idle connections that are kept are reused before new ones are made, so that the server
 * never sees more than the limit. Nobody waits past his deadline. Who waits holds nothing of this
 * name; but who writes keys reads meanwhile, so a rule file that names one connection for both is
 * refused where its limit is 1. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/pg/session.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

enum { SLICE_US = 100000 };

int vg_pg_slots_init(struct vg_pg_slots *slots)
{
    pthread_condattr_t attr;
    slots->first = NULL;
    if (pthread_mutex_init(&slots->mutex, NULL) != 0)
        return -1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(&slots->left, &attr);
    pthread_condattr_destroy(&attr);
    if (rc != 0)
        pthread_mutex_destroy(&slots->mutex);
    return rc != 0 ? -1 : 0;
}

void vg_pg_slots_free(struct vg_pg_slots *slots)
{
    while (slots->first) {
        struct vg_pg_slot *slot = slots->first;
        slots->first = slot->next;
        free(slot->name);
        free(slot);
    }
    pthread_cond_destroy(&slots->left);
    pthread_mutex_destroy(&slots->mutex);
}

/* Under the mutex; NULL out of memory. */
static struct vg_pg_slot *find_slot(struct vg_pg_slots *slots, const char *name)
{
    struct vg_pg_slot *slot = slots->first;
    while (slot && strcmp(slot->name, name) != 0)
        slot = slot->next;
    if (slot)
        return slot;
    slot = calloc(1, sizeof *slot);
    if (!slot || !(slot->name = strdup(name))) {
        free(slot);
        return NULL;
    }
    slot->next = slots->first;
    slots->first = slot;
    return slot;
}

static void wait_slice(struct vg_pg_slots *slots, const struct vg_pg_wait *wait)
{
    int64_t until = vg_pg_now_us() + SLICE_US;
    until = until < wait->until_us ? until : wait->until_us;
    struct timespec at = {.tv_sec = (time_t)(until / VG_US),
                          .tv_nsec = (long)(until % VG_US) * 1000};
    pthread_cond_timedwait(&slots->left, &slots->mutex, &at);
}

int vg_pg_slot_enter(struct vg_pg_slots *slots, const char *name, int64_t most,
                     const struct vg_pg_wait *wait, struct vg_pg_slot **out, struct vg_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&slots->mutex);
    struct vg_pg_slot *slot = find_slot(slots, name);
    if (!slot)
        rc = vg_fail(err, VG_E_MEMORY, "out of memory for a session");
    while (rc == 0 && most && slot->open >= most) {
        rc = vg_pg_check(wait, err);
        if (rc == 0)
            wait_slice(slots, wait);
    }
    if (rc == 0)
        slot->open++;
    pthread_mutex_unlock(&slots->mutex);
    *out = rc == 0 ? slot : NULL;
    if (rc < 0 && err && err->code == VG_E_TIMEOUT) {
        vg_fail(err, VG_E_TIMEOUT, "all %" PRId64 " connections of max_connections are in use",
                most);
        vg_hint(err, "raise max_connections of the connection, or `timeout`, which is how long one "
                     "is waited for");
    }
    return rc;
}

void vg_pg_slot_leave(struct vg_pg_slots *slots, struct vg_pg_slot *slot)
{
    if (!slot)
        return;
    pthread_mutex_lock(&slots->mutex);
    slot->open--;
    pthread_cond_broadcast(&slots->left);
    pthread_mutex_unlock(&slots->mutex);
}
