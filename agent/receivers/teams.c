/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Microsoft Teams: an Adaptive Card to the address of a workflow ("when a webhook request is
 * received"). Connectors of Office are retired.
 *
 * Pure. All text of rules and tables stands in text runs, which know no markup. The whole request
 * must stay below 28 KB, else it is refused with 413; ours stays below 27 000 bytes.
 */
#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"

enum {
    ITEMS = 8, /* eight of them and the rest are at most 25 000 bytes at 3 bytes a unit */
    ITEM_UNITS = 600,
    TITLE_UNITS = 300,
    LEAD_UNITS = 900,
    PLACE_UNITS = 600,
    IMPACT_UNITS = 300,
    RETRAINING_UNITS = 400,
    LINKS_BYTES = 3600, /* of single lines; where there are such there is no text of its own */
    LINK_BESIDE = 120,
};

/* {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": ...}]} */
static json_t *make_block(const char *text, size_t max, json_t *style)
{
    json_t *run = json_pack("{s:s, s:o}", "type", "TextRun", "text",
                            vg_markup_text(VG_MARKUP_TEAMS, text, max));
    int bad = style && json_object_update(run, style);
    json_decref(style);
    return json_pack("{s:s, s:[o]}", "type", "RichTextBlock", "inlines",
                     vg_receiver_made(run, bad));
}

static int add_block(json_t *blocks, const char *text, size_t max, json_t *style)
{
    if (!text) {
        json_decref(style);
        return 0;
    }
    return json_array_append_new(blocks, make_block(text, max, style));
}

/* Actions are few on a card: these stand in the text. */
static json_t *make_links(const struct vg_letter *letter)
{
    json_t *inlines = json_array();
    size_t n = vg_letter_fitting(letter, LINKS_BYTES, LINK_BESIDE);
    int bad = 0;
    for (size_t i = 0; !bad && i < n; i++) {
        if (i)
            bad = json_array_append_new(
                inlines, json_pack("{s:s, s:s}", "type", "TextRun", "text", " \xc2\xb7 "));
        bad = bad || json_array_append_new(
                         inlines, json_pack("{s:s, s:s, s:{s:s, s:s}}", "type", "TextRun", "text",
                                            letter->each[i].label, "selectAction", "type",
                                            "Action.OpenUrl", "url", letter->each[i].url));
    }
    return json_pack("{s:s, s:o}", "type", "RichTextBlock", "inlines",
                     vg_receiver_made(inlines, bad));
}

static json_t *make_subtle(void)
{
    return json_pack("{s:b, s:s}", "isSubtle", 1, "size", "Small");
}

static const char *choose_colour(const struct vg_message *message)
{
    if (message->kind == VG_MSG_RESOLVE || message->kind == VG_MSG_SUMMARY)
        return "Good";
    if (message->kind == VG_MSG_TEST || message->severity == VG_SEVERITY_INFO)
        return "Accent";
    return message->severity == VG_SEVERITY_CRITICAL ? "Attention" : "Warning";
}

static json_t *make_blocks(const struct vg_message *message, const struct vg_letter *letter)
{
    json_t *blocks = json_array();
    int bad = add_block(blocks, letter->title, TITLE_UNITS,
                        json_pack("{s:s, s:s, s:s}", "weight", "Bolder", "size", "Medium", "color",
                                  choose_colour(message))) ||
              add_block(blocks, letter->lead, LEAD_UNITS, NULL);
    for (size_t i = 0; !bad && i < letter->nitems; i++)
        bad = add_block(blocks, letter->items[i], ITEM_UNITS, NULL);
    if (!bad && letter->more) {
        char text[40];
        snprintf(text, sizeof text, "and %zu more", letter->more);
        bad = add_block(blocks, text, sizeof text, NULL);
    }
    if (!bad && letter->neach)
        bad = json_array_append_new(blocks, make_links(letter));
    bad = bad || add_block(blocks, letter->impact, IMPACT_UNITS, NULL) ||
          add_block(blocks, letter->retraining, RETRAINING_UNITS, NULL) ||
          add_block(blocks, letter->place, PLACE_UNITS, make_subtle()) ||
          add_block(blocks, letter->footer, PLACE_UNITS, make_subtle());
    return vg_receiver_made(blocks, bad);
}

static json_t *make_actions(const struct vg_letter *letter)
{
    json_t *actions = json_array();
    int bad = 0;
    for (size_t i = 0; !bad && i < letter->nlinks; i++)
        bad = json_array_append_new(actions,
                                    json_pack("{s:s, s:s, s:s}", "type", "Action.OpenUrl", "title",
                                              letter->links[i].label, "url", letter->links[i].url));
    return vg_receiver_made(actions, bad);
}

static json_t *make_body(const struct vg_message *message, const struct vg_letter *letter)
{
    json_t *card = json_pack("{s:s, s:s, s:s, s:{s:s}, s:o, s:o}", "$schema",
                             "http://adaptivecards.io/schemas/adaptive-card.json", "type",
                             "AdaptiveCard", "version", "1.4", "msteams", "width", "Full", "body",
                             make_blocks(message, letter), "actions", make_actions(letter));
    return card ? json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments",
                            "contentType", "application/vnd.microsoft.card.adaptive", "contentUrl",
                            "content", card)
                : NULL;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    struct vg_letter letter;
    *out = (struct vg_request){0};
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, ITEM_UNITS}, arena, &letter, err) <
        0)
        return -1;
    json_t *body = make_body(in->message, &letter);
    if (!body)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const char *url = in->secret ? in->secret : endpoint->url;
    int rc = vg_receiver_request(endpoint, url, body, arena, out, err);
    json_decref(body);
    return rc;
}

const struct vg_sink_ops vg_receiver_teams = {
    .name = "teams",
    .doc = "a workflow of Microsoft Teams: one card a message",
    .gathers = true,
    .spacing_us = VG_US,
    .burst = 4,
    .render = render,
    .answer = vg_receiver_answer,
};
