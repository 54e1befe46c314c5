/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of Kubeflow Pipelines, API v2beta1.
 *
 * Pure. The server has no key for a request and takes any name as often as it is given: so a run of
 * our name is looked for before one is started. What it says of a run may be longer than what is
 * kept of an answer; its state stands before the details of its tasks, which are cut off then.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

enum { LOOK, START };

struct settings {
    struct vg_trigger_settings base;
    const char *pipeline, *version, *experiment, *namespace, *account, *root;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the API; of a whole Kubeflow with its /pipeline"),
    {"pipeline_id", VG_VALUE_STRING, offsetof(struct settings, pipeline), .required = true,
     .doc = "id of the pipeline that retrains the model"},
    {"pipeline_version_id", VG_VALUE_STRING, offsetof(struct settings, version), .shown = "newest",
     .doc = "id of one of its versions"},
    {"experiment_id", VG_VALUE_STRING, offsetof(struct settings, experiment), .shown = "default",
     .doc = "experiment the run is put into"},
    {"namespace", VG_VALUE_STRING, offsetof(struct settings, namespace),
     .doc = "where several share a Kubeflow: the one runs are looked for in"},
    {"service_account", VG_VALUE_STRING, offsetof(struct settings, account),
     .doc = "Kubernetes service account of the run"},
    {"pipeline_root", VG_VALUE_STRING, offsetof(struct settings, root),
     .doc = "where its artifacts are put"},
    VG_KEYS_TOKEN("a service account token, made for pipelines.kubeflow.org"),
    VG_KEY_INPUTS("parameters of the pipeline; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"kubeflow", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"PENDING", VG_RETRAIN_QUEUED},      {"PAUSED", VG_RETRAIN_QUEUED},
    {"RUNNING", VG_RETRAIN_RUNNING},     {"CANCELING", VG_RETRAIN_RUNNING},
    {"SUCCEEDED", VG_RETRAIN_SUCCEEDED}, {"FAILED", VG_RETRAIN_FAILED},
    {"CANCELED", VG_RETRAIN_FAILED},     {"SKIPPED", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the run", "state", NULL, VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* --- Requests --------------------------------------------------------------------------------- */

static int look(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    char *filter = vg_arena_printf(arena,
                                   "{\"predicates\":[{\"key\":\"display_name\",\"operation\":"
                                   "\"EQUALS\",\"string_value\":\"pgvigil__%s\"}]}",
                                   in->key);
    char *format = vg_arena_printf(arena, "/apis/v2beta1/runs?page_size=1&filter=%%s%s%s",
                                   own->namespace ? "&namespace=%s" : "",
                                   own->experiment ? "&experiment_id=%s" : "");
    const char *first = own->namespace ? own->namespace : own->experiment;
    if (!filter || !format)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return vg_trigger_get(in, vg_trigger_url(in, arena, format, filter, first, own->experiment),
                          arena, out, err);
}

static json_t *make_run(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const struct settings *own = settings_of(in);
    return json_pack("{s:s, s:s, s:{s:s, s:s*}, s:{s:o, s:s*}, s:s*, s:s*}", "display_name",
                     vg_trigger_name(in, arena), "description", vg_trigger_note(in),
                     "pipeline_version_reference", "pipeline_id", own->pipeline,
                     "pipeline_version_id", own->version, "runtime_config", "parameters",
                     vg_trigger_filled(in, in->retraining->body), "pipeline_root", own->root,
                     "experiment_id", own->experiment, "service_account", own->account);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    if (in->step == LOOK)
        return look(in, arena, out, err);
    return vg_trigger_post(in, vg_trigger_url(in, arena, "/apis/v2beta1/runs"), make_run(in, arena),
                           arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* The body; where it goes on after what is kept of it, up to the details of the first run's tasks,
 * and closed by `end`. JSON null where that is nothing, too. */
static json_t *read_body(const struct vg_response *response, const char *end)
{
    const char *details = strstr(response->body, "\"run_details\"");
    json_t *body = vg_trigger_body(response);
    struct vg_buf text;
    if (json_is_object(body) || !details)
        return body;
    size_t n = (size_t)(details - response->body);
    while (n && strchr(", \t\r\n", response->body[n - 1]))
        n--;
    json_decref(body);
    vg_buf_init(&text, sizeof response->body);
    vg_buf_add(&text, response->body, n);
    vg_buf_puts(&text, end);
    body = text.failed ? NULL : json_loadb(text.data, text.len, 0, NULL);
    vg_buf_free(&text);
    return body ? body : json_null();
}

static void take_run(const struct vg_trigger_in *in, const json_t *run,
                     struct vg_trigger_said *said)
{
    vg_trigger_tell(&telling, run, said);
    if (*vg_trigger_at(run, "run_id", said->id, sizeof said->id))
        vg_trigger_page(said, in->url, "/#/runs/details/%s", said->id);
}

/* What cannot be read may hide a run of ours: then none is started. */
static void take_list(const struct vg_trigger_in *in, const struct vg_response *response,
                      struct vg_trigger_said *said)
{
    json_t *body = read_body(response, "}]}");
    const json_t *runs = json_object_get(body, "runs"), *run = json_array_get(runs, 0);
    if (run)
        take_run(in, run, said);
    else if (!response->whole || !json_is_object(body) || (runs && !json_is_array(runs)))
        vg_trigger_refuse(said, VG_RETRY, "the list of runs cannot be read");
    else
        vg_trigger_more(said, START);
    json_decref(body);
}

static void take_one(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    json_t *body = read_body(response, "}");
    take_run(in, body, said);
    json_decref(body);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (!vg_trigger_took(response, said))
        return;
    if (in->step == LOOK)
        take_list(in, response, said);
    else if (vg_trigger_told(response, "run_id", in->key, said))
        take_one(in, response, said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return vg_trigger_get(in, vg_trigger_url(in, arena, "/apis/v2beta1/runs/%s", in->run->id),
                          arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (vg_trigger_found(response, "the run", said))
        take_one(in, response, said);
}

const struct vg_trigger_ops vg_trigger_kubeflow = {
    .name = "kubeflow",
    .doc = "a run of Kubeflow Pipelines",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .asks = START,
    .follow = follow,
    .followed = followed,
};
