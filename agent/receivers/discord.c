/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A webhook of Discord: a message with an embed, kept current and turned green at the end.
 *
 * Pure. Nobody can be mentioned (allowed_mentions is empty, @ is broken) and nothing of rules and
 * tables can format. The id of an incident's first message is kept. Limits: content 2000, embed
 * description 4096, field 1024, 6000 in all embeds.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"

enum {
    CONTENT_UNITS = 500,
    ITEMS = 8,
    ITEM_UNITS = 380,
    LEAD_UNITS = 400,
    PLACE_UNITS = 400,
    IMPACT_UNITS = 250,
    RETRAINING_UNITS = 360, /* there is no impact where there is this */
    FOOTER_UNITS = 200,
    LINK_BYTES = 500,  /* of a link at most */
    LINKS = 20,        /* of single lines: there are 25 fields */
    LINKS_BYTES = 450, /* of single lines, and what fewer links of all leave */
    ID_DIGITS = 20,
    TEXT_BYTES = 1 << 20,
};

static void put_part(struct vg_buf *out, const char *text, size_t max)
{
    if (!text)
        return;
    vg_buf_puts(out, out->len ? "\n\n" : "");
    vg_markup_put(out, VG_MARKUP_DISCORD, text, max);
}

static json_t *make_escaped(const char *text, size_t max)
{
    return vg_markup_text(VG_MARKUP_DISCORD, text, max);
}

static json_t *make_description(const struct vg_letter *letter)
{
    struct vg_buf out;
    vg_buf_init(&out, TEXT_BYTES);
    put_part(&out, letter->lead, LEAD_UNITS);
    for (size_t i = 0; i < letter->nitems; i++)
        put_part(&out, letter->items[i], ITEM_UNITS - 2);
    if (letter->more)
        vg_buf_printf(&out, "\n\nand %zu more", letter->more);
    put_part(&out, letter->place, PLACE_UNITS);
    json_t *made = out.failed ? NULL : json_stringn(out.data, out.len);
    vg_buf_free(&out);
    return made;
}

static json_t *make_link(const struct vg_letter_link *link, bool beside)
{
    return json_pack("{s:s, s:s, s:b}", "name", link->label, "value", link->url, "inline", beside);
}

static int add_field(json_t *fields, const char *name, const char *text, size_t max)
{
    return text ? json_array_append_new(fields, json_pack("{s:s, s:o}", "name", name, "value",
                                                          make_escaped(text, max)))
                : 0;
}

static json_t *make_fields(const struct vg_letter *letter)
{
    json_t *fields = json_array();
    int bad = add_field(fields, "Impact", letter->impact, IMPACT_UNITS) ||
              add_field(fields, "Retraining", letter->retraining, RETRAINING_UNITS);
    for (size_t i = 0; !bad && i < letter->nlinks; i++)
        bad = json_array_append_new(fields, make_link(&letter->links[i], false));
    size_t bytes = LINKS_BYTES + (VG_LETTER_LINKS - letter->nlinks) * LINK_BYTES;
    size_t neach = vg_letter_fitting(letter, bytes, 0);
    for (size_t i = 0; !bad && i < neach && i < LINKS; i++)
        bad = json_array_append_new(fields, make_link(&letter->each[i], true));
    return vg_receiver_made(fields, bad);
}

static int choose_colour(const struct vg_message *message)
{
    if (message->kind == VG_MSG_RESOLVE || message->kind == VG_MSG_SUMMARY)
        return 0x2eb67d;
    if (message->kind == VG_MSG_TEST || message->severity == VG_SEVERITY_INFO)
        return 0x1264a3;
    return message->severity == VG_SEVERITY_CRITICAL ? 0xd00000 : 0xe8a317;
}

static json_t *make_body(const struct vg_message *message, const struct vg_letter *letter)
{
    return json_pack("{s:o, s:{s:[]}, s:[{s:o, s:i, s:o, s:{s:o}}]}", "content",
                     make_escaped(letter->title, CONTENT_UNITS), "allowed_mentions", "parse",
                     "embeds", "description", make_description(letter), "color",
                     choose_colour(message), "fields", make_fields(letter), "footer", "text",
                     make_escaped(letter->footer, FOOTER_UNITS));
}

