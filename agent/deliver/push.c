/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests to the Pushgateway: the newest of a group only, a few groups at a time, none stored.
 *
 * While the gateway gives no good answer one request probes it, with growing pauses; the others
 * wait and are replaced by newer ones, so that memory holds one body a group. Requests to another
 * gateway than the one in force go beside them, one at a time, once each.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "agent/receivers/receivers.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { SIDE_BY_SIDE = 4 };
static const int64_t pause_cap_us = 60 * VG_US;
static const char content_type[] = "text/plain; version=0.0.4; charset=utf-8";

static void free_entry(struct vg_push_entry *entry)
{
    if (!entry)
        return;
    free(entry->url);
    free(entry->method);
    free(entry->body);
    free(entry);
}

static struct vg_push_entry *add_entry(struct vg_deliver *deliver, const char *url)
{
    struct vg_push_entry **link = &deliver->pushes;
    for (; *link; link = &(*link)->next) {
        if (!strcmp((*link)->url, url))
            return *link;
    }
    struct vg_push_entry *entry = vg_array(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->tag.cargo = VG_CARGO_PUSH;
    entry->url = strdup(url);
    if (!entry->url) {
        free(entry);
        return NULL;
    }
    *link = entry;
    return entry;
}

static void remove_entry(struct vg_deliver *deliver, struct vg_push_entry *entry)
{
    struct vg_push_entry **link = &deliver->pushes;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    free_entry(entry);
}

int vg_deliver_push(struct vg_deliver *deliver, const char *group_url, const char *method,
                    char *body, size_t n)
{
    char *kept = strdup(method);
    pthread_mutex_lock(&deliver->lock);
    struct vg_push_entry *entry = kept ? add_entry(deliver, group_url) : NULL;
    if (entry) {
        free(entry->method);
        free(entry->body);
        entry->method = kept;
        entry->body = body;
        entry->n = n;
        entry->wanted = true;
        entry->abandoned = false;
    }
    pthread_mutex_unlock(&deliver->lock);
    if (!entry) {
        free(kept);
        free(body);
        return -1;
    }
    vg_deliver_wake(deliver);
    return 0;
}

void vg_deliver_drop_pushes(struct vg_deliver *deliver)
{
    struct vg_push_entry *next;
    for (struct vg_push_entry *entry = deliver->pushes; entry; entry = next) {
        next = entry->next;
        entry->wanted = false;
        entry->abandoned = true;
        if (!entry->in_flight)
            remove_entry(deliver, entry);
    }
}

static int send_entry(struct vg_deliver *deliver, struct vg_push_entry *entry,
                      struct vg_arena *arena, struct vg_error *err)
{
    struct vg_endpoint bare;
    const struct vg_endpoint *endpoint =
        vg_deliver_rights(deliver, entry->url, &bare, &entry->elsewhere);
    struct vg_pair *headers = vg_arena_array(arena, endpoint->nheaders + 1, sizeof *headers);
    if (!headers)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < endpoint->nheaders; i++)
        headers[i] = endpoint->headers[i];
    headers[endpoint->nheaders] = (struct vg_pair){"Content-Type", content_type};
    struct vg_parcel parcel = {
        .request = {.method = entry->method,
                    .url = entry->url,
                    .headers = headers,
                    .nheaders = endpoint->nheaders + (entry->body ? 1 : 0),
                    .body = entry->body,
                    .body_size = entry->n,
                    .ca_file = endpoint->ca_file,
                    .insecure_http = endpoint->insecure_http,
                    .allow_private = endpoint->allow_private,
                    .timeout_us = endpoint->timeout_us},
    };
    int rc = vg_deliver_authorize(&parcel, endpoint->token_file, arena, err);
    if (!rc)
        rc = deliver->http->ops->start(deliver->http, &parcel.request, entry, err);
    vg_deliver_unpack(&parcel);
    return rc;
}

static int *count_of(struct vg_deliver *deliver, const struct vg_push_entry *entry)
{
    return entry->elsewhere ? &deliver->elsewhere_in_flight : &deliver->pushes_in_flight;
}

