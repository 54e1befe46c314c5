/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PagerDuty Events v2: an incident opens, is updated, acknowledged and resolved under one
 * dedup_key; a retraining that is asked for is a change event.
 *
 * Pure. The key of the message is the dedup_key, so a repeated event changes nothing. A summary of
 * what began and ended meanwhile pages nobody: it has no request. Limits: summary 1024 characters,
 * event 512 kB.
 */
#include <math.h>
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/receivers.h"
#include "agent/template.h"
#include "pgvigil/text.h"

static const char default_url[] = "https://events.pagerduty.com/v2/enqueue";

enum {
    SUMMARY_CHARS = 1024,
    NAME_CHARS = 255,
    TEXT_CHARS = 600,
    ITEMS = 20, /* at four bytes a character still below 512 kB */
    KEYS = 10,
    LINKS = 10,
    TEXT_BYTES = 1 << 20,
};

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

/* What was written, cut, and the buffer ended. NULL out of memory. */
static json_t *take_text(struct vg_buf *text, size_t max_chars)
{
    json_t *taken = text->failed ? NULL : vg_receiver_text(text->data, max_chars);
    vg_buf_free(text);
    return taken;
}

/* The text that a function of phrase.h writes of a thing, cut; NULL out of memory. */
static json_t *make_item_phrase(const struct vg_message_item *item)
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    vg_phrase_item(&text, item);
    return take_text(&text, TEXT_CHARS);
}

static json_t *make_phrase(const struct vg_message *message, size_t max_chars,
                           void (*write)(struct vg_buf *out, const struct vg_message *message))
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    write(&text, message);
    return take_text(&text, max_chars);
}

static json_t *make_title(const struct vg_sink_in *in)
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    vg_receiver_title(&text, in);
    return take_text(&text, SUMMARY_CHARS);
}

/* The receiver's own text; null without one. */
static json_t *make_lead(const struct vg_sink_in *in)
{
    struct vg_buf text;
    if (!in->receiver->text)
        return json_null();
    vg_buf_init(&text, TEXT_BYTES);
    vg_template_write(&text, in->receiver->text, in->message);
    return take_text(&text, TEXT_CHARS);
}

static json_t *make_basis(const struct vg_message *message, const struct vg_message_item *item)
{
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    vg_phrase_basis(&text, message, item);
    json_t *basis = text.failed ? NULL
                    : text.len  ? vg_receiver_text(text.data, TEXT_CHARS)
                                : json_null();
    vg_buf_free(&text);
    return basis;
}

static json_t *make_keys(const struct vg_message_item *item)
{
    json_t *keys = json_array();
    int bad = 0;
    for (size_t i = 0; !bad && i < item->nkeys && i < KEYS; i++)
        bad = json_array_append_new(keys, vg_receiver_text(item->keys[i], NAME_CHARS));
    return vg_receiver_made(keys, bad);
}

static json_t *make_item(const struct vg_message *message, const struct vg_message_item *item)
{
    json_t *alert = json_object();
    int bad =
        vg_receiver_set(alert, "what", make_item_phrase(item)) ||
        vg_receiver_set(alert, "why", vg_receiver_text(item->why, TEXT_CHARS)) ||
        vg_receiver_set(alert, "rule", vg_receiver_text(item->rule, NAME_CHARS)) ||
        vg_receiver_set(alert, "check", vg_receiver_text(item->check, NAME_CHARS)) ||
        vg_receiver_set(alert, "column", vg_receiver_text(item->column, NAME_CHARS)) ||
        vg_receiver_set(alert, "segment", vg_receiver_text(item->segment, NAME_CHARS)) ||
        vg_receiver_set(alert, "state", json_string(vg_alert_state_name(item->state))) ||
        vg_receiver_set(alert, "verdict", json_string(vg_verdict_name(item->verdict))) ||
        vg_receiver_set(alert, "value", make_number(item->value)) ||
        vg_receiver_set(alert, "limit", make_number(item->limit)) ||
        vg_receiver_set(alert, "p_value", make_number(item->p_value)) ||
        vg_receiver_set(alert, "unit", json_string(vg_unit_name(item->unit))) ||
        vg_receiver_set(alert, "since", vg_receiver_time(item->onset_us)) ||
        vg_receiver_set(alert, "rests_on", make_basis(message, item)) ||
        vg_receiver_set(alert, "description", vg_receiver_text(item->description, TEXT_CHARS));
    if (!bad && item->worst.at_us)
        bad = vg_receiver_set(alert, "worst", make_number(item->worst.value)) ||
              vg_receiver_set(alert, "worst_at", vg_receiver_time(item->worst.at_us));
    if (!bad && item->nkeys)
        bad = vg_receiver_set(alert, "first_rows", make_keys(item));
    return vg_receiver_made(alert, bad);
}

