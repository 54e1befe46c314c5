/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heartbeat: a request to a dead man's switch, as often as the configuration says, for as long
 * as whoever drives the program says that it is well. Nothing is stored and nothing is sent twice:
 * the next one is soon. The log tells when it begins and when it stops to fail. */
#include "agent/deliver/parts.h"
#include "agent/receivers/receivers.h"
#include "pgvigil/log.h"

void vg_deliver_beat(struct vg_deliver *deliver)
{
    atomic_store(&deliver->beat.wanted, true);
    vg_deliver_wake(deliver);
}

static int send_beat(struct vg_deliver *deliver, const struct vg_endpoint *endpoint,
                     struct vg_arena *arena, struct vg_error *err)
{
    struct vg_parcel parcel = {0};
    int rc = 0;
    if (endpoint->url_file)
        rc = vg_secret_read(endpoint->url_file, &parcel.secret, err);
    parcel.request = (struct vg_request){
        .method = endpoint->method,
        .url = parcel.secret.text ? parcel.secret.text : endpoint->url,
        .headers = endpoint->headers,
        .nheaders = endpoint->nheaders,
        .ca_file = endpoint->ca_file,
        .insecure_http = endpoint->insecure_http,
        .allow_private = endpoint->allow_private,
        .timeout_us = endpoint->timeout_us,
    };
    rc = rc ? rc : vg_deliver_authorize(&parcel, endpoint->token_file, arena, err);
    if (!rc)
        rc = deliver->http->ops->start(deliver->http, &parcel.request, &deliver->beat, err);
    vg_deliver_unpack(&parcel);
    return rc;
}

static void say(struct vg_beat *beat, const char *why)
{
    if (why && !beat->failed)
        vg_log(VG_LOG_WARN, "the heartbeat fails", "answer", why, NULL);
    else if (!why && beat->failed)
        vg_log(VG_LOG_INFO, "the heartbeat is taken again", NULL);
    beat->failed = why != NULL;
}

void vg_deliver_start_beat(struct vg_deliver *deliver, int64_t now_us)
{
    struct vg_beat *beat = &deliver->beat;
    struct vg_error err = {0};
    pthread_mutex_lock(&deliver->lock);
    const struct vg_config *config = deliver->config;
    const struct vg_endpoint *endpoint = &config->heartbeat;
    /* who says that all is well says so about once a minute, never quite on time */
    int64_t since_us = now_us - beat->sent_us;
    bool due = since_us < 0 || since_us >= config->heartbeat_every_us - VG_US;
    bool held = beat->hold_us > now_us && beat->hold_us - now_us <= VG_HOUR_US;
    bool wanted = atomic_exchange(&beat->wanted, false); /* what was said a while ago is no news */
    if (wanted && due && !held && !beat->in_flight && (endpoint->url || endpoint->url_file)) {
        struct vg_arena *arena = vg_arena_new_wiped();
        int rc = arena ? send_beat(deliver, endpoint, arena, &err)
                       : vg_fail(&err, VG_E_MEMORY, "out of memory");
        beat->in_flight = rc == 0;
        beat->sent_us = now_us;
        if (rc < 0)
            say(beat, err.msg);
        vg_arena_free(arena);
    }
    pthread_mutex_unlock(&deliver->lock);
}

void vg_deliver_take_beat(struct vg_deliver *deliver, const struct vg_response *response,
                          int64_t now_us)
{
    char why[VG_DELIVER_WHY];
    int64_t asked_us = 0;
    enum vg_outcome outcome = vg_receiver_answer(response, &asked_us, why, sizeof why);
    deliver->beat.in_flight = false;
    asked_us = outcome == VG_RETRY ? asked_us : 0;
    deliver->beat.hold_us = now_us + (asked_us < VG_HOUR_US ? asked_us : VG_HOUR_US);
    say(&deliver->beat, outcome == VG_DELIVERED ? NULL : why);
}
