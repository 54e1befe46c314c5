/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What receivers share: the registry, the meaning of answers, the request around a body.
 *
 * Pure: no clock, no socket, no file, no log.
 */
#include "agent/receivers/receivers.h"

#include <string.h>
#include <strings.h>

#include "agent/phrase.h"
#include "agent/template.h"
#include "pgvigil/text.h"

enum { BODY_BYTES = 8 << 20, TEXT_BYTES = 1 << 16, LINK_BYTES = 500, QUOTED_CHARS = 120 };

const struct vg_sink_ops *vg_sink_of(enum vg_receiver_kind kind)
{
    static const struct vg_sink_ops *const sinks[VG_RECEIVER_KINDS] = {
#define VG_RECEIVER(upper, lower, doc) [VG_RECEIVER_##upper] = &vg_receiver_##lower,
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
    };
    if (kind >= VG_RECEIVER_KINDS)
        BUG("a receiver of unknown kind %d", (int)kind);
    return sinks[kind];
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void explain_answer(const struct vg_response *response, char *why, size_t why_size)
{
    struct vg_buf body;
    if (!response->status) {
        snprintf(why, why_size, "%s", response->error.msg);
        return;
    }
    vg_buf_init_wiped(&body, TEXT_BYTES); /* it may begin with a token */
    vg_phrase_clean(&body, response->body);
    size_t n = vg_utf8_prefix(body.data, body.len, QUOTED_CHARS);
    snprintf(why, why_size, n ? "status %d: %.*s" : "status %d", response->status, (int)n,
             body.data);
    why[vg_utf8_whole(why, strlen(why))] = '\0';
    vg_buf_free(&body);
}

enum vg_outcome vg_receiver_answer(const struct vg_response *response, int64_t *retry_after_us,
                                   char *why, size_t why_size)
{
    int status = response->status;
    explain_answer(response, why, why_size);
    if (response->retry_after_us > *retry_after_us)
        *retry_after_us = response->retry_after_us;
    if (status >= 200 && status < 300)
        return VG_DELIVERED;
    if (!status || status == 408 || status == 425 || status == 429 || status >= 500)
        return VG_RETRY;
    return VG_PERMANENT;
}

/* --- Bodies ----------------------------------------------------------------------------------- */

json_t *vg_receiver_text(const char *s, size_t max_chars)
{
    if (!s)
        return json_null();
    struct vg_buf buf;
    vg_buf_init(&buf, TEXT_BYTES);
    vg_phrase_clean(&buf, s);
    size_t whole = vg_utf8_prefix(buf.data, buf.len, max_chars);
    json_t *text = NULL;
    if (!buf.failed && whole == buf.len) {
        text = json_stringn(buf.data, buf.len);
    } else if (!buf.failed) {
        size_t cut = vg_utf8_prefix(buf.data, buf.len, max_chars - 1);
        text = json_sprintf("%.*s\xe2\x80\xa6", (int)cut, buf.data);
    }
    vg_buf_free(&buf);
    return text;
}

json_t *vg_receiver_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? json_null() : json_string(vg_format_time(us, text));
}

int vg_receiver_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value);
}

int vg_receiver_set_text(json_t *object, const char *key, const char *s, size_t max_chars)
{
    json_t *text = vg_receiver_text(s, max_chars);
    bool empty = text && !json_string_length(text);
    if (!empty)
        return vg_receiver_set(object, key, text);
    json_decref(text);
    return 0;
}

json_t *vg_receiver_made(json_t *made, int bad)
{
    if (!bad)
        return made;
    json_decref(made);
    return NULL;
}

const char *vg_receiver_link(const char *url, struct vg_arena *arena)
{
    if (!url || (strncmp(url, "https://", 8) && strncmp(url, "http://", 7)))
        return NULL;
    struct vg_buf buf;
    vg_buf_init(&buf, LINK_BYTES + 1);
    for (const unsigned char *p = (const unsigned char *)url; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("<>|\"'`\\^{}", *p))
            vg_buf_printf(&buf, "%%%02X", *p);
        else
            vg_buf_putc(&buf, (char)*p);
    }
    const char *link = buf.failed ? NULL : vg_arena_strdup(arena, buf.data);
    vg_buf_free(&buf);
    return link;
}

char *vg_receiver_dump(const json_t *json, size_t flags, struct vg_arena *arena, size_t *size)
{
    flags |= JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY;
    *size = json_dumpb(json, NULL, 0, flags);
    char *text = *size ? vg_arena_alloc(arena, *size + 1) : NULL;
    return text && json_dumpb(json, text, *size, flags) == *size ? text : NULL;
}

