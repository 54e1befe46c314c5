/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slack incoming webhooks: a message as Block Kit with a colour, and a fallback text.
 *
 * Pure. Every string of rules, tables and columns is cut first and then escaped, and stands in
 * plain text, so that none can mention, link or format. Limits: api.slack.com/reference/block-kit.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/receivers.h"

enum {
    HEADER_CHARS = 150,
    FALLBACK_CHARS = 300,
    ITEM_CHARS = 850, /* ten of them and the rest stay below 12 000 */
    PLACE_CHARS = 700,
    ITEMS = 10,
    KEYS = 10,
    TEXT_BYTES = 1 << 20, /* every string that is cleaned ends within 16 KiB */
};

static size_t measure_sequence(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static const char *escape_char(char c)
{
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
}

/* Valid UTF-8 escaped for Slack; a unit is one of UTF-16, as Slack counts at worst. Ended by "…"
 * where more than max units of the result were needed: the text is cut between two of its
 * characters, never inside an entity. NULL: out of memory. */
static json_t *make_escaped(const struct vg_buf *text, size_t max)
{
    struct vg_buf out;
    size_t units = 0, kept = 0;
    vg_buf_init(&out, TEXT_BYTES);
    for (size_t i = 0, k; i < text->len; i += k) {
        k = measure_sequence(text->data + i);
        const char *entity = escape_char(text->data[i]);
        units += entity ? strlen(entity) : (k == 4 ? 2u : 1u);
        if (units > max)
            break;
        if (entity)
            vg_buf_puts(&out, entity);
        else
            vg_buf_add(&out, text->data + i, k);
        if (units < max)
            kept = out.len;
    }
    json_t *result = NULL;
    if (!out.failed && !text->failed && units <= max)
        result = json_stringn(out.data, out.len);
    else if (!out.failed && !text->failed)
        result = json_sprintf("%.*s\xe2\x80\xa6", (int)kept, out.data);
    vg_buf_free(&out);
    return result;
}

/* {"type": type, "text": {"type": "plain_text", "text": ...}} */
static json_t *make_plain(const char *type, const struct vg_buf *text, size_t max)
{
    return json_pack("{s:s, s:{s:s, s:o, s:b}}", "type", type, "text", "type", "plain_text", "text",
                     make_escaped(text, max), "emoji", 0);
}

static json_t *make_context(const struct vg_buf *text)
{
    return json_pack("{s:s, s:[{s:s, s:o, s:b}]}", "type", "context", "elements", "type",
                     "plain_text", "text", make_escaped(text, PLACE_CHARS), "emoji", 0);
}

/* A link of ours to a URL that was made safe; the only markup in the message. */
static void write_link(struct vg_buf *out, const char *url, const char *label)
{
    if (!url)
        return;
    vg_buf_puts(out, out->len ? "  \xc2\xb7  <" : "<");
    for (const char *p = url; *p; p++) {
        if (*p == '&')
            vg_buf_puts(out, "&amp;");
        else
            vg_buf_putc(out, *p);
    }
    vg_buf_printf(out, "|%s>", label);
}

static const char *choose_runbook(const struct vg_message *message)
{
    for (size_t i = 0; i < message->nitems; i++) {
        if (message->items[i].runbook && vg_phrase_stands(&message->items[i]))
            return message->items[i].runbook;
    }
    return message->runbook;
}

static int add_links(json_t *blocks, const struct vg_message *message, struct vg_arena *arena)
{
    struct vg_buf text;
    int rc = 0;
    vg_buf_init(&text, TEXT_BYTES);
    write_link(&text, vg_receiver_link(message->url, arena), "Open the report");
    write_link(&text, vg_receiver_link(choose_runbook(message), arena), "Runbook");
    if (text.failed)
        rc = -1;
    else if (text.len)
        rc = json_array_append_new(blocks,
                                   json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "section", "text",
                                             "type", "mrkdwn", "text", text.data, "verbatim", 1));
    vg_buf_free(&text);
    return rc;
}

