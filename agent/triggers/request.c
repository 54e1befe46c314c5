/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What training systems build their requests with: the registry, addresses, headers, rights, JSON
 * and forms.
 *
 * Pure. What may hold a secret is written into the arena only, never by printf, which keeps pieces
 * of what it prints.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/systems.h"
#include "pgvigil/text.h"

enum { BODY_BYTES = 1 << 20, URL_BYTES = 8000, PARTS = 8 };

const struct vg_trigger_ops *vg_trigger_system(enum vg_trigger_system system)
{
    static const struct vg_trigger_ops *const systems[VG_TRIGGER_SYSTEMS] = {
#define VG_TRIGGER(upper, lower, doc) [VG_TRIGGER_##upper] = &vg_trigger_##lower,
#include "pgvigil/triggers.def"
#undef VG_TRIGGER
    };
    if (system >= VG_TRIGGER_SYSTEMS)
        BUG("a training system of unknown kind %d", (int)system);
    return systems[system];
}

const struct vg_trigger_ops *vg_trigger_of(const struct vg_retraining *retraining)
{
    return retraining->system ? retraining->system : &vg_trigger_http;
}

/* --- Addresses -------------------------------------------------------------------------------- */

static void put_encoded(struct vg_buf *out, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (!plain)
            vg_buf_putc(out, '%');
        vg_buf_putc(out, plain ? (char)c : hex[c >> 4]);
        if (!plain)
            vg_buf_putc(out, hex[c & 15]);
    }
}

const char *vg_trigger_url(const struct vg_trigger_in *in, struct vg_arena *arena,
                           const char *format, ...)
{
    struct vg_buf out;
    va_list args;
    const char *base = in->url ? in->url : "";
    size_t n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    vg_buf_init(&out, URL_BYTES);
    vg_buf_add(&out, base, n);
    va_start(args, format);
    for (const char *hole; (hole = strstr(format, "%s")); format = hole + 2) {
        const char *text = va_arg(args, const char *);
        vg_buf_add(&out, format, (size_t)(hole - format));
        put_encoded(&out, text ? text : "");
    }
    va_end(args);
    vg_buf_puts(&out, format);
    const char *url = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return url;
}

const char *vg_trigger_name(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    return vg_arena_printf(arena, "pgvigil__%s", in->key);
}

/* --- Headers ---------------------------------------------------------------------------------- */

int vg_trigger_header(struct vg_request *request, const char *key, const char *value,
                      struct vg_arena *arena, struct vg_error *err)
{
    struct vg_pair *headers = vg_arena_array(arena, request->nheaders + 1, sizeof *headers);
    size_t n = 0;
    if (!headers || !key || !value)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < request->nheaders; i++) {
        if (strcasecmp(request->headers[i].key, key))
            headers[n++] = request->headers[i];
    }
    headers[n++] = (struct vg_pair){key, value};
    request->headers = headers;
    request->nheaders = n;
    return 0;
}

const char *vg_trigger_base64(const char *prefix, const char *a, const char *b,
                              struct vg_arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t np = strlen(prefix), na = strlen(a), n = na + 1 + strlen(b);
    char *in = vg_arena_alloc(arena, n + 3);
    char *out = vg_arena_alloc(arena, np + (n + 2) / 3 * 4 + 1), *to = out;
    if (!in || !out)
        return NULL;
    memcpy(in, a, na);
    in[na] = ':';
    memcpy(in + na + 1, b, n - na - 1);
    memcpy(to, prefix, np);
    to += np;
    for (size_t i = 0; i < n; i += 3) {
        const unsigned char *three = (const unsigned char *)in + i; /* zeros behind the end */
        uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
        *to++ = i + 2 < n ? digits[bits & 63] : '=';
    }
    return out;
}