static void hold_pushes(struct vg_deliver *deliver, int64_t now_us, int64_t retry_after_us)
{
    double share = deliver->random(deliver->random_arg);
    int64_t pause_us = vg_deliver_backoff(deliver->push_failures++, pause_cap_us, share);
    int64_t asked_us = now_us + (retry_after_us < VG_HOUR_US ? retry_after_us : VG_HOUR_US);
    bool later = asked_us > deliver->push_asked_us;
    if (later || deliver->push_asked_us - now_us > VG_HOUR_US) /* of a clock that was set back */
        deliver->push_asked_us = asked_us;
    deliver->push_hold_us = now_us + pause_us;
    if (deliver->push_hold_us < deliver->push_asked_us)
        deliver->push_hold_us = deliver->push_asked_us;
}

/* Under the lock. A request that cannot be made waits like one without an answer. */
static void start_entry(struct vg_deliver *deliver, struct vg_push_entry *entry, int64_t now_us)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new_wiped();
    int rc = arena ? send_entry(deliver, entry, arena, &err)
                   : vg_fail(&err, VG_E_MEMORY, "out of memory");
    vg_arena_free(arena);
    if (rc < 0 && entry->elsewhere)
        entry->wanted = false; /* whoever asked for it asks again */
    if (rc < 0) {
        deliver->push_count.failed++;
        if (!entry->elsewhere)
            hold_pushes(deliver, now_us, 0);
        vg_log(VG_LOG_ERROR, "push cannot be sent", "error", err.msg, "hint",
               *err.hint ? err.hint : NULL, NULL);
        return;
    }
    snprintf(entry->sent_method, sizeof entry->sent_method, "%s", entry->method);
    entry->wanted = false;
    entry->in_flight = true;
    ++*count_of(deliver, entry);
}

int64_t vg_deliver_start_pushes(struct vg_deliver *deliver, int64_t now_us)
{
    int64_t again_us = VG_NEVER;
    pthread_mutex_lock(&deliver->lock);
    for (struct vg_push_entry *entry = deliver->pushes; entry; entry = entry->next) {
        struct vg_endpoint bare;
        int most = deliver->push_failures ? 1 : SIDE_BY_SIDE;
        if (!entry->wanted || entry->in_flight)
            continue;
        vg_deliver_rights(deliver, entry->url, &bare, &entry->elsewhere);
        if (entry->elsewhere && !deliver->elsewhere_in_flight)
            start_entry(deliver, entry, now_us);
        if (entry->elsewhere || deliver->pushes_in_flight >= most)
            continue;
        if (deliver->push_hold_us > now_us && deliver->push_hold_us - now_us <= VG_HOUR_US) {
            again_us = deliver->push_hold_us;
            continue;
        }
        start_entry(deliver, entry, now_us);
    }
    pthread_mutex_unlock(&deliver->lock);
    return again_us;
}

void vg_deliver_take_push(struct vg_deliver *deliver, struct vg_push_entry *entry,
                          const struct vg_response *response, int64_t now_us)
{
    char why[VG_DELIVER_WHY], method[sizeof entry->sent_method];
    int64_t retry_after_us = 0;
    enum vg_outcome outcome = vg_receiver_answer(response, &retry_after_us, why, sizeof why);
    memcpy(method, entry->sent_method, sizeof method);
    pthread_mutex_lock(&deliver->lock);
    char *url = strdup(entry->url);
    entry->in_flight = false;
    --*count_of(deliver, entry);
    if (outcome == VG_DELIVERED)
        deliver->push_count.ok++;
    else
        deliver->push_count.failed++;
    if (entry->elsewhere) {
        if (!entry->wanted)
            remove_entry(deliver, entry);
    } else if (outcome == VG_RETRY && !entry->abandoned) {
        entry->wanted = true;
        hold_pushes(deliver, now_us, retry_after_us);
    } else {
        deliver->push_failures = 0;
        deliver->push_hold_us = deliver->push_asked_us; /* by the answer to another request */
        if (!entry->wanted)
            remove_entry(deliver, entry);
    }
    pthread_mutex_unlock(&deliver->lock);
    if (url && deliver->hooks.pushed)
        deliver->hooks.pushed(deliver->hooks.arg, url, method, response, now_us);
    else if (outcome != VG_DELIVERED)
        vg_log(VG_LOG_WARN, "push failed", "method", method, "answer", why, NULL);
    free(url);
}

struct vg_deliver_push_count vg_deliver_push_counts(struct vg_deliver *deliver)
{
    pthread_mutex_lock(&deliver->lock);
    struct vg_deliver_push_count count = deliver->push_count;
    pthread_mutex_unlock(&deliver->lock);
    return count;
}
