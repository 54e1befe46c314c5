/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a row of the outbox to the request that delivers it: the receiver's rendering,
 * the secrets read from their files at every use, and a single message sent beside any engine.
 */
#include <string.h>
#include <strings.h>

#include "agent/deliver/parts.h"
#include "agent/message.h"

void vg_deliver_unpack(struct vg_parcel *parcel)
{
    vg_secret_free(&parcel->secret);
    vg_secret_free(&parcel->token);
    for (size_t i = 0; i < 2; i++)
        vg_secret_free(&parcel->signing[i]);
    *parcel = (struct vg_parcel){0};
}

static int read_secret(const char *path, struct vg_secret *out, struct vg_error *err)
{
    return path ? vg_secret_read(path, out, err) : 0;
}

/* No printf, which keeps pieces of what it prints on the stack. The arena is one that is wiped. */
static char *make_bearer(const char *scheme, const struct vg_secret *token, struct vg_arena *arena)
{
    size_t n = strlen(scheme);
    char *value = vg_arena_alloc(arena, n + 1 + token->len + 1);
    if (value) {
        memcpy(value, scheme, n);
        value[n] = ' ';
        memcpy(value + n + 1, token->text, token->len);
    }
    return value;
}

void vg_deliver_say_secrets(struct vg_parcel *parcel, const char *also)
{
    const char *const texts[] = {parcel->secret.text, parcel->token.text, parcel->signing[0].text,
                                 parcel->signing[1].text, also};
    parcel->request.secrets = parcel->hidden;
    parcel->request.nsecrets = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i])
            parcel->hidden[parcel->request.nsecrets++] = texts[i];
    }
}

int vg_deliver_authorize(struct vg_parcel *parcel, const char *token_file, struct vg_arena *arena,
                         struct vg_error *err)
{
    struct vg_request *request = &parcel->request;
    vg_deliver_say_secrets(parcel, NULL);
    if (!token_file)
        return 0;
    if (vg_secret_read(token_file, &parcel->token, err) < 0)
        return -1;
    vg_deliver_say_secrets(parcel, NULL);
    struct vg_pair *headers = vg_arena_array(arena, request->nheaders + 1, sizeof *headers);
    char *value = make_bearer(parcel->scheme ? parcel->scheme : "Bearer", &parcel->token, arena);
    size_t n = 0;
    if (!headers || !value)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < request->nheaders; i++) {
        if (strcasecmp(request->headers[i].key, "Authorization"))
            headers[n++] = request->headers[i];
    }
    headers[n++] = (struct vg_pair){"Authorization", value};
    request->headers = headers;
    request->nheaders = n;
    return 0;
}

/* A kind of receiver has one of them. */
static const char *choose_secret(const struct vg_receiver *receiver)
{
    if (receiver->routing_key_file)
        return receiver->routing_key_file;
    return receiver->password_file ? receiver->password_file : receiver->endpoint.url_file;
}

static int pack_message(struct vg_sink_in *in, struct vg_arena *arena, struct vg_parcel *out,
                        struct vg_error *err)
{
    const struct vg_receiver *receiver = in->receiver;
    const struct vg_sink_ops *sink = vg_sink_of(receiver->kind);
    out->answer = sink->answer;
    out->keep = sink->keep;
    out->scheme = sink->scheme;
    out->spacing_us = sink->spacing_us;
    out->burst = sink->burst;
    if (read_secret(choose_secret(receiver), &out->secret, err) < 0 ||
        read_secret(receiver->signing_file, &out->signing[0], err) < 0 ||
        read_secret(receiver->former_signing_file, &out->signing[1], err) < 0)
        return -1;
    in->secret = out->secret.text;
    for (size_t i = 0; i < 2; i++)
        in->signing[i] = out->signing[i].text;
    if (sink->render(in, arena, &out->request, err) < 0)
        return -1;
    out->ready = out->request.url ? VG_READY_SEND : VG_READY_NOTHING;
    if (out->ready == VG_READY_NOTHING)
        return 0;
    return vg_deliver_authorize(out, receiver->endpoint.token_file, arena, err);
}

int vg_deliver_pack(const struct vg_packing *packing, const struct vg_outgoing *row,
                    struct vg_arena *arena, struct vg_parcel *out, struct vg_error *err)
{
    const struct vg_config *config = packing->config;
    *out = (struct vg_parcel){.ready = VG_READY_ABSENT};
    const struct vg_receiver *receiver = vg_config_receiver(config, row->sink);
    struct vg_message message;
    if (!receiver)
        return 0;
    if (vg_message_read(row->body, arena, &message, err) < 0)
        return -1;
    struct vg_sink_in in = {
        .receiver = receiver,
        .message = &message,
        .kept = row->kept,
        .step = row->step,
        .now_us = packing->now_us,
    };
    return pack_message(&in, arena, out, err);
}

int vg_deliver_pack_message(const struct vg_packing *packing, const char *receiver,
                            const struct vg_message *message, const char *kept,
                            struct vg_arena *arena, struct vg_parcel *out, struct vg_error *err)
{
    *out = (struct vg_parcel){.ready = VG_READY_ABSENT};
    struct vg_sink_in in = {
        .receiver = vg_config_receiver(packing->config, receiver),
        .message = message,
        .kept = kept,
        .now_us = packing->now_us,
    };
    return in.receiver ? pack_message(&in, arena, out, err) : 0;
}

static int await_answer(struct vg_http *http, const struct vg_parcel *parcel,
                        struct vg_deliver_said *out, struct vg_error *err)
{
    const struct vg_response *response;
    void *tag;
    int64_t ignored_us = 0;
    if (http->ops->start(http, &parcel->request, out, err) < 0)
        return -1;
    do {
        while (!http->ops->poll(http, VG_US, &tag, &response))
            ;
    } while (tag != out);
    out->status = response->status;
    out->outcome = parcel->answer(response, &ignored_us, out->why, sizeof out->why);
    out->outcome = out->outcome == VG_AFRESH ? VG_RETRY : out->outcome;
    return 0;
}

int vg_deliver_once(struct vg_http *http, const struct vg_receiver *receiver,
                    const struct vg_message *message, struct vg_deliver_said *out,
                    struct vg_error *err)
{
    struct vg_parcel parcel = {0};
    struct vg_arena *arena = vg_arena_new_wiped();
    struct vg_sink_in in = {.receiver = receiver, .message = message, .now_us = message->at_us};
    *out = (struct vg_deliver_said){.outcome = VG_DELIVERED};
    int rc =
        arena ? pack_message(&in, arena, &parcel, err) : vg_fail(err, VG_E_MEMORY, "out of memory");
    out->nothing = !rc && parcel.ready == VG_READY_NOTHING;
    if (!rc && parcel.ready == VG_READY_SEND)
        rc = await_answer(http, &parcel, out, err);
    vg_deliver_unpack(&parcel);
    vg_arena_free(arena);
    return rc;
}