static int authorize(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                     struct vg_error *err)
{
    static const char bearer[] = "Bearer ";
    const struct vg_trigger_settings *settings = in->retraining->settings;
    if (in->token) {
        size_t n = strlen(in->token);
        char *value = vg_arena_alloc(arena, sizeof bearer + n);
        if (value) {
            memcpy(value, bearer, sizeof bearer - 1);
            memcpy(value + sizeof bearer - 1, in->token, n);
        }
        return vg_trigger_header(out, "Authorization", value, arena, err);
    }
    if (!settings || !settings->user || !in->password)
        return 0;
    return vg_trigger_header(out, "Authorization",
                             vg_trigger_base64("Basic ", settings->user, in->password, arena),
                             arena, err);
}

/* --- Requests --------------------------------------------------------------------------------- */

int vg_trigger_open(const struct vg_trigger_in *in, const char *method, const char *url,
                    const char *type, struct vg_arena *arena, struct vg_request *out,
                    struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->retraining->http;
    *out = (struct vg_request){0};
    if (!url || !*url)
        return vg_fail(err, url ? VG_E_CONFIG : VG_E_MEMORY,
                       url ? "no URL is given" : "out of memory");
    *out = (struct vg_request){
        .method = method,
        .url = url,
        .ca_file = endpoint->ca_file,
        .insecure_http = endpoint->insecure_http,
        .allow_private = endpoint->allow_private,
        .timeout_us = endpoint->timeout_us,
    };
    if (type && vg_trigger_header(out, "Content-Type", type, arena, err) < 0)
        return -1;
    for (size_t i = 0; i < endpoint->nheaders; i++) {
        if (vg_trigger_header(out, endpoint->headers[i].key, endpoint->headers[i].value, arena,
                              err) < 0)
            return -1;
    }
    return authorize(in, arena, out, err);
}

static int put_json(const json_t *body, struct vg_arena *arena, struct vg_request *out,
                    struct vg_error *err)
{
    size_t n = json_dumpb(body, NULL, 0, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    if (n > BODY_BYTES)
        return vg_fail(err, VG_E_LIMIT, "a request body is longer than %d bytes", BODY_BYTES);
    char *text = n ? vg_arena_alloc(arena, n + 1) : NULL;
    if (!text ||
        json_dumpb(body, text, n, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY) != n)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    out->body = text;
    out->body_size = n;
    return 0;
}

int vg_trigger_post(const struct vg_trigger_in *in, const char *url, json_t *body,
                    struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    int rc = body ? vg_trigger_open(in, "POST", url, "application/json", arena, out, err)
                  : vg_fail(err, VG_E_MEMORY, "out of memory");
    rc = rc ? rc : put_json(body, arena, out, err);
    json_decref(body);
    return rc;
}

int vg_trigger_get(const struct vg_trigger_in *in, const char *url, struct vg_arena *arena,
                   struct vg_request *out, struct vg_error *err)
{
    return vg_trigger_open(in, "GET", url, NULL, arena, out, err);
}

int vg_trigger_form(const struct vg_trigger_in *in, const char *url, const struct vg_pair *pairs,
                    size_t n, struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    struct vg_buf text;
    if (vg_trigger_open(in, "POST", url, "application/x-www-form-urlencoded", arena, out, err) < 0)
        return -1;
    vg_buf_init_wiped(&text, BODY_BYTES);
    for (size_t i = 0; i < n; i++) {
        vg_buf_puts(&text, i ? "&" : "");
        put_encoded(&text, pairs[i].key);
        vg_buf_putc(&text, '=');
        put_encoded(&text, pairs[i].value);
    }
    out->body = text.failed ? NULL : vg_arena_strndup(arena, text.data, text.len);
    out->body_size = text.len;
    vg_buf_free(&text);
    return out->body ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

const char *vg_trigger_plain(const json_t *value, struct vg_arena *arena)
{
    if (json_is_string(value))
        return vg_arena_strdup(arena, json_string_value(value));
    if (json_is_null(value))
        return "";
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    const char *plain = text ? vg_arena_strdup(arena, text) : NULL;
    free(text);
    return plain;
}
