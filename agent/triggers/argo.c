/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workflows of Argo, submitted from a template under a name of our own, which Kubernetes takes
 * once.
 *
 * Pure. 409 with AlreadyExists means that the workflow is there; other conflicts pass. The server
 * gives it a generateName, too, and with both an old Kubernetes says of a name that is taken only
 * that it could not be done just now: so after 5xx the workflow is looked for. It may be longer
 * than what is kept of an answer: of one that is looked for only the phase is asked.
 */
#include <jansson.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { SUBMIT, LOOK };

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
static const struct vg_trigger_telling telling = {"the workflow", "status/phase", "status/message",
                                                  VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* ["name=value", ...] */
static json_t *make_parameters(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    struct vg_pair *given;
    size_t n;
    json_t *list = json_array();
    int bad = vg_trigger_texts(vg_trigger_filled(in, in->retraining->body), 0, arena, &given, &n);
    for (size_t i = 0; !bad && i < n; i++)
        bad = json_array_append_new(list, json_sprintf("%s=%s", given[i].key, given[i].value));
    return vg_receiver_made(list, bad);
}

static int look(const struct vg_trigger_in *in, const char *name, struct vg_arena *arena,
                struct vg_request *out, struct vg_error *err)
{
    return vg_trigger_get(in,
                          vg_trigger_url(in, arena,
                                         "/api/v1/workflows/%s/%s"
                                         "?fields=metadata.name,status.phase,status.message",
                                         settings_of(in)->namespace, name),
                          arena, out, err);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    if (in->step == LOOK)
        return look(in, vg_trigger_label(in, arena), arena, out, err);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:o, s:s*, s:s*}}", "namespace", own->namespace,
                  "resourceKind", kinds[own->kind], "resourceName", own->template, "submitOptions",
                  "name", vg_trigger_label(in, arena), "parameters", make_parameters(in, arena),
                  "labels", own->labels, "serviceAccount", own->account);
    return vg_trigger_post(in,
                           vg_trigger_url(in, arena, "/api/v1/workflows/%s/submit", own->namespace),
                           body, arena, out, err);
}

static void take_workflow(const struct vg_trigger_in *in, const struct vg_response *response,
                          struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    json_decref(body);
    snprintf(said->id, sizeof said->id, "pgvigil-%s", in->key);
    vg_trigger_page(said, in->url, "/workflows/%s/%s", settings_of(in)->namespace, said->id);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    bool made = vg_trigger_made(response, said);
    bool waits = response->retry_after_us > 0;
    if (made) {
        if (vg_trigger_told(response, "metadata/name", in->key, said))
            take_workflow(in, response, said);
    } else if (in->step == SUBMIT && response->status >= 500 && !waits) {
        snprintf(said->memory, sizeof said->memory, "%s", said->why);
        vg_trigger_more(said, LOOK);
    } else if (in->step == LOOK && said->outcome == VG_PERMANENT) {
        vg_trigger_refuse(said, VG_RETRY, "%.190s", in->memory ? in->memory : "");
    }
}

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return look(in, in->run->id, arena, out, err);
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
