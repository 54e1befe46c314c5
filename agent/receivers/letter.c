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

enum { KEYS = 10, MOST_CHARS = 4000, LEAST_LINE = 180, MOST_LINE = 500, TEXT_BYTES = 1 << 20 };

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

/* How many characters a line has where so many of them are one item. */
static size_t measure_line(const struct vg_letter_room *room, size_t each)
{
    size_t units = room->units / each;
    return units < MOST_LINE ? units - 1 : MOST_LINE; /* one for the end of the line */
}

/* A few lines an item, so that all of them find a place, but no more than can be read. Each has a
 * number, by which what leads further is told. */
static int fill_lines(const struct vg_gathered *many, const struct vg_letter_room *room,
                      struct vg_buf *text, struct vg_arena *arena, struct vg_letter *out)
{
    size_t each = (many->nlines + room->items - 1) / room->items;
    while (each > 1 && measure_line(room, each) < LEAST_LINE)
        each--;
    size_t n = many->nlines < each * room->items ? many->nlines : each * room->items;
    const char **items = vg_arena_array(arena, room->items + 1, sizeof *items);
    for (size_t i = 0; items && i < n; i++) {
        vg_buf_puts(text, text->len ? "\n" : "");
        size_t start = text->len, most = measure_line(room, each);
        vg_buf_printf(text, "%zu. ", i + 1);
        most -= text->len - start;
        size_t len = strlen(many->lines[i]), kept = vg_utf8_prefix(many->lines[i], len, most);
        if (kept < len)
            kept = vg_utf8_prefix(many->lines[i], len, most - 1);
        vg_buf_add(text, many->lines[i], kept);
        vg_buf_puts(text, kept < len ? "\xe2\x80\xa6" : "");
        bool full = (i + 1) % each == 0 || i + 1 == n;
        if (full && !(items[out->nitems++] = keep(text, arena)))
            return -1;
    }
    out->items = items;
    out->nlines = n;
    out->more = many->incidents - n;
    return items ? 0 : -1;
}

static int add_each(struct vg_letter_link *links, size_t *n, const char *what, size_t number,
                    const char *url, struct vg_arena *arena)
{
    const char *safe = vg_receiver_link(url, arena);
    const char *label = safe ? vg_arena_printf(arena, "%s %zu", what, number) : NULL;
    if (safe && !label)
        return -1;
    if (safe)
        links[(*n)++] = (struct vg_letter_link){label, safe};
    return 0;
}

/* What leads further for single lines: it is what to do that is asked for first. */
static int fill_each(const struct vg_gathered *many, struct vg_arena *arena, struct vg_letter *out)
{
    const struct {
        const char *what;
        const char *const *urls;
    } sorts[] = {{"Runbook", many->runbooks}, {"Dashboard", many->dashboards}};
    struct vg_letter_link *links = vg_arena_array(arena, 2 * out->nlines + 1, sizeof *links);
    if (!links)
        return -1;
    for (size_t sort = 0; sort < 2; sort++) {
        for (size_t i = 0; sorts[sort].urls && i < out->nlines; i++) {
            const char *url = sorts[sort].urls[i];
            if (url && add_each(links, &out->neach, sorts[sort].what, i + 1, url, arena) < 0)
                return -1;
        }
    }
    out->each = links;
    return 0;
}

size_t vg_letter_fitting(const struct vg_letter *letter, size_t bytes, size_t beside)
{
    size_t n = 0, used = 0;
    for (; n < letter->neach; n++) {
        used += strlen(letter->each[n].label) + beside;
        for (const char *p = letter->each[n].url; *p; p++)
            used += *p == '&' ? sizeof "&amp;" - 1 : 1; /* as where it takes most */
        if (used > bytes)
            break;
    }
    return n;
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
    if (message->kind == VG_MSG_RESOLVE && message->retraining)
        vg_phrase_clean(text, message->retraining);
    const char *retraining = keep(text, arena);
    out->retraining = retraining && *retraining ? retraining : NULL;
    return impact && retraining ? 0 : -1;
}

int vg_letter_make(const struct vg_sink_in *in, const struct vg_letter_room *room,
                   struct vg_arena *arena, struct vg_letter *out, struct vg_error *err)
{
    const struct vg_gathered *many = in->message->gathered;
    struct vg_buf text;
    *out = (struct vg_letter){0};
    vg_buf_init(&text, TEXT_BYTES);
    int rc = fill_texts(in, &text, arena, out);
    if (!rc && many)
        rc = fill_lines(many, room, &text, arena, out) || fill_each(many, arena, out) ? -1 : 0;
    else if (!rc)
        rc = fill_items(in->message, room->items, &text, arena, out);
    vg_buf_free(&text);
    add_link(out, "Open the report", in->message->url, arena);
    add_link(out, "Dashboard", in->message->dashboard, arena);
    add_link(out, "Runbook", vg_phrase_runbook(in->message), arena);
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
    if (letter->retraining)
        vg_buf_printf(out, "%s\n", letter->retraining);
    for (size_t i = 0; i < letter->nlinks; i++)
        vg_buf_printf(out, "%s: %s\n", letter->links[i].label, letter->links[i].url);
    for (size_t i = 0; i < letter->neach; i++)
        vg_buf_printf(out, "%s: %s\n", letter->each[i].label, letter->each[i].url);
    vg_buf_printf(out, "%s\n", letter->footer);
}