static json_t *make_items(const struct vg_message *message)
{
    json_t *alerts = json_array();
    int bad = 0;
    for (size_t i = 0; !bad && i < message->nitems && i < ITEMS; i++)
        bad = json_array_append_new(alerts, make_item(message, &message->items[i]));
    return vg_receiver_made(alerts, bad);
}

static json_t *make_details(const struct vg_sink_in *in)
{
    const struct vg_message *message = in->message;
    json_t *details = json_object();
    size_t more = message->more + (message->nitems > ITEMS ? message->nitems - ITEMS : 0);
    int bad =
        vg_receiver_set(details, "place", make_phrase(message, TEXT_CHARS, vg_phrase_place)) ||
        vg_receiver_set(details, "standing",
                        make_phrase(message, TEXT_CHARS, vg_phrase_standing)) ||
        vg_receiver_set(details, "may_break", make_phrase(message, TEXT_CHARS, vg_phrase_impact)) ||
        vg_receiver_set(details, "text", make_lead(in)) ||
        vg_receiver_set(details, "kind", json_string(vg_message_kind_name(message->kind))) ||
        vg_receiver_set(details, "agent", vg_receiver_text(message->agent, NAME_CHARS)) ||
        vg_receiver_set(details, "dataset", vg_receiver_text(message->dataset, NAME_CHARS)) ||
        vg_receiver_set(details, "table", vg_receiver_text(message->table, NAME_CHARS)) ||
        vg_receiver_set(details, "model", vg_receiver_text(message->model, NAME_CHARS)) ||
        vg_receiver_set(details, "owner", vg_receiver_text(message->owner, NAME_CHARS)) ||
        vg_receiver_set(details, "since", vg_receiver_time(message->onset_us)) ||
        vg_receiver_set(details, "alerts", make_items(message));
    if (!bad && message->has_window)
        bad = vg_receiver_set(details, "window_from", vg_receiver_time(message->window.start_us)) ||
              vg_receiver_set(details, "window_to", vg_receiver_time(message->window.end_us)) ||
              vg_receiver_set(details, "rows", json_integer((json_int_t)message->rows));
    if (!bad && more)
        bad = vg_receiver_set(details, "more_alerts", json_integer((json_int_t)more));
    return vg_receiver_made(details, bad);
}

static int add_link(json_t *links, const char *url, const char *text, struct vg_arena *arena)
{
    const char *href = vg_receiver_link(url, arena);
    size_t i;
    json_t *link;
    if (!href || json_array_size(links) >= LINKS)
        return 0;
    json_array_foreach(links, i, link)
    {
        if (vg_streq(json_string_value(json_object_get(link, "href")), href))
            return 0;
    }
    return json_array_append_new(
        links, json_pack("{s:s, s:o}", "href", href, "text", vg_receiver_text(text, NAME_CHARS)));
}

static json_t *make_links(const struct vg_message *message, struct vg_arena *arena)
{
    json_t *links = json_array();
    int bad = !links || add_link(links, message->url, "pgvigil report", arena) ||
              add_link(links, message->dashboard, "Dashboard", arena) ||
              add_link(links, message->runbook, "Runbook", arena);
    for (size_t i = 0; !bad && i < message->nitems; i++)
        bad = add_link(links, message->items[i].runbook, message->items[i].rule, arena);
    return vg_receiver_made(links, bad);
}

/* What is affected: the table where it is known. Never empty. */
static json_t *make_source(const struct vg_message *message)
{
    const char *table = message->table ? message->table : message->dataset;
    struct vg_buf text;
    vg_buf_init(&text, TEXT_BYTES);
    if (message->connection)
        vg_buf_printf(&text, "%s/", message->connection);
    vg_buf_puts(&text, table);
    if (!text.data[strspn(text.data, " \t\n")])
        vg_buf_puts(&text, "pgvigil");
    return take_text(&text, NAME_CHARS);
}

