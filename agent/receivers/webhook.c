/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generic webhook: Alertmanager's body, CloudEvents 1.0 or Standard Webhooks, signed or not.
 *
 * Pure. Every message has an id that stays the same over retries; with it a receiver can tell
 * repetitions. Signatures are HMAC-SHA256 over id, time of the attempt and the exact bytes that are
 * sent, one for each secret, so that secrets can be changed without a gap.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/hook.h"
#include "agent/receivers/receivers.h"
#include "pgvigil/digest.h"
#include "pgvigil/text.h"

enum { ID_SIZE = 4 + 33, NAME_CHARS = 200, STANDARD_BYTES = 20000, SECRET_BYTES = 64 };

/* "msg_" and a hash of what makes the message this one and no other. */
static void make_id(char id[ID_SIZE], const struct vg_message *message)
{
    char at[24], hex[33];
    snprintf(at, sizeof at, "%lld", (long long)message->at_us);
    const char *parts[] = {message->key, vg_message_kind_name(message->kind), at};
    vg_hash_hex(hex, parts, 3);
    snprintf(id, ID_SIZE, "msg_%s", hex);
}

/* --- CloudEvents ------------------------------------------------------------------------------ */

/* Percent-encoded, as the HTTP binding wants header values and a source be a URI reference. */
static const char *encode(const char *before, const char *text, struct vg_arena *arena)
{
    struct vg_buf clean, out;
    vg_buf_init(&clean, 1 << 16);
    vg_buf_init(&out, 1 << 16);
    vg_phrase_clean(&clean, text);
    size_t n = vg_utf8_prefix(clean.data, clean.len, NAME_CHARS);
    vg_buf_puts(&out, before);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)clean.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"%<>\\^`{|}", c))
            vg_buf_printf(&out, "%%%02X", c);
        else
            vg_buf_putc(&out, (char)c);
    }
    const char *kept = clean.failed || out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&clean);
    vg_buf_free(&out);
    return kept;
}

struct event {
    const char *id, *source, *type, *subject, *time;
};

static int make_event(const struct vg_message *message, struct vg_arena *arena, struct event *out)
{
    char id[ID_SIZE], time[VG_TIME_TEXT];
    make_id(id, message);
    *out = (struct event){
        .id = vg_arena_strdup(arena, id),
        .source = encode("/pgvigil/", message->agent ? message->agent : "agent", arena),
        .type =
            vg_arena_printf(arena, "org.pgvigil.incident.%s", vg_message_kind_name(message->kind)),
        .subject = encode("", message->dataset, arena),
        .time = vg_arena_strdup(arena, vg_format_time(message->at_us, time)),
    };
    return out->id && out->source && out->type && out->subject && out->time ? 0 : -1;
}

static json_t *make_structured(const struct event *event, json_t *data)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id",
                             event->id, "source", event->source, "type", event->type, "time",
                             event->time, "datacontenttype", "application/json", "data", data);
    /* optional, and never empty */
    int bad = *event->subject && vg_receiver_set(body, "subject", json_string(event->subject));
    return vg_receiver_made(body, bad);
}

static int add_event_headers(struct vg_request *request, const struct event *event,
                             struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_pair pairs[] = {
        {"ce-specversion", "1.0"}, {"ce-id", event->id},     {"ce-source", event->source},
        {"ce-type", event->type},  {"ce-time", event->time}, {"ce-subject", event->subject},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (*pairs[i].value &&
            vg_receiver_header(request, pairs[i].key, pairs[i].value, arena, err) < 0)
            return -1;
    }
    return 0;
}

/* --- Standard Webhooks ------------------------------------------------------------------------ */

/* The bytes of a secret: whsec_ and base64, or the text itself; their number, or -1. */
static int read_key(const char *secret, uint8_t key[VG_SHA256_SIZE * 4], const void **at)
{
    static const char prefix[] = "whsec_";
    *at = secret;
    if (strncmp(secret, prefix, sizeof prefix - 1))
        return (int)strlen(secret);
    const char *coded = secret + sizeof prefix - 1;
    *at = key;
    return vg_base64_read(coded, strlen(coded), key, SECRET_BYTES);
}

static int put_signature(struct vg_buf *out, const char *secret, const struct vg_bytes *parts,
                         size_t nparts, struct vg_error *err)
{
    uint8_t key[VG_SHA256_SIZE * 4], digest[VG_SHA256_SIZE];
    const void *at;
    int n = read_key(secret, key, &at);
    if (n > 0)
        vg_hmac_sha256(at, (size_t)n, parts, nparts, digest);
    explicit_bzero(key, sizeof key);
    if (n <= 0)
        return vg_fail(err, VG_E_CONFIG,
                       "a signing secret is not whsec_ and base64 of at most %d bytes",
                       SECRET_BYTES);
    vg_buf_puts(out, out->len ? " v1," : "v1,");
    vg_base64_put(out, digest, sizeof digest);
    return 0;
}

