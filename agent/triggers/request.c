/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What training systems build their requests with: the registry, addresses, headers, rights, JSON
 * and forms.
 *
 * Pure. What may hold a secret is written into the arena only, never by printf, which keeps pieces
 * of what it prints.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/systems.h"
#include "pgvigil/digest.h"
#include "pgvigil/text.h"

enum { BODY_BYTES = 1 << 20, URL_BYTES = 8000 };

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

static void put_url(struct vg_buf *out, const char *base, const char *format, va_list args)
{
    size_t n = base ? strlen(base) : 0;
    while (n && base[n - 1] == '/')
        n--;
    vg_buf_add(out, base ? base : "", n);
    for (const char *hole; (hole = strstr(format, "%s")); format = hole + 2) {
        const char *text = va_arg(args, const char *);
        vg_buf_add(out, format, (size_t)(hole - format));
        put_encoded(out, text ? text : "");
    }
    vg_buf_puts(out, format);
}

const char *vg_trigger_url(const struct vg_trigger_in *in, struct vg_arena *arena,
                           const char *format, ...)
{
    struct vg_buf out;
    va_list args;
    vg_buf_init(&out, URL_BYTES);
    va_start(args, format);
    put_url(&out, in->url, format, args);
    va_end(args);
    const char *url = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return url;
}

void vg_trigger_page(struct vg_trigger_said *said, const char *base, const char *format, ...)
{
    struct vg_buf out;
    va_list args;
    vg_buf_init(&out, URL_BYTES);
    va_start(args, format);
    put_url(&out, base, format, args);
    va_end(args);
    if (!out.failed && out.len < sizeof said->url)
        memcpy(said->url, out.data, out.len + 1);
    vg_buf_free(&out);
}

const char *vg_trigger_note(const struct vg_trigger_in *in)
{
    bool by_hand = in->onset && (in->onset->by_hand || vg_streq(in->onset->rule, "by hand"));
    return by_hand ? "asked for by hand through pgvigil" : "asked for by pgvigil: the data drifted";
}

const char *vg_trigger_name(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    return vg_arena_printf(arena, "pgvigil__%s", in->key);
}

const char *vg_trigger_label(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    return vg_arena_printf(arena, "pgvigil-%s", in->key);
}

/* --- Rights ----------------------------------------------------------------------------------- */

static void put_basic(struct vg_buf *out, const char *user, const char *password)
{
    struct vg_buf both;
    vg_buf_init_wiped(&both, BODY_BYTES);
    vg_buf_puts(&both, user);
    vg_buf_putc(&both, ':');
    vg_buf_puts(&both, password);
    vg_buf_puts(out, "Basic ");
    vg_base64_put(out, both.data, both.len);
    out->failed = out->failed || both.failed;
    vg_buf_free(&both);
}

static int authorize(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                     struct vg_error *err)
{
    const struct vg_trigger_settings *settings = in->retraining->settings;
    struct vg_buf rights;
    vg_buf_init_wiped(&rights, BODY_BYTES);
    if (in->token) {
        vg_buf_puts(&rights, "Bearer ");
        vg_buf_puts(&rights, in->token);
    } else if (settings && settings->user && in->password) {
        put_basic(&rights, settings->user, in->password);
    }
    const char *value = rights.failed ? NULL : vg_arena_strdup(arena, rights.data);
    int rc = value && !*value ? 0 : vg_receiver_header(out, "Authorization", value, arena, err);
    vg_buf_free(&rights);
    return rc;
}

/* --- Requests --------------------------------------------------------------------------------- */

int vg_trigger_open(const struct vg_trigger_in *in, const char *method, const char *url,
                    const char *type, struct vg_arena *arena, struct vg_request *out,
                    struct vg_error *err)
{
    *out = (struct vg_request){0};
    if (!url)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_receiver_wrap(&in->retraining->http, url, type, arena, out, err) < 0)
        return -1;
    out->method = method;
    return authorize(in, arena, out, err);
}

int vg_trigger_post(const struct vg_trigger_in *in, const char *url, json_t *body,
                    struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    int rc = body ? vg_trigger_open(in, "POST", url, "application/json", arena, out, err)
                  : vg_fail(err, VG_E_MEMORY, "out of memory");
    rc = rc ? rc : vg_receiver_body(body, arena, out, err);
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
    size_t n;
    return json_is_null(value) ? "" : vg_receiver_dump(value, 0, arena, &n);
}

int vg_trigger_texts(json_t *given, size_t before, struct vg_arena *arena, struct vg_pair **out,
                     size_t *n)
{
    const char *key;
    json_t *value;
    struct vg_pair *pairs =
        vg_arena_array(arena, before + json_object_size(given) + 1, sizeof *pairs);
    bool bad = !given || !pairs;
    *n = before;
    json_object_foreach(given, key, value)
    {
        if (bad)
            break;
        pairs[*n] = (struct vg_pair){vg_arena_strdup(arena, key), vg_trigger_plain(value, arena)};
        bad = !pairs[*n].key || !pairs[*n].value;
        ++*n;
    }
    json_decref(given);
    *out = pairs;
    return bad ? -1 : 0;
}
