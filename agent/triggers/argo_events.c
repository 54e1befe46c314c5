/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events for Argo: of the Argo server, for a WorkflowEventBinding, or of a webhook of Argo Events.
 *
 * Pure. An event is taken and nothing more is said of it: neither whether anything listens, nor
 * what it started. There is no key; an event whose answer was lost is sent again with the same
 * onset_key, from which the listener names its workflow, so that the second one is not created.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

struct settings {
    struct vg_trigger_settings base;
    const char *namespace, *discriminator;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the Argo server, without /api; or, whole, of a webhook of Argo Events"),
    {"namespace", VG_VALUE_STRING, offsetof(struct settings, namespace),
     .doc = "of the Argo server: namespace of the WorkflowEventBinding"},
    {"discriminator", VG_VALUE_STRING, offsetof(struct settings, discriminator),
     .doc = "by which the binding tells events apart"},
    VG_KEYS_TOKEN("a service account token, or the webhook's authSecret"),
    VG_KEY_PARAMETERS("the event; {{model}} and its like are replaced in texts"),
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"argo_events", VG_KEYS(keys)};

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const struct settings *own = settings_of(retraining);
    const char *text = own->base.parameters.text;
    *key = "discriminator";
    if (own->discriminator && !own->namespace)
        return vg_fail(err, VG_E_CONFIG, "discriminator: the namespace is missing");
    *key = "parameters";
    if (!text || strstr(text, "{{onset_key}}"))
        return 0;
    vg_fail(err, VG_E_CONFIG, "parameters: none holds {{onset_key}}, which tells a repeated event");
    return vg_hint(err, "onset_key: \"{{onset_key}}\"");
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    const char *url = own->namespace ? vg_trigger_url(in, arena, "/api/v1/events/%s/%s",
                                                      own->namespace, own->discriminator)
                                     : in->url;
    return vg_trigger_post(in, url ? url : "", vg_trigger_parameters(in), arena, out, err);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    const char *text = response->body + strspn(response->body, " \t\r\n");
    if (!vg_trigger_took(response, said))
        return;
    /* Argo says {}, an event source of Argo Events a word of its own */
    if (*text == '<' || (settings_of(in->retraining)->namespace && *text && *text != '{'))
        vg_trigger_refuse(said, VG_RETRY, "status %d, with an answer that is not of Argo",
                          response->status);
    else
        snprintf(said->why, sizeof said->why, "status %d; what it starts is not told",
                 response->status);
}

const struct vg_trigger_ops vg_trigger_argo_events = {
    .name = "argo_events",
    .doc = "an event for Argo Workflows or Argo Events",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
};
