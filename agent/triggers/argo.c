/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workflows of Argo, submitted from a template under a name of our own, which Kubernetes takes
 * once.
 *
 * Pure. 409 with AlreadyExists means that the workflow is there; other conflicts pass. A workflow
 * may be longer than what is kept of an answer: of one that is followed only the phase is asked
 * for.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

struct settings {
    struct vg_trigger_settings base;
    const char *namespace, *template, *labels, *account;
    int kind;
};

static const char *const kinds[] = {"WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow",
                                    NULL};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the Argo server, without /api"),
    {"namespace", VG_VALUE_STRING, offsetof(struct settings, namespace), .required = true,
     .doc = "namespace the workflow is created in"},
    {"template", VG_VALUE_STRING, offsetof(struct settings, template), .required = true,
     .doc = "name of the template"},
    {"kind", VG_VALUE_CHOICE, offsetof(struct settings, kind), .choices = kinds,
     .fallback = "WorkflowTemplate", .doc = "what the template is"},
    {"labels", VG_VALUE_STRING, offsetof(struct settings, labels),
     .doc = "labels of the workflow: a=b,c=d"},
    {"service_account", VG_VALUE_STRING, offsetof(struct settings, account),
     .doc = "Kubernetes service account of the workflow"},
    VG_KEYS_TOKEN("a service account token that may create and get workflows"),
    VG_KEY_INPUTS("parameters of the workflow; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"argo", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"Pending", VG_RETRAIN_QUEUED},      {"Running", VG_RETRAIN_RUNNING},
    {"Succeeded", VG_RETRAIN_SUCCEEDED}, {"Failed", VG_RETRAIN_FAILED},
    {"Error", VG_RETRAIN_FAILED},
};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* RFC 1123 has no underscore. */
static char *make_name(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    return vg_arena_printf(arena, "pgvigil-%s", in->key);
}

/* ["name=value", ...] */
static json_t *make_parameters(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const char *key;
    json_t *value, *given = vg_trigger_filled(in, in->retraining->body), *list = json_array();
    bool bad = !given || !list;
    json_object_foreach(given, key, value)
    {
        const char *plain = vg_trigger_plain(value, arena);
        bad = bad || !plain || json_array_append_new(list, json_sprintf("%s=%s", key, plain));
    }
    json_decref(given);
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:o, s:s*, s:s*}}", "namespace", own->namespace,
                  "resourceKind", kinds[own->kind], "resourceName", own->template, "submitOptions",
                  "name", make_name(in, arena), "parameters", make_parameters(in, arena), "labels",
                  own->labels, "serviceAccount", own->account);
    return vg_trigger_post(in,
                           vg_trigger_url(in, arena, "/api/v1/workflows/%s/submit", own->namespace),
                           body, arena, out, err);
}

static void put_page(const struct vg_trigger_in *in, struct vg_trigger_said *said)
{
    struct vg_arena *arena = vg_arena_new();
    const char *url =
        arena ? vg_trigger_url(in, arena, "/workflows/%s/%s", settings_of(in)->namespace, said->id)
              : NULL;
    if (url && strlen(url) < sizeof said->url)
        snprintf(said->url, sizeof said->url, "%s", url);
    vg_arena_free(arena);
}

static void take_workflow(const struct vg_trigger_in *in, const struct vg_response *response,
                          struct vg_trigger_said *said)
{
    char phase[40];
    json_t *body = vg_trigger_body(response);
    said->state = vg_trigger_state(words, sizeof words / sizeof *words,
                                   vg_trigger_at(body, "status/phase", phase, sizeof phase));
    json_decref(body);
    snprintf(said->id, sizeof said->id, "pgvigil-%s", in->key);
    put_page(in, said);
    snprintf(said->why, sizeof said->why, "status %d, the workflow is %s", response->status,
             *phase ? phase : "there");
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (response->status == 409) {
        took = vg_trigger_exists(response);
        said->outcome = took ? VG_DELIVERED : VG_RETRY;
    }
    if (took)
        take_workflow(in, response, said);
}

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return vg_trigger_get(in,
                          vg_trigger_url(in, arena,
                                         "/api/v1/workflows/%s/%s"
                                         "?fields=metadata.name,status.phase,status.message",
                                         settings_of(in)->namespace, in->run->id),
                          arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (vg_trigger_found(response, "the workflow", said))
        take_workflow(in, response, said);
}

const struct vg_trigger_ops vg_trigger_argo = {
    .name = "argo",
    .doc = "a workflow of Argo Workflows",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};