static int sign(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *request,
                struct vg_error *err)
{
    char id[ID_SIZE], time[24];
    if (!in->signing[0] && !in->signing[1])
        return 0;
    make_id(id, in->message);
    snprintf(time, sizeof time, "%lld", (long long)(in->now_us / VG_US));
    const struct vg_bytes parts[] = {{id, strlen(id)},
                                     {".", 1},
                                     {time, strlen(time)},
                                     {".", 1},
                                     {request->body, request->body_size}};
    struct vg_buf text;
    int rc = 0;
    vg_buf_init(&text, 1000);
    for (size_t i = 0; i < 2 && !rc; i++)
        rc = in->signing[i] ? put_signature(&text, in->signing[i], parts, 5, err) : 0;
    rc = rc || vg_receiver_header(request, "webhook-id", vg_arena_strdup(arena, id), arena, err) ||
         vg_receiver_header(request, "webhook-timestamp", vg_arena_strdup(arena, time), arena,
                            err) ||
         vg_receiver_header(request, "webhook-signature", vg_arena_strdup(arena, text.data), arena,
                            err);
    vg_buf_free(&text);
    return rc ? -1 : 0;
}

static json_t *make_standard(const struct vg_sink_in *in, size_t most, struct vg_arena *arena)
{
    char type[40], time[VG_TIME_TEXT];
    snprintf(type, sizeof type, "incident.%s", vg_message_kind_name(in->message->kind));
    return json_pack("{s:s, s:s, s:o}", "type", type, "timestamp",
                     vg_format_time(in->message->at_us, time), "data",
                     vg_hook_body(in, most, arena));
}

/* --- The request ------------------------------------------------------------------------------ */

/* Standard Webhooks are to stay below 20 kB: fewer alerts until they do. */
static int render_standard(const struct vg_sink_in *in, const char *url, struct vg_arena *arena,
                           struct vg_request *out, struct vg_error *err)
{
    for (size_t most = in->message->nitems ? in->message->nitems : 1;; most /= 2) {
        json_t *body = make_standard(in, most, arena);
        if (!body)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        int rc = vg_receiver_request(&in->receiver->endpoint, url, body, arena, out, err);
        json_decref(body);
        if (rc < 0 || out->body_size < STANDARD_BYTES || most <= 1)
            return rc;
    }
}

static int render_event(const struct vg_sink_in *in, const char *url, struct vg_arena *arena,
                        struct vg_request *out, struct vg_error *err)
{
    struct event event;
    bool binary = in->receiver->format == VG_FORMAT_CLOUDEVENTS_BINARY;
    json_t *data = vg_hook_body(in, SIZE_MAX, arena);
    if (!data || make_event(in->message, arena, &event) < 0) {
        json_decref(data);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    json_t *body = binary ? data : make_structured(&event, data);
    if (!body)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_receiver_wrap(&in->receiver->endpoint, url,
                              binary ? "application/json" : "application/cloudevents+json", arena,
                              out, err);
    rc = rc ? rc : vg_receiver_body(body, arena, out, err);
    json_decref(body);
    return rc || !binary ? rc : add_event_headers(out, &event, arena, err);
}

static int render_alerts(const struct vg_sink_in *in, const char *url, struct vg_arena *arena,
                         struct vg_request *out, struct vg_error *err)
{
    json_t *body = vg_hook_body(in, SIZE_MAX, arena);
    if (!body)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_receiver_request(&in->receiver->endpoint, url, body, arena, out, err);
    json_decref(body);
    return rc;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const char *url = in->secret ? in->secret : in->receiver->endpoint.url;
    int rc = 0;
    switch (in->receiver->format) {
    case VG_FORMAT_ALERTMANAGER:
        rc = render_alerts(in, url, arena, out, err);
        break;
    case VG_FORMAT_CLOUDEVENTS:
    case VG_FORMAT_CLOUDEVENTS_BINARY:
        rc = render_event(in, url, arena, out, err);
        break;
    case VG_FORMAT_STANDARD:
        rc = render_standard(in, url, arena, out, err);
        break;
    }
    return rc ? rc : sign(in, arena, out, err);
}

const struct vg_sink_ops vg_receiver_webhook = {
    .name = "webhook",
    .doc = "a webhook of your own: Alertmanager's body, CloudEvents or Standard Webhooks",
    .render = render,
    .answer = vg_receiver_answer,
};
