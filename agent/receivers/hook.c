/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of Alertmanager's webhooks, version 4, and its labels and annotations.
 *
 * Pure. One alert per item; labels identify it and hold no value, no time and no key, so that they
 * and the fingerprint stay the same from its first message to its last.
 */
#include "agent/receivers/hook.h"

#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/receivers.h"

enum { NAME_CHARS = 1000, TEXT_CHARS = 4000, KEYS = 10, TEXT_BYTES = 1 << 20 };

static const char no_end[] = "0001-01-01T00:00:00Z";

static int set_phrase(json_t *object, const char *name, const struct vg_buf *text)
{
    return text->failed ? -1 : vg_receiver_set_text(object, name, text->data, TEXT_CHARS);
}

json_t *vg_hook_labels(const struct vg_message *message, const struct vg_message_item *item)
{
    json_t *labels = json_object();
    int bad =
        !labels || vg_receiver_set(labels, "alertname", json_string("pgvigil")) ||
        vg_receiver_set_text(labels, "alertname", item ? item->check : "pgvigil_test",
                             NAME_CHARS) ||
        vg_receiver_set_text(labels, "dataset", message->dataset, NAME_CHARS) ||
        vg_receiver_set_text(labels, "model", message->model, NAME_CHARS) ||
        vg_receiver_set_text(labels, "agent", message->agent, NAME_CHARS) ||
        vg_receiver_set_text(labels, "severity", vg_severity_name(message->severity), NAME_CHARS);
    if (!bad && item)
        bad = vg_receiver_set_text(labels, "rule", item->rule, NAME_CHARS) ||
              vg_receiver_set_text(labels, "column", item->column, NAME_CHARS) ||
              vg_receiver_set_text(labels, "segment", item->segment, NAME_CHARS) ||
              vg_receiver_set_text(labels, "class", item->class, NAME_CHARS);
    return vg_receiver_made(labels, bad);
}

static void write_description(struct vg_buf *out, const struct vg_message *message,
                              const struct vg_message_item *item)
{
    if (item && *item->why) {
        vg_phrase_clean(out, item->why);
        vg_buf_puts(out, "; ");
    }
    if (item && item->description && *item->description) {
        vg_phrase_clean(out, item->description);
        vg_buf_puts(out, "; ");
    }
    for (size_t i = 0; item && i < item->nkeys && i < KEYS; i++) {
        vg_buf_puts(out, i ? ", " : "first rows: ");
        vg_phrase_clean(out, item->keys[i]);
    }
    if (item && item->nkeys)
        vg_buf_puts(out, "; ");
    if (item && item->n > 0) {
        vg_buf_puts(out, "rests on ");
        vg_phrase_basis(out, message, item);
        vg_buf_puts(out, "; ");
    }
    vg_phrase_place(out, message);
}

json_t *vg_hook_annotations(const struct vg_message *message, const struct vg_message_item *item)
{
    struct vg_buf text;
    json_t *annotations = json_object();
    const char *runbook = item && item->runbook ? item->runbook : message->runbook;
    vg_buf_init(&text, TEXT_BYTES);
    if (item)
        vg_phrase_item(&text, item);
    else
        vg_phrase_title(&text, message);
    int bad = !annotations || set_phrase(annotations, "summary", &text);
    vg_buf_clear(&text);
    write_description(&text, message, item);
    bad = bad || set_phrase(annotations, "description", &text) ||
          vg_receiver_set_text(annotations, "runbook_url", runbook, NAME_CHARS) ||
          vg_receiver_set_text(annotations, "dashboard_url", message->dashboard, NAME_CHARS);
    vg_buf_clear(&text);
    vg_phrase_impact(&text, message);
    bad = bad || set_phrase(annotations, "impact", &text) ||
          vg_receiver_set_text(annotations, "retraining", message->retraining, TEXT_CHARS);
    vg_buf_clear(&text);
    if (item)
        vg_phrase_worst(&text, item);
    bad = bad || set_phrase(annotations, "worst", &text);
    vg_buf_free(&text);
    return vg_receiver_made(annotations, bad);
}