static json_t *make_payload(const struct vg_sink_in *in)
{
    const struct vg_message *message = in->message;
    static const char *const severities[VG_SEVERITIES] = {"info", "warning", "critical"};
    const char *severity =
        severities[message->kind == VG_MSG_TEST ? VG_SEVERITY_INFO : message->severity];
    const char *group = message->model ? message->model : message->dataset;
    json_t *payload = json_object();
    int bad = vg_receiver_set(payload, "summary", make_title(in)) ||
              vg_receiver_set(payload, "source", make_source(message)) ||
              vg_receiver_set(payload, "severity", json_string(severity)) ||
              vg_receiver_set(payload, "timestamp", vg_receiver_time(message->at_us)) ||
              vg_receiver_set_text(payload, "component", message->dataset, NAME_CHARS) ||
              vg_receiver_set_text(payload, "group", group, NAME_CHARS) ||
              vg_receiver_set(payload, "custom_details", make_details(in));
    if (!bad && message->nitems)
        bad = vg_receiver_set_text(payload, "class", message->items[0].class, NAME_CHARS);
    return vg_receiver_made(payload, bad);
}

static json_t *make_routing_key(const char *secret)
{
    struct vg_buf text;
    vg_buf_init_wiped(&text, TEXT_BYTES);
    vg_phrase_clean(&text, secret);
    size_t n = vg_utf8_prefix(text.data, text.len, NAME_CHARS);
    json_t *key = text.failed ? NULL : json_stringn(text.data, n);
    vg_buf_free(&text);
    return key;
}

/* What changed and when; it opens nothing, and stands beside the incidents of its time. */
static json_t *make_change(const struct vg_sink_in *in, struct vg_arena *arena)
{
    const struct vg_message *message = in->message;
    json_t *event = json_object(), *payload = json_object();
    int bad = vg_receiver_set(event, "routing_key", make_routing_key(in->secret)) ||
              vg_receiver_set(payload, "summary", make_title(in)) ||
              vg_receiver_set(payload, "timestamp", vg_receiver_time(message->at_us)) ||
              vg_receiver_set(payload, "source", make_source(message)) ||
              vg_receiver_set(payload, "custom_details", make_details(in)) ||
              json_object_set(event, "payload", payload) ||
              vg_receiver_set(event, "links", make_links(message, arena));
    json_decref(payload);
    return vg_receiver_made(event, bad);
}

static const char *choose_action(enum vg_message_kind kind)
{
    return kind == VG_MSG_RESOLVE       ? "resolve"
           : kind == VG_MSG_ACKNOWLEDGE ? "acknowledge"
                                        : "trigger";
}

static json_t *make_event(const struct vg_sink_in *in, struct vg_arena *arena)
{
    const struct vg_message *message = in->message;
    bool trigger = message->kind != VG_MSG_RESOLVE && message->kind != VG_MSG_ACKNOWLEDGE;
    const char *page = vg_receiver_link(message->url, arena);
    json_t *event = json_object();
    int bad = vg_receiver_set(event, "routing_key", make_routing_key(in->secret)) ||
              vg_receiver_set(event, "event_action", json_string(choose_action(message->kind))) ||
              vg_receiver_set(event, "dedup_key", vg_receiver_text(message->key, NAME_CHARS)) ||
              vg_receiver_set(event, "client", json_string("pgvigil"));
    if (!bad && page)
        bad = vg_receiver_set(event, "client_url", json_string(page));
    if (!bad && trigger)
        bad = vg_receiver_set(event, "payload", make_payload(in)) ||
              vg_receiver_set(event, "links", make_links(message, arena));
    return vg_receiver_made(event, bad);
}

/* Change events have an address of their own: .../v2/change/enqueue. */
static const char *choose_url(const struct vg_sink_in *in, struct vg_arena *arena)
{
    static const char end[] = "/enqueue";
    const char *url = in->receiver->endpoint.url ? in->receiver->endpoint.url : default_url;
    size_t n = strlen(url), k = sizeof end - 1;
    if (in->message->kind != VG_MSG_CHANGE || n < k || strcmp(url + n - k, end))
        return url;
    return vg_arena_printf(arena, "%.*s/change%s", (int)(n - k), url, end);
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    bool change = in->message->kind == VG_MSG_CHANGE;
    *out = (struct vg_request){0};
    if (in->message->kind == VG_MSG_SUMMARY || (change && !in->receiver->changes))
        return 0;
    if (!in->secret)
        return vg_fail(err, VG_E_CONFIG, "no routing key is given");
    const char *url = choose_url(in, arena);
    json_t *event = change ? make_change(in, arena) : make_event(in, arena);
    if (!event || !url) {
        json_decref(event);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    int rc = vg_receiver_request(&in->receiver->endpoint, url, event, arena, out, err);
    json_decref(event);
    return rc;
}

const struct vg_sink_ops vg_receiver_pagerduty = {
    .name = "pagerduty",
    .doc = "PagerDuty Events v2: opens, updates and resolves an incident under a stable key",
    .spacing_us = VG_US / 2,
    .burst = 20,
    .render = render,
    .answer = vg_receiver_answer,
};
