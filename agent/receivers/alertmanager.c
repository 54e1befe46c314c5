/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alertmanager, API v2: what fires is reported again before it would end by itself.
 *
 * Pure. Identity is the label set, which holds no value and no time. An alert that stands ends four
 * refreshes from now unless it is reported again; one that has ended is reported so for five
 * minutes. Alertmanager groups, repeats and routes, so acknowledgements and summaries are not sent.
 */
#include "agent/phrase.h"
#include "agent/receivers/hook.h"
#include "agent/receivers/receivers.h"

enum { MISSED = 4 };
static const int64_t repeat_end_us = 5 * VG_MINUTE_US, default_us = VG_MINUTE_US;

static int64_t find_refresh(const struct vg_receiver *receiver)
{
    return receiver->refresh_us ? receiver->refresh_us : default_us;
}

static json_t *make_alert(const struct vg_sink_in *in, const struct vg_message_item *item,
                          const char *page)
{
    const struct vg_message *message = in->message;
    bool over = item ? !vg_phrase_stands(item) : message->kind == VG_MSG_RESOLVE;
    bool ended = over && message->kind != VG_MSG_TEST; /* a test is to be seen */
    int64_t start_us = item && item->onset_us < message->at_us ? item->onset_us : message->at_us;
    int64_t end_us = ended ? message->at_us : in->now_us + MISSED * find_refresh(in->receiver);
    json_t *alert = json_object();
    int bad = vg_receiver_set(alert, "labels", vg_hook_labels(message, item)) ||
              vg_receiver_set(alert, "annotations", vg_hook_annotations(message, item)) ||
              vg_receiver_set(alert, "startsAt", vg_receiver_time(start_us)) ||
              vg_receiver_set(alert, "endsAt", vg_receiver_time(end_us));
    if (!bad && page)
        bad = vg_receiver_set(alert, "generatorURL", json_string(page));
    return vg_receiver_made(alert, bad);
}

static json_t *make_alerts(const struct vg_sink_in *in, struct vg_arena *arena)
{
    const struct vg_message *message = in->message;
    const char *page = vg_receiver_link(message->url, arena);
    json_t *alerts = json_array();
    size_t n = message->nitems ? message->nitems : 1;
    int bad = 0;
    for (size_t i = 0; !bad && i < n; i++) {
        const struct vg_message_item *item = message->nitems ? &message->items[i] : NULL;
        bad = json_array_append_new(alerts, make_alert(in, item, page));
    }
    return vg_receiver_made(alerts, bad);
}

static int64_t find_again(const struct vg_sink_in *in)
{
    switch (in->message->kind) {
    case VG_MSG_OPEN:
    case VG_MSG_UPDATE:
    case VG_MSG_REMIND:
        return find_refresh(in->receiver);
    case VG_MSG_RESOLVE:
        return in->now_us - in->message->at_us < repeat_end_us ? find_refresh(in->receiver) : 0;
    default:
        return 0;
    }
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->receiver->endpoint;
    const char *base = in->secret ? in->secret : endpoint->url;
    enum vg_message_kind kind = in->message->kind;
    *out = (struct vg_request){0};
    if (kind == VG_MSG_SUMMARY || kind == VG_MSG_ACKNOWLEDGE || kind == VG_MSG_CHANGE)
        return 0;
    if (!base)
        return vg_fail(err, VG_E_CONFIG, "no URL is given");
    const char *url = vg_receiver_join(base, "/api/v2/alerts", arena);
    json_t *alerts = make_alerts(in, arena);
    if (!url || !alerts) {
        json_decref(alerts);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    int rc = vg_receiver_request(endpoint, url, alerts, arena, out, err);
    json_decref(alerts);
    out->again_us = rc ? 0 : find_again(in);
    return rc;
}

const struct vg_sink_ops vg_receiver_alertmanager = {
    .name = "alertmanager",
    .doc = "Alertmanager, API v2: alerts with labels, reported as long as they stand",
    .render = render,
    .answer = vg_receiver_answer,
};
