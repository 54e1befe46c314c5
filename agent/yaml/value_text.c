/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment in values: ${NAME}, ${NAME:-default} and $$, replaced after parsing, once, so
 * that what a variable holds can never become YAML. A message shows what was written, never what a
 * variable holds. And what texts may be that people click on. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/yaml/value.h"
#include "pgvigil/text.h"

struct reference {
    const char *name, *fallback; /* fallback NULL: none */
    size_t name_n, fallback_n;
    size_t length; /* of the whole ${...} */
};

static bool is_variable(const char *name, size_t n)
{
    bool fine = n > 0 && !isdigit((unsigned char)name[0]);
    for (size_t i = 0; fine && i < n; i++)
        fine = name[i] == '_' || ((unsigned char)name[i] < 0x80 && isalnum((unsigned char)name[i]));
    return fine;
}

/* Takes ${...} apart; false when it is not closed or names no variable. */
static bool parse_reference(const char *s, struct reference *out)
{
    const char *end = strchr(s, '}');
    if (!end)
        return false;
    *out = (struct reference){.name = s + 2, .length = (size_t)(end - s) + 1};
    out->name_n = strcspn(out->name, ":}");
    const char *rest = out->name + out->name_n;
    if (*rest == ':') {
        if (rest[1] != '-')
            return false;
        out->fallback = rest + 2;
        out->fallback_n = (size_t)(end - out->fallback);
    }
    return is_variable(out->name, out->name_n);
}

/* Appends what ${...} at s stands for and returns its length, or 0 after a fault. */
static size_t add_variable(struct vg_reader *r, const struct vg_node *node, const char *what,
                           const char *s, struct vg_buf *out)
{
    struct reference ref;
    if (!parse_reference(s, &ref)) {
        vg_read_fault(r, node->loc, "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign",
                      "%s: \"%s\" is not the name of an environment variable", what,
                      vg_read_shown(r, s));
        return 0;
    }
    const char *name = vg_arena_strndup(r->scratch, ref.name, ref.name_n);
    const char *value = name ? getenv(name) : NULL;
    r->memory = r->memory || !name;
    if (value) {
        vg_buf_puts(out, value);
    } else if (ref.fallback) {
        vg_buf_add(out, ref.fallback, ref.fallback_n);
    } else {
        vg_read_fault(r, node->loc, vg_read_printf(r, "set it, or write ${%s:-default}", name),
                      "%s: the environment variable %s is not set", what, vg_read_shown(r, name));
        return 0;
    }
    return ref.length;
}

const char *vg_read_text(struct vg_reader *r, const struct vg_node *node, const char *what)
{
    if (!strchr(node->text, '$'))
        return node->text;
    struct vg_buf buf;
    vg_buf_init(&buf, VG_YAML_SCALAR);
    bool fine = true;
    for (const char *s = node->text; *s && fine;) {
        size_t used = 1;
        if (s[0] == '$' && s[1] == '{') {
            used = add_variable(r, node, what, s, &buf);
            fine = used > 0;
        } else {
            vg_buf_putc(&buf, *s);
            used = s[0] == '$' && s[1] == '$' ? 2 : 1;
        }
        s += used;
    }
    if (fine && (buf.failed || !vg_utf8_valid(buf.data, buf.len))) {
        vg_read_fault(r, node->loc, NULL,
                      buf.failed ? "%s is too long with its variables"
                                 : "%s is not valid UTF-8 with its variables",
                      what);
        fine = false;
    }
    const char *out = fine ? vg_arena_strdup(r->scratch, buf.data) : NULL;
    r->memory = r->memory || (fine && !out);
    vg_buf_free(&buf);
    return out;
}

/* What stands before the colon of an address, as browsers read it: they skip what is not shown in
 * front of it, and tabs and line ends anywhere. "" without one, or where it is a longer one than
 * any that counts. */
static void find_scheme(const char *s, char out[16])
{
    size_t n = 0;
    while (*s > 0 && *s <= ' ')
        s++;
    for (; *s && *s != ':' && n < 15; s++) {
        if (strchr("\t\r\n", *s))
            continue;
        if (!isalnum((unsigned char)*s) && !(n && strchr("+.-", *s)))
            break;
        out[n++] = *s;
    }
    out[*s == ':' ? n : 0] = '\0';
}

void vg_read_link(struct vg_reader *r, const struct vg_node *node, const char *what,
                  const char *text, bool needed)
{
    static const char wanted[] = "an address that begins with http:// or https://";
    char scheme[16];
    if (!text || !node || !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8))
        return;
    find_scheme(text, scheme);
    if (!strcasecmp(scheme, "javascript") || !strcasecmp(scheme, "data") ||
        !strcasecmp(scheme, "vbscript"))
        vg_read_fault(r, node->loc, "https://...", "%s is not %s", what, wanted);
    else if (*scheme || needed)
        vg_read_warning(r, node->loc, "https://...", "%s is not %s, so messages have no link to it",
                        what, wanted);
}