int vg_receiver_body(const json_t *body, struct vg_arena *arena, struct vg_request *out,
                     struct vg_error *err)
{
    out->body = vg_receiver_dump(body, 0, arena, &out->body_size);
    if (!out->body)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (out->body_size > BODY_BYTES)
        return vg_fail(err, VG_E_LIMIT, "a request body is longer than %d bytes", BODY_BYTES);
    return 0;
}

int vg_receiver_wrap(const struct vg_endpoint *endpoint, const char *url, const char *type,
                     struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    *out = (struct vg_request){0};
    if (!url || !*url)
        return vg_fail(err, VG_E_CONFIG, "no URL is given");
    struct vg_pair *headers = vg_arena_array(arena, endpoint->nheaders + 1, sizeof *headers);
    if (!headers)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t n = 0;
    bool typed = !type;
    for (size_t i = 0; i < endpoint->nheaders; i++) {
        headers[n++] = endpoint->headers[i];
        typed = typed || !strcasecmp(endpoint->headers[i].key, "Content-Type");
    }
    if (!typed)
        headers[n++] = (struct vg_pair){"Content-Type", type};
    *out = (struct vg_request){
        .method = endpoint->method ? endpoint->method : "POST",
        .url = url,
        .headers = headers,
        .nheaders = n,
        .ca_file = endpoint->ca_file,
        .insecure_http = endpoint->insecure_http,
        .allow_private = endpoint->allow_private,
        .timeout_us = endpoint->timeout_us,
    };
    return 0;
}

int vg_receiver_request(const struct vg_endpoint *endpoint, const char *url, const json_t *body,
                        struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    if (vg_receiver_wrap(endpoint, url, "application/json", arena, out, err) < 0)
        return -1;
    return vg_receiver_body(body, arena, out, err);
}

int vg_receiver_header(struct vg_request *request, const char *key, const char *value,
                       struct vg_arena *arena, struct vg_error *err)
{
    struct vg_pair *headers = vg_arena_array(arena, request->nheaders + 1, sizeof *headers);
    size_t n = 0;
    if (!headers || !key || !value)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < request->nheaders; i++) {
        if (strcasecmp(request->headers[i].key, key) != 0)
            headers[n++] = request->headers[i];
    }
    headers[n++] = (struct vg_pair){key, value};
    request->headers = headers;
    request->nheaders = n;
    return 0;
}

const char *vg_receiver_join(const char *base, const char *path, struct vg_arena *arena)
{
    size_t n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    char *url = vg_arena_alloc(arena, n + strlen(path) + 1);
    if (url) {
        memcpy(url, base, n);
        memcpy(url + n, path, strlen(path));
    }
    return url;
}

void vg_receiver_retry_after(const struct vg_response *response, const char *key,
                             int64_t *retry_after_us)
{
    json_t *body = json_loads(response->body, 0, NULL);
    double seconds = json_number_value(json_object_get(body, key));
    json_decref(body);
    if (seconds > 0 && seconds < 1e12 && seconds * 1e6 > (double)*retry_after_us)
        *retry_after_us = (int64_t)(seconds * 1e6);
}

/* Whether the template says who has acknowledged, which is the news of it, or nobody has. */
static bool says_by(const struct vg_sink_in *in)
{
    static const char *const names[] = {"{{by", "{{ by", "{{title", "{{ title"};
    const char *by = in->message->by;
    bool found = in->message->kind != VG_MSG_ACKNOWLEDGE || !by || !*by;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++)
        found = strstr(in->receiver->title, names[i]);
    return found;
}

void vg_receiver_title(struct vg_buf *out, const struct vg_sink_in *in)
{
    struct vg_buf made;
    if (in->message->gathered) { /* a template speaks of one incident */
        vg_phrase_many(out, in->message);
        return;
    }
    vg_buf_init(&made, TEXT_BYTES);
    if (in->receiver->title)
        vg_template_write(&made, in->receiver->title, in->message);
    size_t before = out->len;
    if (!made.failed && made.len && !says_by(in))
        vg_buf_printf(&made, ", by %s", in->message->by);
    if (!made.failed)
        vg_phrase_clean(out, made.data);
    if (out->len == before)
        vg_phrase_title(out, in->message);
    vg_buf_free(&made);
}
