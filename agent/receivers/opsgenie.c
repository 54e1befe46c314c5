/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alerts of Jira Service Management, and of Opsgenie, whose API it has: created, noted,
 * acknowledged and closed under the incident's key as alias, which deduplicates while it is open.
 *
 * Pure. Limits: message 130 characters, description 15 000, note 25 000, entity 512, tag 50.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"

static const char default_url[] = "https://api.atlassian.com/jsm/ops/integration";

enum {
    MESSAGE_UNITS = 130,
    DESCRIPTION_UNITS = 15000,
    NOTE_UNITS = 10000,
    ENTITY_UNITS = 512,
    SOURCE_UNITS = 100,
    DETAIL_UNITS = 500,
    TAG_UNITS = 50,
    ITEMS = 20,
    TEXT_BYTES = 1 << 20,
};

static json_t *make_cut(const char *text, size_t max)
{
    struct vg_buf clean;
    vg_buf_init(&clean, TEXT_BYTES);
    vg_phrase_clean(&clean, text);
    json_t *cut = clean.failed ? NULL : vg_markup_text(VG_MARKUP_NONE, clean.data, max);
    vg_buf_free(&clean);
    return cut;
}

/* The letter in lines, cut. */
static json_t *make_text(const struct vg_letter *letter, size_t max)
{
    struct vg_buf all;
    vg_buf_init(&all, TEXT_BYTES);
    vg_letter_write(&all, letter);
    json_t *text = all.failed ? NULL : vg_markup_text(VG_MARKUP_NONE, all.data, max);
    vg_buf_free(&all);
    return text;
}

static int set_detail(json_t *details, const char *name, const char *text)
{
    return text && *text ? vg_receiver_set(details, name, make_cut(text, DETAIL_UNITS)) : 0;
}

static json_t *make_details(const struct vg_message *message, const struct vg_letter *letter)
{
    json_t *details = json_object();
    int bad = set_detail(details, "dataset", message->dataset) ||
              set_detail(details, "table", message->table) ||
              set_detail(details, "model", message->model) ||
              set_detail(details, "owner", message->owner);
    for (size_t i = 0; !bad && i < letter->nlinks; i++)
        bad = set_detail(details, letter->links[i].label, letter->links[i].url);
    return vg_receiver_made(details, bad);
}

static json_t *make_tags(const struct vg_message *message)
{
    json_t *tags = json_array();
    int bad = json_array_append_new(tags, json_string("pgvigil")) ||
              json_array_append_new(tags, make_cut(message->dataset, TAG_UNITS));
    if (!bad && message->nitems)
        bad = json_array_append_new(tags, make_cut(message->items[0].class, TAG_UNITS));
    return vg_receiver_made(tags, bad);
}

static json_t *make_alert(const struct vg_sink_in *in, const struct vg_letter *letter)
{
    static const char *const priorities[VG_SEVERITIES] = {"P5", "P3", "P1"};
    const struct vg_message *message = in->message;
    bool test = message->kind == VG_MSG_TEST;
    const char *priority = priorities[test ? VG_SEVERITY_INFO : message->severity];
    json_t *alert = json_object();
    int bad =
        vg_receiver_set(alert, "message", make_cut(letter->title, MESSAGE_UNITS)) ||
        vg_receiver_set(alert, "alias", json_string(message->key)) ||
        vg_receiver_set(alert, "description", make_text(letter, DESCRIPTION_UNITS)) ||
        vg_receiver_set(
            alert, "entity",
            make_cut(message->table ? message->table : message->dataset, ENTITY_UNITS)) ||
        vg_receiver_set(alert, "source",
                        make_cut(message->agent ? message->agent : "pgvigil", SOURCE_UNITS)) ||
        vg_receiver_set(alert, "priority", json_string(priority)) ||
        vg_receiver_set(alert, "tags", make_tags(message)) ||
        vg_receiver_set(alert, "details", make_details(message, letter));
    if (!bad && in->receiver->team)
        bad =
            vg_receiver_set(alert, "responders",
                            json_pack("[{s:s, s:s}]", "name", in->receiver->team, "type", "team"));
    return vg_receiver_made(alert, bad);
}

/* What is done to an alert that is there: who, and in which words. */
static json_t *make_action(const struct vg_message *message, const struct vg_letter *letter)
{
    const char *by = message->kind == VG_MSG_ACKNOWLEDGE && message->by ? message->by : "pgvigil";
    json_t *action = json_object();
    int bad =
        vg_receiver_set(action, "user", make_cut(by, SOURCE_UNITS)) ||
        vg_receiver_set(action, "source",
                        make_cut(message->agent ? message->agent : "pgvigil", SOURCE_UNITS)) ||
        vg_receiver_set(action, "note", make_text(letter, NOTE_UNITS));
    return vg_receiver_made(action, bad);
}

/* An alert that somebody closed while it stands is opened again by creating it: the alias makes
 * that harmless where it is open. Then a note tells what has changed. */
static const char *choose_action(const struct vg_sink_in *in, bool *more)
{
    *more = in->message->kind == VG_MSG_UPDATE && in->step == 0;
    switch (in->message->kind) {
    case VG_MSG_RESOLVE:
        return "close";
    case VG_MSG_ACKNOWLEDGE:
        return "acknowledge";
    case VG_MSG_UPDATE:
        return in->step ? "notes" : NULL;
    default:
        return NULL;
    }
}

static int send_alert(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                      struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    const char *base = endpoint->url ? endpoint->url : default_url, *path = "/v2/alerts";
    struct vg_letter letter;
    bool more;
    const char *action = choose_action(in, &more);
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, DESCRIPTION_UNITS}, arena, &letter,
                       err) < 0)
        return -1;
    if (action)
        path = vg_arena_printf(arena, "/v2/alerts/%s/%s?identifierType=alias", in->message->key,
                               action);
    const char *url = path ? vg_receiver_join(base, path, arena) : NULL;
    json_t *body = action ? make_action(in->message, &letter) : make_alert(in, &letter);
    int rc = url && body ? vg_receiver_request(endpoint, url, body, arena, out, err)
                         : vg_fail(err, VG_E_MEMORY, "out of memory");
    json_decref(body);
    out->more = !rc && more;
    return rc;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    *out = (struct vg_request){0};
    if (in->message->kind == VG_MSG_SUMMARY || in->message->kind == VG_MSG_CHANGE)
        return 0;
    return send_alert(in, arena, out, err);
}

const struct vg_sink_ops vg_receiver_opsgenie = {
    .name = "opsgenie",
    .doc = "Jira Service Management or Opsgenie: an alert under a stable alias",
    .spacing_us = VG_US / 2,
    .burst = 20,
    .scheme = "GenieKey",
    .render = render,
    .answer = vg_receiver_answer,
};
