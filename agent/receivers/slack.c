/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slack: a message as Block Kit with a colour and a fallback text, by an incoming webhook or by a
 * bot. The bot keeps an incident's first message current, and answers in its thread.
 *
 * Pure. Every string of rules, tables and columns is cut first and then escaped, and stands in
 * plain text, so that none can mention, link or format. Limits: api.slack.com/reference/block-kit.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"

static const char default_url[] = "https://slack.com/api";

enum {
    HEADER_UNITS = 150,
    FALLBACK_UNITS = 300,
    ITEM_UNITS = 750, /* ten of them and the rest stay below 12 000 */
    LEAD_UNITS = 900,
    PLACE_UNITS = 700,
    IMPACT_UNITS = 300,
    RETRAINING_UNITS = 400,
    LINKS_BYTES = 1400, /* of single lines; where there are such there is no text of its own */
    ITEMS = 10,
    LINK_BESIDE = 9,      /* what stands around one, and between two */
    TEXT_BYTES = 1 << 20, /* every string that is cleaned ends within 16 KiB */
};

/* --- Blocks ----------------------------------------------------------------------------------- */

static json_t *make_escaped(const char *text, size_t max)
{
    return vg_markup_text(VG_MARKUP_SLACK, text, max);
}

/* {"type": type, "text": {"type": "plain_text", "text": ...}} */
static json_t *make_plain(const char *type, const char *text, size_t max)
{
    return json_pack("{s:s, s:{s:s, s:o, s:b}}", "type", type, "text", "type", "plain_text", "text",
                     make_escaped(text, max), "emoji", 0);
}

/* A link of ours to a URL that was made safe; the only markup in the message. */
static void write_link(struct vg_buf *out, const struct vg_letter_link *link)
{
    vg_buf_puts(out, out->len ? "  \xc2\xb7  <" : "<");
    for (const char *p = link->url; *p; p++) {
        if (*p == '&')
            vg_buf_puts(out, "&amp;");
        else
            vg_buf_putc(out, *p);
    }
    vg_buf_printf(out, "|%s>", link->label);
}

static int add_links(json_t *blocks, const struct vg_letter_link *links, size_t n)
{
    struct vg_buf text;
    int rc = 0;
    vg_buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < n; i++)
        write_link(&text, &links[i]);
    if (text.failed)
        rc = -1;
    else if (text.len)
        rc = json_array_append_new(blocks,
                                   json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "section", "text",
                                             "type", "mrkdwn", "text", text.data, "verbatim", 1));
    vg_buf_free(&text);
    return rc;
}

static int add_items(json_t *blocks, const struct vg_letter *letter)
{
    int rc = letter->lead
                 ? json_array_append_new(blocks, make_plain("section", letter->lead, LEAD_UNITS))
                 : 0;
    for (size_t i = 0; i < letter->nitems && !rc; i++)
        rc = json_array_append_new(blocks, make_plain("section", letter->items[i], ITEM_UNITS));
    if (letter->more && !rc) {
        char text[40];
        snprintf(text, sizeof text, "and %zu more", letter->more);
        rc = json_array_append_new(blocks, make_plain("section", text, ITEM_UNITS));
    }
    if (letter->impact && !rc)
        rc = json_array_append_new(blocks, make_plain("section", letter->impact, IMPACT_UNITS));
    if (letter->retraining && !rc)
        rc = json_array_append_new(blocks,
                                   make_plain("section", letter->retraining, RETRAINING_UNITS));
    return rc;
}

static int add_place(json_t *blocks, const struct vg_letter *letter)
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    vg_buf_printf(&text, "%s \xc2\xb7 %s", letter->place, letter->footer);
    json_t *block = text.failed ? NULL
                                : json_pack("{s:s, s:[{s:s, s:o, s:b}]}", "type", "context",
                                            "elements", "type", "plain_text", "text",
                                            make_escaped(text.data, PLACE_UNITS), "emoji", 0);
    vg_buf_free(&text);
    return json_array_append_new(blocks, block);
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
static json_t *make_body(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_letter letter;
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, ITEM_UNITS}, arena, &letter, err) <
        0)
        return NULL;
    json_t *blocks = json_array(), *text = make_escaped(letter.title, FALLBACK_UNITS);
    json_t *header = make_plain("header", letter.title, HEADER_UNITS);
    size_t neach = vg_letter_fitting(&letter, LINKS_BYTES, LINK_BESIDE);
    if (!blocks || add_items(blocks, &letter) || add_links(blocks, letter.links, letter.nlinks) ||
        add_links(blocks, letter.each, neach) || add_place(blocks, &letter) || !text || !header) {
        json_decref(blocks);
        json_decref(text);
        json_decref(header);
        vg_fail(err, VG_E_MEMORY, "out of memory");
        return NULL;
    }
    json_t *body =
        json_pack("{s:o, s:b, s:[o], s:[{s:s, s:o}]}", "text", text, "mrkdwn", 0, "blocks", header,
                  "attachments", "color", choose_colour(in->message), "blocks", blocks);
    if (!body)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    return body;
}

/* --- The bot ---------------------------------------------------------------------------------- */

enum call { POST, REPLY, UPDATE };

/* Whether the first message told of other incidents too. */
static bool is_shared(const char *kept)
{
    size_t n = strlen(kept), k = strlen(VG_KEPT_GATHERED);
    return n > k && !strcmp(kept + n - k, VG_KEPT_GATHERED);
}

