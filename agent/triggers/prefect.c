/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flow runs of a deployment of Prefect 3, with an idempotency key.
 *
 * Pure. 201 is a new run, 200 the one that the key stands for already; 409 means that the
 * parameters do not fit the flow. A deployment given by its name is looked up first.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

enum { FIND, START };

struct settings {
    struct vg_trigger_settings base;
    const char *deployment, *work_queue;
    union vg_trigger_template variables;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the API: https://HOST/api, or that of the workspace in Prefect Cloud"),
    {"deployment", VG_VALUE_STRING, offsetof(struct settings, deployment), .required = true,
     .doc = "id of the deployment, or its name: flow/deployment"},
    {"work_queue", VG_VALUE_STRING, offsetof(struct settings, work_queue),
     .doc = "queue of its work pool the run is put into"},
    {.name = "job_variables",
     .type = VG_VALUE_NODE,
     .offset = offsetof(struct settings, variables),
     .shown = "name to value",
     .doc = "in place of those of the deployment"},
    VG_KEYS_TOKEN("an API key of Prefect Cloud"),
    VG_KEYS_USER("or, of a server of one's own with PREFECT_SERVER_API_AUTH_STRING, its name"),
    VG_KEY_INPUTS("parameters of the flow; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"prefect", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"SCHEDULED", VG_RETRAIN_QUEUED},   {"PENDING", VG_RETRAIN_QUEUED},
    {"PAUSED", VG_RETRAIN_QUEUED},      {"RUNNING", VG_RETRAIN_RUNNING},
    {"CANCELLING", VG_RETRAIN_RUNNING}, {"COMPLETED", VG_RETRAIN_SUCCEEDED},
    {"FAILED", VG_RETRAIN_FAILED},      {"CANCELLED", VG_RETRAIN_FAILED},
    {"CRASHED", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the run", "state/type", "state/message",
                                                  VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const char *name = settings_of(retraining)->deployment, *slash = strchr(name, '/');
    *key = "deployment";
    if (!slash && strspn(name, "0123456789abcdefABCDEF-") == 36 && !name[36])
        return 0;
    if (slash && slash != name && slash[1] && !strchr(slash + 1, '/'))
        return 0;
    vg_fail(err, VG_E_CONFIG, "deployment: this is neither an id nor flow/deployment");
    return vg_hint(err, "deployment: retrain-delay/production");
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Its id, or NULL as long as only the name is known. */
static const char *find_id(const struct vg_trigger_in *in)
{
    const char *deployment = settings_of(in->retraining)->deployment;
    return strchr(deployment, '/') ? in->memory : deployment;
}

static const char *make_lookup(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const char *deployment = settings_of(in->retraining)->deployment;
    const char *slash = strchr(deployment, '/');
    const char *flow = vg_arena_strndup(arena, deployment, (size_t)(slash - deployment));
    return flow ? vg_trigger_url(in, arena, "/deployments/name/%s/%s", flow, slash + 1) : NULL;
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    const char *name = vg_trigger_name(in, arena), *id = find_id(in);
    if (!id)
        return vg_trigger_get(in, make_lookup(in, arena), arena, out, err);
    json_t *variables = own->variables.text ? vg_trigger_filled(in, own->variables.text) : NULL;
    if (own->variables.text && !variables)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    json_t *body =
        json_pack("{s:s, s:s, s:o, s:[s], s:s*, s:o*}", "name", name, "idempotency_key", name,
                  "parameters", vg_trigger_filled(in, in->retraining->body), "tags", "pgvigil",
                  "work_queue_name", own->work_queue, "job_variables", variables);
    return vg_trigger_post(in, vg_trigger_url(in, arena, "/deployments/%s/create_flow_run", id),
                           body, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_deployment(const struct vg_response *response, struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, NULL, said);
    if (!body)
        return;
    vg_trigger_at(body, "id", said->memory, sizeof said->memory);
    json_decref(body);
    if (*said->memory)
        vg_trigger_more(said, START);
    else
        vg_trigger_refuse(said, VG_RETRY, "the deployment has no id");
}

/* The pages of a server stand beside its API; those of the cloud are elsewhere. */
static void put_page(const struct vg_trigger_in *in, struct vg_trigger_said *said)
{
    size_t n = strlen(in->url);
    while (n && in->url[n - 1] == '/')
        n--;
    if (n > 4 && !strncmp(in->url + n - 4, "/api", 4) && n + 80 < sizeof said->url &&
        strlen(said->id) < 60)
        snprintf(said->url, sizeof said->url, "%.*s/runs/flow-run/%s", (int)n - 4, in->url,
                 said->id);
}

static void take_run(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    if (*vg_trigger_at(body, "id", said->id, sizeof said->id))
        put_page(in, said);
    json_decref(body);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (took && !find_id(in))
        take_deployment(response, said);
    else if (took && vg_trigger_told(response, "id", NULL, said))
        take_run(in, response, said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return vg_trigger_get(in, vg_trigger_url(in, arena, "/flow_runs/%s", in->run->id), arena, out,
                          err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (vg_trigger_found(response, "the run", said))
        take_run(in, response, said);
}

const struct vg_trigger_ops vg_trigger_prefect = {
    .name = "prefect",
    .doc = "a flow run of Prefect 3",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .asks = START,
    .recalls = "(id of the deployment)",
    .follow = follow,
    .followed = followed,
};
