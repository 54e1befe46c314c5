/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP of the user's own: one request with a templated JSON body and an idempotency key.
 *
 * Pure. 409 means that the system has this key already. What it says of a run is not known, so that
 * it is not followed.
 */
#include <jansson.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};

static const struct vg_key keys[] = {
    {"url", VG_VALUE_URL, IN_SETTINGS(url), .doc = "address, where it is no secret"},
    {"url_file", VG_VALUE_PATH, IN_SETTINGS(url_file),
     .doc = "file that holds the address, where it is a secret"},
    {"method", VG_VALUE_CHOICE, IN_SETTINGS(method), .choices = methods, .fallback = "POST",
     .doc = "HTTP method"},
    VG_KEYS_TOKEN("the token of Authorization: Bearer"),
    VG_KEYS_USER("or a name for Authorization: Basic"),
    {.name = "body",
     .type = VG_VALUE_NODE,
     .offset = IN_SETTINGS(parameters),
     .shown = "all that is known",
     .doc = "sent as JSON; {{model}} and its like are replaced in texts"},
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"http", VG_KEYS(keys)};

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_endpoint *endpoint = &in->retraining->http;
    if (vg_trigger_post(in, in->url ? in->url : "", vg_trigger_parameters(in), arena, out, err) < 0)
        return -1;
    out->method = endpoint->method ? endpoint->method : "POST";
    return vg_receiver_header(out, "Idempotency-Key", in->key, arena, err);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    (void)in;
    if (!vg_trigger_took(response, said) && response->status == 409)
        said->outcome = VG_DELIVERED;
}

const struct vg_trigger_ops vg_trigger_http = {
    .name = "http",
    .doc = "one request of your own",
    .keys = &table,
    .settings_size = sizeof(struct vg_trigger_settings),
    .render = render,
    .answer = answer,
};