static void write_item(struct vg_buf *out, const struct vg_message_item *item)
{
    vg_phrase_item(out, item);
    if (*item->why) {
        vg_buf_putc(out, '\n');
        vg_phrase_clean(out, item->why);
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

static int add_items(json_t *blocks, const struct vg_message *message)
{
    struct vg_buf text;
    int rc = 0;
    vg_buf_init(&text, TEXT_BYTES);
    size_t shown = message->nitems < ITEMS ? message->nitems : ITEMS;
    for (size_t i = 0; i < shown && !rc; i++) {
        vg_buf_clear(&text);
        write_item(&text, &message->items[i]);
        rc = json_array_append_new(blocks, make_plain("section", &text, ITEM_CHARS));
    }
    size_t more = message->nitems - shown + message->more;
    if (more && !rc) {
        vg_buf_clear(&text);
        vg_buf_printf(&text, "and %zu more", more);
        rc = json_array_append_new(blocks, make_plain("section", &text, ITEM_CHARS));
    }
    vg_buf_free(&text);
    return rc;
}

static int add_place(json_t *blocks, const struct vg_message *message)
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    if (message->kind != VG_MSG_TEST) {
        vg_phrase_standing(&text, message);
        vg_buf_puts(&text, " \xc2\xb7 ");
    }
    vg_phrase_place(&text, message);
    vg_buf_puts(&text, " \xc2\xb7 incident ");
    vg_phrase_clean(&text, message->key);
    vg_buf_puts(&text, " \xc2\xb7 agent ");
    vg_phrase_clean(&text, message->agent ? message->agent : "pgvigil");
    int rc = json_array_append_new(blocks, make_context(&text));
    vg_buf_free(&text);
    return rc;
}

static const char *choose_colour(const struct vg_message *message)
{
    if (message->kind == VG_MSG_RESOLVE || message->kind == VG_MSG_SUMMARY)
        return "#2eb67d";
    if (message->kind == VG_MSG_TEST || message->severity == VG_SEVERITY_INFO)
        return "#1264a3";
    return message->severity == VG_SEVERITY_CRITICAL ? "#d00000" : "#e8a317";
}

/* The body: header and fallback from the title, the rest in the attachment that has the colour. */
static json_t *make_body(const struct vg_message *message, struct vg_arena *arena)
{
    struct vg_buf title;
    json_t *blocks = json_array();
    vg_buf_init(&title, TEXT_BYTES);
    vg_phrase_title(&title, message);
    json_t *text = make_escaped(&title, FALLBACK_CHARS);
    json_t *header = make_plain("header", &title, HEADER_CHARS);
    vg_buf_free(&title);
    int bad = !blocks || add_items(blocks, message) || add_links(blocks, message, arena) ||
              add_place(blocks, message);
    if (bad || !text || !header) {
        json_decref(blocks);
        json_decref(text);
        json_decref(header);
        return NULL;
    }
    return json_pack("{s:o, s:b, s:[o], s:[{s:s, s:o}]}", "text", text, "mrkdwn", 0, "blocks",
                     header, "attachments", "color", choose_colour(message), "blocks", blocks);
}

static int render(const struct vg_receiver *receiver, const char *secret,
                  const struct vg_message *message, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    json_t *body = make_body(message, arena);
    if (!body)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const struct vg_endpoint *endpoint = &receiver->endpoint;
    int rc = vg_receiver_request(endpoint, secret ? secret : endpoint->url, body, arena, out, err);
    json_decref(body);
    return rc;
}

/* Delivered is 200 with the body "ok". 200 without a body was cut off on its way; 200 with another
 * body comes from something that is not Slack, and sending on would only repeat the message. */
static enum vg_outcome answer(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size)
{
    enum vg_outcome outcome = vg_receiver_answer(response, retry_after_us, why, why_size);
    json_t *body = json_loads(response->body, 0, NULL);
    double seconds = json_number_value(json_object_get(body, "retry_after"));
    json_decref(body);
    if (seconds > 0 && seconds < 1e12 && seconds * 1e6 > (double)*retry_after_us)
        *retry_after_us = (int64_t)(seconds * 1e6);
    if (outcome != VG_DELIVERED)
        return outcome;
    size_t n = strspn(response->body, " \t\r\n");
    const char *word = response->body + n;
    if (!strncmp(word, "ok", 2) && word[2 + strspn(word + 2, " \t\r\n")] == '\0')
        return VG_DELIVERED;
    return *word ? VG_PERMANENT : VG_RETRY;
}

const struct vg_sink_ops vg_receiver_slack = {
    .name = "slack",
    .doc = "a Slack incoming webhook: one message with colour, sections and links",
    .spacing_us = VG_US,
    .burst = 5,
    .render = render,
    .answer = answer,
};
