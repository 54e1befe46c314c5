/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipeline jobs of Vertex AI, under an id of our own, which a location takes once.
 *
 * Pure. 409 with ALREADY_EXISTS means that the job is there; ABORTED, which is 409 too, passes. A
 * job holds its whole pipeline: only its name and state are asked for.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

struct settings {
    struct vg_trigger_settings base;
    const char *project, *location, *pipeline, *output, *account, *network;
};

static const struct vg_key keys[] = {
    {"project", VG_VALUE_STRING, offsetof(struct settings, project), .required = true,
     .doc = "id or number of the project"},
    {"location", VG_VALUE_STRING, offsetof(struct settings, location), .required = true,
     .doc = "such as europe-west4"},
    {"template_uri", VG_VALUE_STRING, offsetof(struct settings, pipeline), .required = true,
     .doc = "compiled pipeline in a registry: https://LOCATION-kfp.pkg.dev/PROJECT/REPO/NAME/TAG"},
    {"output", VG_VALUE_STRING, offsetof(struct settings, output), .required = true,
     .doc = "folder for what it makes: gs://bucket/folder"},
    {"service_account", VG_VALUE_STRING, offsetof(struct settings, account),
     .doc = "e-mail address of the account it runs as"},
    {"network", VG_VALUE_STRING, offsetof(struct settings, network),
     .doc = "network it is peered with"},
    {"url", VG_VALUE_URL, IN_SETTINGS(url), .shown = "the location's",
     .doc = "another address of the service"},
    VG_KEYS_TOKEN("an OAuth access token"),
    VG_KEY_INPUTS("parameters of the pipeline; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"vertex", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"PIPELINE_STATE_QUEUED", VG_RETRAIN_QUEUED},
    {"PIPELINE_STATE_PENDING", VG_RETRAIN_QUEUED},
    {"PIPELINE_STATE_PAUSED", VG_RETRAIN_QUEUED},
    {"PIPELINE_STATE_RUNNING", VG_RETRAIN_RUNNING},
    {"PIPELINE_STATE_CANCELLING", VG_RETRAIN_RUNNING},
    {"PIPELINE_STATE_SUCCEEDED", VG_RETRAIN_SUCCEEDED},
    {"PIPELINE_STATE_FAILED", VG_RETRAIN_FAILED},
    {"PIPELINE_STATE_CANCELLED", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the job", "state", "error/message",
                                                  VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const struct settings *own = settings_of(retraining);
    const char *location = own->location;
    *key = "location";
    if (!*location || strlen(location) >= 40 ||
        location[strspn(location, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return vg_fail(err, VG_E_CONFIG, "location: this is not the name of a location");
    *key = "output";
    if (strncmp(own->output, "gs://", 5) != 0)
        return vg_fail(err, VG_E_CONFIG, "output: it begins with gs://");
    *key = NULL;
    if (!own->base.token_file && !own->base.token_command.n)
        return vg_fail(err, VG_E_CONFIG,
                       "\"token_file\" or \"token_command\" is missing in vertex");
    return 0;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* `in` with an address. */
static struct vg_trigger_in place(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    struct vg_trigger_in placed = *in;
    if (!placed.url)
        placed.url = vg_arena_printf(arena, "https://%s-aiplatform.googleapis.com",
                                     settings_of(in->retraining)->location);
    return placed;
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    const struct vg_trigger_in placed = place(in, arena);
    json_t *body = json_pack("{s:s, s:s, s:{s:s, s:o}, s:{s:s}, s:s*, s:s*}", "displayName",
                             vg_trigger_label(in, arena), "templateUri", own->pipeline,
                             "runtimeConfig", "gcsOutputDirectory", own->output, "parameterValues",
                             vg_trigger_filled(in, in->retraining->body), "labels", "started-by",
                             "pgvigil", "serviceAccount", own->account, "network", own->network);
    return vg_trigger_post(in,
                           vg_trigger_url(&placed, arena,
                                          "/v1/projects/%s/locations/%s/pipelineJobs"
                                          "?pipelineJobId=%s&fields=name,state",
                                          own->project, own->location, vg_trigger_label(in, arena)),
                           body, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_job(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    const struct settings *own = settings_of(in->retraining);
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    json_decref(body);
    snprintf(said->id, sizeof said->id, "pgvigil-%s", in->key);
    vg_trigger_page(said, "https://console.cloud.google.com",
                    "/vertex-ai/pipelines/locations/%s/runs/%s?project=%s", own->location, said->id,
                    own->project);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (vg_trigger_made(response, said) && vg_trigger_told(response, "name", in->key, said))
        take_job(in, response, said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    const struct vg_trigger_in placed = place(in, arena);
    return vg_trigger_get(in,
                          vg_trigger_url(&placed, arena,
                                         "/v1/projects/%s/locations/%s/pipelineJobs/%s"
                                         "?fields=name,state,error",
                                         own->project, own->location, in->run->id),
                          arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (vg_trigger_found(response, "the job", said))
        take_job(in, response, said);
}

const struct vg_trigger_ops vg_trigger_vertex = {
    .name = "vertex",
    .doc = "a pipeline job of Vertex AI",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};