/* An edit notifies nobody, so news is a reply in the thread, and the first message is then edited
 * so that it tells what is so now; at the end it is edited first. */
static enum call choose_call(const struct vg_sink_in *in, bool *more)
{
    *more = false;
    if (!in->kept)
        return POST;
    if (in->message->gathered || is_shared(in->kept))
        return REPLY;
    switch (in->message->kind) {
    case VG_MSG_UPDATE:
        *more = in->step == 0;
        return in->step == 0 ? REPLY : UPDATE;
    case VG_MSG_RESOLVE:
        *more = in->step == 0;
        return in->step == 0 ? UPDATE : REPLY;
    case VG_MSG_REMIND:
    case VG_MSG_ACKNOWLEDGE:
        return REPLY;
    default:
        return UPDATE;
    }
}

/* What was kept: "C0123456789 1503435956.000247", and a mark where others share it. */
static int address_call(const struct vg_sink_in *in, enum call call, json_t *body)
{
    const char *blank = in->kept ? strchr(in->kept, ' ') : NULL;
    if (call == POST || !blank)
        return vg_receiver_set(body, "channel", json_string(in->receiver->channel)) ||
               vg_receiver_set(body, "unfurl_links", json_false());
    json_t *channel = json_stringn(in->kept, (size_t)(blank - in->kept));
    json_t *ts = json_stringn(blank + 1, strcspn(blank + 1, " "));
    bool loud = in->message->kind == VG_MSG_REMIND || in->message->gathered;
    return vg_receiver_set(body, "channel", channel) ||
           vg_receiver_set(body, call == UPDATE ? "ts" : "thread_ts", ts) ||
           (loud && vg_receiver_set(body, "reply_broadcast", json_true()));
}

static int render_call(const struct vg_sink_in *in, json_t *body, struct vg_arena *arena,
                       struct vg_request *out, struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    bool more;
    enum call call = choose_call(in, &more);
    const char *base = endpoint->url ? endpoint->url : default_url;
    const char *url =
        vg_receiver_join(base, call == UPDATE ? "/chat.update" : "/chat.postMessage", arena);
    if (!url || address_call(in, call, body))
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_receiver_wrap(endpoint, url, "application/json; charset=utf-8", arena, out, err) < 0)
        return -1;
    out->more = more;
    return vg_receiver_body(body, arena, out, err);
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    *out = (struct vg_request){0};
    json_t *body = make_body(in, arena, err);
    if (!body)
        return -1;
    int rc = in->receiver->channel
                 ? render_call(in, body, arena, out, err)
                 : vg_receiver_request(endpoint, in->secret ? in->secret : endpoint->url, body,
                                       arena, out, err);
    json_decref(body);
    return rc;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const *words)
{
    size_t i = 0;
    while (words[i] && strcmp(words[i], word))
        i++;
    return words[i];
}

/* Of the Web API, which says 200 to everything: {"ok": false, "error": "channel_not_found"}. */
static enum vg_outcome judge_error(const char *error)
{
    static const char *const passing[] = {
        "ratelimited",   "rate_limited",      "internal_error",
        "fatal_error",   "request_timeout",   "service_unavailable",
        "accesslimited", "team_added_to_org", NULL};
    static const char *const lost[] = {"message_not_found", "thread_not_found",
                                       "cant_update_message", "edit_window_closed", NULL};
    if (!error || is_one_of(error, passing))
        return VG_RETRY;
    return is_one_of(error, lost) ? VG_AFRESH : VG_PERMANENT;
}

/* Of a webhook delivered is 200 with the body "ok". 200 without a body was cut off on its way; 200
 * with another body comes from something that is not Slack, and sending on would only repeat the
 * message. */
static enum vg_outcome answer(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size)
{
    enum vg_outcome outcome = vg_receiver_answer(response, retry_after_us, why, why_size);
    vg_receiver_retry_after(response, "retry_after", retry_after_us);
    if (outcome != VG_DELIVERED)
        return outcome;
    json_t *body = json_loads(response->body, 0, NULL);
    const json_t *ok = json_object_get(body, "ok");
    if (ok)
        outcome = json_is_true(ok) ? VG_DELIVERED
                                   : judge_error(json_string_value(json_object_get(body, "error")));
    bool judged = ok != NULL;
    json_decref(body);
    if (judged)
        return outcome;
    const char *word = response->body + strspn(response->body, " \t\r\n");
    if (!strncmp(word, "ok", 2) && word[2 + strspn(word + 2, " \t\r\n")] == '\0')
        return VG_DELIVERED;
    return *word ? VG_PERMANENT : VG_RETRY;
}

static bool is_id(const char *s, const char *letters)
{
    return s && *s && strlen(s) <= 40 && strspn(s, letters) == strlen(s);
}

static void keep(const struct vg_response *response, struct vg_buf *out)
{
    json_t *body = json_loads(response->body, 0, NULL);
    const char *channel = json_string_value(json_object_get(body, "channel"));
    const char *ts = json_string_value(json_object_get(body, "ts"));
    if (is_id(channel, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") && is_id(ts, "0123456789."))
        vg_buf_printf(out, "%s %s", channel, ts);
    json_decref(body);
}

const struct vg_sink_ops vg_receiver_slack = {
    .name = "slack",
    .doc = "Slack: one message with colour, sections and links; a bot keeps it current",
    .gathers = true,
    .spacing_us = VG_US,
    .burst = 5,
    .render = render,
    .answer = answer,
    .keep = keep,
};
