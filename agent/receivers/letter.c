/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message for people, before it has the form of a receiver, and the escaping of its text.
 *
 * Pure. What a person needs at night stands first: what, by how much against what, since when, how
 * sure; then where, what it may break, and where to look and what to do.
 */
#include "agent/receivers/letter.h"

#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/receivers.h"
#include "agent/template.h"
#include "pgvigil/text.h"

enum { KEYS = 10, MOST_CHARS = 4000, LINE_CHARS = 180, TEXT_BYTES = 1 << 20 };

/* --- Escaping --------------------------------------------------------------------------------- */

static size_t measure_sequence(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/* What stands in front of, or (when *instead) in the place of, the character at s. */
static const char *escape_char(enum vg_markup markup, const char *s, bool *instead)
{
    *instead = markup != VG_MARKUP_DISCORD || *s == '@';
    switch (markup) {
    case VG_MARKUP_NONE:
        return NULL;
    case VG_MARKUP_SLACK:
        return *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : NULL;
    case VG_MARKUP_DISCORD:
        if (*s == '@')
            return "@" ZERO_WIDTH_SPACE;
        return strchr("\\*_~`|<>[]()#-:", *s) ? "\\" : NULL;
    case VG_MARKUP_TEAMS:
        return *s == '<' ? "<" ZERO_WIDTH_SPACE : NULL;
    }
    return NULL;
}

size_t vg_markup_units(const char *text)
{
    size_t units = 0;
    for (const char *s = text; *s; s += measure_sequence(s))
        units += measure_sequence(s) == 4 ? 2 : 1;
    return units;
}

void vg_markup_put(struct vg_buf *out, enum vg_markup markup, const char *text, size_t max)
{
    struct vg_buf all;
    size_t units = 0, kept = 0;
    vg_buf_init(&all, TEXT_BYTES);
    for (size_t k; *text && units <= max; text += k) {
        bool instead;
        const char *escape = escape_char(markup, text, &instead);
        k = measure_sequence(text);
        units += escape ? vg_markup_units(escape) : 0;
        units += instead && escape ? 0 : k == 4 ? 2u : 1u;
        if (escape && units <= max)
            vg_buf_puts(&all, escape);
        if (units <= max && !(escape && instead))
            vg_buf_add(&all, text, k);
        if (units < max)
            kept = all.len;
    }
    out->failed = out->failed || all.failed;
    vg_buf_add(out, all.data, units > max ? kept : all.len);
    if (units > max)
        vg_buf_puts(out, "\xe2\x80\xa6");
    vg_buf_free(&all);
}

json_t *vg_markup_text(enum vg_markup markup, const char *text, size_t max)
{
    struct vg_buf out;
    vg_buf_init(&out, TEXT_BYTES);
    vg_markup_put(&out, markup, text, max);
    json_t *made = out.failed ? NULL : json_stringn(out.data, out.len);
    vg_buf_free(&out);
    return made;
}

/* --- Parts ------------------------------------------------------------------------------------ */

static const char *choose_runbook(const struct vg_message *message)
{
    for (size_t i = 0; i < message->nitems; i++) {
        if (message->items[i].runbook && vg_phrase_stands(&message->items[i]))
            return message->items[i].runbook;
    }
    return message->runbook;
}

static void add_link(struct vg_letter *out, const char *label, const char *url,
                     struct vg_arena *arena)
{
    const char *safe = vg_receiver_link(url, arena);
    if (safe)
        out->links[out->nlinks++] = (struct vg_letter_link){label, safe};
}

static void write_item(struct vg_buf *out, const struct vg_message *message,
                       const struct vg_message_item *item)
{
    vg_phrase_item(out, item);
    if (*item->why) {
        vg_buf_putc(out, '\n');
        vg_phrase_clean(out, item->why);
    }
    if (item->n > 0) {
        vg_buf_puts(out, "\nrests on ");
        vg_phrase_basis(out, message, item);
    }
    if (item->description && *item->description) {
        vg_buf_putc(out, '\n');
        vg_phrase_clean(out, item->description);
    }
    for (size_t i = 0; i < item->nkeys && i < KEYS; i++) {
        vg_buf_puts(out, i ? ", " : "\nfirst rows: ");
        vg_phrase_clean(out, item->keys[i]);
    }
}

static void write_place(struct vg_buf *out, const struct vg_message *message)
{
    if (message->gathered) {
        vg_phrase_many_place(out, message);
        return;
    }
    if (message->kind != VG_MSG_TEST && message->kind != VG_MSG_CHANGE) {
        vg_phrase_standing(out, message);
        vg_buf_puts(out, " \xc2\xb7 ");
    }
    vg_phrase_place(out, message);
}

static void write_footer(struct vg_buf *out, const struct vg_message *message)
{
    if (!message->gathered) {
        vg_buf_puts(out, message->kind == VG_MSG_CHANGE ? "retraining " : "incident ");
        vg_phrase_clean(out, message->key);
        vg_buf_puts(out, " \xc2\xb7 ");
    }
    vg_buf_puts(out, "agent ");
    vg_phrase_clean(out, message->agent ? message->agent : "pgvigil");
}

static void write_impact(struct vg_buf *out, const struct vg_message *message)
{
    if (message->kind == VG_MSG_TEST || message->kind == VG_MSG_RESOLVE ||
        message->kind == VG_MSG_SUMMARY)
        return;
    vg_buf_puts(out, "may break: ");
    size_t before = out->len;
    if (message->gathered)
        vg_phrase_many_impact(out, message->gathered);
    else
        vg_phrase_impact(out, message);
    if (out->len == before)
        vg_buf_clear(out);
}

/* The buffer's text into the arena, and the buffer empty again; NULL without memory. */
static const char *keep(struct vg_buf *text, struct vg_arena *arena)
{
    size_t n = vg_utf8_prefix(text->data, text->len, MOST_CHARS);
    const char *kept = text->failed ? NULL : vg_arena_strndup(arena, text->data, n);
    vg_buf_clear(text);
    return kept;
}

static int fill_items(const struct vg_message *message, size_t most, struct vg_buf *text,
                      struct vg_arena *arena, struct vg_letter *out)
{
    size_t n = message->nitems < most ? message->nitems : most;
    const char **items = vg_arena_array(arena, n + 1, sizeof *items);
    for (size_t i = 0; items && i < n; i++) {
        write_item(text, message, &message->items[i]);
        if (!(items[i] = keep(text, arena)))
            return -1;
    }
    out->items = items;
    out->nitems = n;
    out->more = message->nitems - n + message->more;
    return items ? 0 : -1;
}

/* A few lines an item, so that all of them find a place. */
static int fill_lines(const struct vg_gathered *many, size_t most, struct vg_buf *text,
                      struct vg_arena *arena, struct vg_letter *out)
{
    size_t each = (many->nlines + most - 1) / most;
    const char **items = vg_arena_array(arena, most + 1, sizeof *items);
    for (size_t i = 0; items && i < many->nlines; i++) {
        size_t n = vg_utf8_prefix(many->lines[i], strlen(many->lines[i]), LINE_CHARS);
        vg_buf_puts(text, text->len ? "\n" : "");
        vg_buf_add(text, many->lines[i], n);
        vg_buf_puts(text, many->lines[i][n] ? "\xe2\x80\xa6" : "");
        bool full = (i + 1) % each == 0 || i + 1 == many->nlines;
        if (full && !(items[out->nitems++] = keep(text, arena)))
            return -1;
    }
    out->items = items;
    out->more = many->incidents - many->nlines;
    return items ? 0 : -1;
}

static int fill_texts(const struct vg_sink_in *in, struct vg_buf *text, struct vg_arena *arena,
                      struct vg_letter *out)
{
    const struct vg_message *message = in->message;
    vg_receiver_title(text, in);
    if (!(out->title = keep(text, arena)))
        return -1;
    if (in->receiver->text && !message->gathered) {
        vg_template_write(text, in->receiver->text, message);
        if (!(out->lead = keep(text, arena)))
            return -1;
        out->lead = *out->lead ? out->lead : NULL;
    }
    write_place(text, message);
    if (!(out->place = keep(text, arena)))
        return -1;
    write_footer(text, message);
    if (!(out->footer = keep(text, arena)))
        return -1;
    write_impact(text, message);
    const char *impact = keep(text, arena);
    out->impact = impact && *impact ? impact : NULL;
    return impact ? 0 : -1;
}

int vg_letter_make(const struct vg_sink_in *in, size_t most_items, struct vg_arena *arena,
                   struct vg_letter *out, struct vg_error *err)
{
    struct vg_buf text;
    *out = (struct vg_letter){0};
    vg_buf_init(&text, TEXT_BYTES);
    int rc = fill_texts(in, &text, arena, out);
    if (!rc && in->message->gathered)
        rc = fill_lines(in->message->gathered, most_items, &text, arena, out);
    else if (!rc)
        rc = fill_items(in->message, most_items, &text, arena, out);
    vg_buf_free(&text);
    add_link(out, "Open the report", in->message->url, arena);
    add_link(out, "Dashboard", in->message->dashboard, arena);
    add_link(out, "Runbook", choose_runbook(in->message), arena);
    return rc ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

void vg_letter_write(struct vg_buf *out, const struct vg_letter *letter)
{
    vg_buf_printf(out, "%s\n", letter->title);
    if (letter->lead)
        vg_buf_printf(out, "\n%s\n", letter->lead);
    for (size_t i = 0; i < letter->nitems; i++)
        vg_buf_printf(out, "\n%s\n", letter->items[i]);
    if (letter->more)
        vg_buf_printf(out, "\nand %zu more\n", letter->more);
    vg_buf_printf(out, "\n%s\n", letter->place);
    if (letter->impact)
        vg_buf_printf(out, "%s\n", letter->impact);
    for (size_t i = 0; i < letter->nlinks; i++)
        vg_buf_printf(out, "%s: %s\n", letter->links[i].label, letter->links[i].url);
    vg_buf_printf(out, "%s\n", letter->footer);
}
