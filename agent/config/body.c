/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is sent to a training system: a YAML mapping as JSON text. Plain null, true, false and
 * numbers keep their type, everything else is a string; {{name}} inside strings must be a known
 * one. */
#include <ctype.h>
#include <string.h>

#include "agent/config/reading.h"
#include "agent/config/url.h"
#include "agent/triggers/trigger.h"
#include "pgvigil/text.h"

enum { BODY_BYTES = 64 * 1024 };

static void add_string(struct vg_buf *out, const char *s)
{
    vg_buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            vg_buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            vg_buf_printf(out, "\\u%04x", c);
        else
            vg_buf_putc(out, (char)c);
    }
    vg_buf_putc(out, '"');
}

/* The grammar of RFC 8259, which is narrower than what strtod takes. */
static bool is_number(const char *s)
{
    double ignored;
    const char *digits = s + (*s == '-');
    size_t whole = strspn(digits, "0123456789");
    if (!whole || (digits[0] == '0' && whole > 1) || vg_parse_double(s, &ignored) < 0)
        return false;
    const char *rest = digits + whole;
    return *rest != '.' || isdigit((unsigned char)rest[1]);
}

static bool is_known(const char *name)
{
    size_t n;
    const char *const *known = vg_trigger_places(&n);
    bool found = false;
    for (size_t i = 0; i < n && !found; i++)
        found = !strcmp(name, known[i]);
    return found;
}

static void report_name(struct vg_config_reading *in, struct vg_loc loc, const char *what,
                        const char *name)
{
    size_t n;
    const char *const *known = vg_trigger_places(&n);
    const char *nearest = vg_nearest(name, known, n);
    const char *hint = nearest ? vg_read_printf(&in->r, "did you mean {{%s}}?", nearest)
                               : vg_read_advice(&in->r, name, known, n);
    vg_read_fault(&in->r, loc, hint, "%s: there is no {{%s}}", what, vg_read_shown(&in->r, name));
}

/* Copies text with {{ name }} as {{name}}; each name must be known. */
static void add_template(struct vg_config_reading *in, struct vg_loc loc, const char *s,
                         const char *what, struct vg_buf *out)
{
    struct vg_buf text;
    vg_buf_init(&text, BODY_BYTES);
    for (const char *open; (open = strstr(s, "{{"));) {
        const char *close = strstr(open, "}}");
        if (!close) {
            vg_read_fault(&in->r, loc, NULL, "%s: {{ is not closed", what);
            break;
        }
        const char *from = open + 2, *to = close;
        while (from < to && *from == ' ')
            from++;
        while (to > from && to[-1] == ' ')
            to--;
        const char *name = vg_arena_strndup(in->r.scratch, from, (size_t)(to - from));
        in->r.memory = in->r.memory || !name;
        if (name && !is_known(name))
            report_name(in, loc, what, name);
        vg_buf_add(&text, s, (size_t)(open - s));
        vg_buf_printf(&text, "{{%s}}", name ? name : "");
        s = close + 2;
    }
    vg_buf_puts(&text, s);
    add_string(out, text.data);
    out->failed = out->failed || text.failed;
    vg_buf_free(&text);
}

static void add_scalar(struct vg_config_reading *in, const struct vg_node *node, const char *what,
                       struct vg_buf *out)
{
    const char *text = vg_read_text(&in->r, node, what);
    if (!text)
        return;
    if (vg_node_null(node))
        vg_buf_puts(out, "null");
    else if (node->plain && (!strcmp(text, "true") || !strcmp(text, "false") || is_number(text)))
        vg_buf_puts(out, text);
    else
        add_template(in, node->loc, text, what, out);
}

static void add_node(struct vg_config_reading *in, const struct vg_node *node, const char *what,
                     struct vg_buf *out);

static void add_entry(struct vg_config_reading *in, const struct vg_entry *entry, const char *what,
                      struct vg_buf *out)
{
    size_t n = strlen(entry->key);
    bool secret = vg_word_is_secret(entry->key, n) && strcasecmp(entry->key, "key");
    const struct vg_node *value = entry->value;
    if (secret && value->kind == VG_NODE_SCALAR && strstr(value->text, "${"))
        vg_read_fault(&in->r, value->loc,
                      "token_file: a file whose text becomes Authorization: "
                      "Bearer",
                      "a secret does not come from the environment");
    add_string(out, entry->key);
    vg_buf_putc(out, ':');
    add_node(in, value, what, out);
}

static void add_node(struct vg_config_reading *in, const struct vg_node *node, const char *what,
                     struct vg_buf *out)
{
    switch (node->kind) {
    case VG_NODE_BAD:
        vg_buf_puts(out, "null");
        break;
    case VG_NODE_SCALAR:
        add_scalar(in, node, what, out);
        break;
    case VG_NODE_SEQUENCE:
        vg_buf_putc(out, '[');
        for (size_t i = 0; i < node->n; i++) {
            vg_buf_puts(out, i ? "," : "");
            add_node(in, node->items[i], what, out);
        }
        vg_buf_putc(out, ']');
        break;
    case VG_NODE_MAPPING:
        vg_buf_putc(out, '{');
        for (size_t i = 0; i < node->n; i++) {
            vg_buf_puts(out, i ? "," : "");
            add_entry(in, &node->entries[i], what, out);
        }
        vg_buf_putc(out, '}');
        break;
    }
}

const char *vg_config_body(struct vg_config_reading *in, const struct vg_node *node,
                           const char *what)
{
    if (node->kind != VG_NODE_MAPPING) {
        if (node->kind != VG_NODE_BAD)
            vg_read_fault(&in->r, node->loc,
                          vg_read_printf(&in->r, "%s: {model: \"{{model}}\"}", what),
                          "%s must be a mapping, not %s", what,
                          vg_node_null(node) ? "empty" : vg_node_noun(node));
        return NULL;
    }
    size_t faults = in->r.faults;
    struct vg_buf buf;
    vg_buf_init(&buf, BODY_BYTES);
    add_node(in, node, what, &buf);
    if (buf.failed)
        vg_read_fault(&in->r, node->loc, NULL, "%s: at most 65536 bytes of JSON are sent", what);
    const char *out = in->r.faults == faults ? vg_arena_strdup(in->r.arena, buf.data) : NULL;
    in->r.memory = in->r.memory || (in->r.faults == faults && !out);
    vg_buf_free(&buf);
    return out;
}