static json_t *make_fingerprint(const json_t *labels, struct vg_arena *arena)
{
    size_t n;
    const char *text = vg_receiver_dump(labels, JSON_SORT_KEYS, arena, &n);
    return text ? json_sprintf("%016llx", (unsigned long long)vg_hash64(text, n)) : NULL;
}

static json_t *make_alert(const struct vg_message *message, const struct vg_message_item *item,
                          const char *page, struct vg_arena *arena)
{
    bool firing = item ? vg_phrase_stands(item) : message->kind == VG_MSG_TEST;
    int64_t start_us = item ? item->onset_us : message->onset_us;
    start_us = start_us > message->at_us ? message->at_us : start_us;
    json_t *labels = vg_hook_labels(message, item), *alert = json_object();
    int bad = vg_receiver_set(alert, "status", json_string(firing ? "firing" : "resolved")) ||
              json_object_set(alert, "labels", labels) ||
              vg_receiver_set(alert, "annotations", vg_hook_annotations(message, item)) ||
              vg_receiver_set(alert, "startsAt", vg_receiver_time(start_us)) ||
              vg_receiver_set(alert, "endsAt",
                              firing ? json_string(no_end) : vg_receiver_time(message->at_us)) ||
              vg_receiver_set(alert, "generatorURL", json_string(page ? page : "")) ||
              vg_receiver_set(alert, "fingerprint", make_fingerprint(labels, arena));
    json_decref(labels);
    return vg_receiver_made(alert, bad);
}

static json_t *make_alerts(const struct vg_message *message, size_t most, const char *page,
                           struct vg_arena *arena)
{
    json_t *alerts = json_array();
    size_t n = message->nitems ? message->nitems : 1;
    int bad = 0;
    for (size_t i = 0; !bad && i < n && i < most; i++) {
        const struct vg_message_item *item = message->nitems ? &message->items[i] : NULL;
        bad = json_array_append_new(alerts, make_alert(message, item, page, arena));
    }
    return vg_receiver_made(alerts, bad);
}

/* The entries of this part ("labels", "annotations") that all alerts have alike. */
static json_t *make_common(const json_t *alerts, const char *part)
{
    json_t *common = json_copy(json_object_get(json_array_get(alerts, 0), part));
    for (size_t i = 1; common && i < json_array_size(alerts); i++) {
        const json_t *other = json_object_get(json_array_get(alerts, i), part);
        const char *key;
        json_t *value;
        void *next;
        json_object_foreach_safe(common, next, key, value)
        {
            if (!json_equal(value, json_object_get(other, key)))
                json_object_del(common, key);
        }
    }
    return common;
}

json_t *vg_hook_body(const struct vg_sink_in *in, size_t most, struct vg_arena *arena)
{
    const struct vg_message *message = in->message;
    size_t left = message->nitems > most ? message->nitems - most : 0;
    bool resolved = message->kind == VG_MSG_RESOLVE || message->kind == VG_MSG_SUMMARY;
    const char *page = vg_receiver_link(message->url, arena);
    json_t *alerts = make_alerts(message, most, page, arena), *body = json_object(),
           *group = json_object();
    int bad =
        !alerts || vg_receiver_set_text(group, "dataset", message->dataset, NAME_CHARS) ||
        vg_receiver_set_text(group, "severity", vg_severity_name(message->severity), NAME_CHARS) ||
        json_object_set(body, "groupLabels", group) ||
        vg_receiver_set(body, "version", json_string("4")) ||
        vg_receiver_set(body, "groupKey", vg_receiver_text(message->key, NAME_CHARS)) ||
        vg_receiver_set(body, "truncatedAlerts",
                        json_integer((json_int_t)(message->more + left))) ||
        vg_receiver_set(body, "status", json_string(resolved ? "resolved" : "firing")) ||
        vg_receiver_set(body, "receiver", vg_receiver_text(in->receiver->name, NAME_CHARS)) ||
        vg_receiver_set(body, "commonLabels", make_common(alerts, "labels")) ||
        vg_receiver_set(body, "commonAnnotations", make_common(alerts, "annotations")) ||
        vg_receiver_set(body, "externalURL", json_string(page ? page : "")) ||
        json_object_set(body, "alerts", alerts);
    json_decref(group);
    json_decref(alerts);
    return vg_receiver_made(body, bad);
}