/* The webhook's address with a path before its query, and one more parameter. The arena is wiped:
 * the address is a secret. */
static const char *make_url(const char *url, const char *id, struct vg_arena *arena)
{
    size_t whole = strlen(url), base = strcspn(url, "?#");
    const char *path = id ? "/messages/" : "", *tail = id ? id : "";
    const char *query = base < whole ? url + base : "", *sign = *query == '?' ? "&" : "?";
    const char *parts[] = {path, tail, query, id ? "" : sign, id ? "" : "wait=true"};
    size_t n = base, room = base + 1;
    for (size_t i = 0; i < 5; i++)
        room += strlen(parts[i]);
    char *made = vg_arena_alloc(arena, room);
    if (!made)
        return NULL;
    memcpy(made, url, base);
    for (size_t i = 0; i < 5; i++) {
        memcpy(made + n, parts[i], strlen(parts[i]));
        n += strlen(parts[i]);
    }
    return made;
}

/* The news is a message of its own, since an edit notifies nobody; the first one is edited so that
 * it tells what is so now. */
static bool choose_edit(const struct vg_sink_in *in, bool *more)
{
    bool known = in->kept && *in->kept && strspn(in->kept, "0123456789") == strlen(in->kept);
    bool resolve = in->message->kind == VG_MSG_RESOLVE;
    *more = known && in->step == 0 && (resolve || in->message->kind == VG_MSG_UPDATE);
    if (!known)
        return false;
    if (resolve)
        return in->step == 0;
    return in->message->kind == VG_MSG_UPDATE && in->step == 1;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    const char *address = in->secret ? in->secret : endpoint->url;
    struct vg_letter letter;
    bool more, edit = choose_edit(in, &more);
    *out = (struct vg_request){0};
    if (!address)
        return vg_fail(err, VG_E_CONFIG, "no URL is given");
    const char *url = make_url(address, edit ? in->kept : NULL, arena);
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, ITEM_UNITS - 2}, arena, &letter,
                       err) < 0)
        return -1;
    json_t *body = make_body(in->message, &letter);
    int rc = url && body ? vg_receiver_request(endpoint, url, body, arena, out, err)
                         : vg_fail(err, VG_E_MEMORY, "out of memory");
    json_decref(body);
    out->method = edit ? "PATCH" : "POST";
    out->more = !rc && more;
    return rc;
}

/* We wait for the message: what has none is the page of somebody else. */
static enum vg_outcome take_message(const struct vg_response *response, char *why, size_t why_size)
{
    json_t *body = json_loads(response->body, 0, NULL);
    bool message = json_is_string(json_object_get(body, "id"));
    json_decref(body);
    if (!message)
        snprintf(why, why_size, "status %d, with an answer that is no message of Discord",
                 response->status);
    return message ? VG_DELIVERED : VG_RETRY;
}

/* 10008 is a message that somebody deleted. */
static enum vg_outcome answer(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size)
{
    enum vg_outcome outcome = vg_receiver_answer(response, retry_after_us, why, why_size);
    vg_receiver_retry_after(response, "retry_after", retry_after_us);
    if (outcome == VG_DELIVERED && response->status != 204 && response->whole)
        return take_message(response, why, why_size);
    if (response->status != 404)
        return outcome;
    json_t *body = json_loads(response->body, 0, NULL);
    bool deleted = json_integer_value(json_object_get(body, "code")) == 10008;
    json_decref(body);
    return deleted ? VG_AFRESH : outcome;
}

static void keep(const struct vg_response *response, struct vg_buf *out)
{
    json_t *body = json_loads(response->body, 0, NULL);
    const char *id = json_string_value(json_object_get(body, "id"));
    if (id && strlen(id) <= ID_DIGITS && strspn(id, "0123456789") == strlen(id))
        vg_buf_puts(out, id);
    json_decref(body);
}

const struct vg_sink_ops vg_receiver_discord = {
    .name = "discord",
    .doc = "a webhook of Discord: a message with an embed, edited when things change",
    .gathers = true,
    .spacing_us = VG_US / 2,
    .burst = 5,
    .render = render,
    .answer = answer,
    .keep = keep,
};
