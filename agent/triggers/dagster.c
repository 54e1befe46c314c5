/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of a job of Dagster, by GraphQL.
 *
 * Pure. The status is always 200: __typename of the result says what happened. There is no key:
 * runs with our tag are asked for before one is launched. What the server calls a PythonError is a
 * fault of its own, perhaps after the run was made: asked again, which looks for that run first.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { LOOK, LAUNCH };
#define TAG "pgvigil/onset_key"

struct settings {
    struct vg_trigger_settings base;
    const char *job, *repository, *location;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the webserver, without /graphql; in Dagster+ with the deployment"),
    {"job", VG_VALUE_STRING, offsetof(struct settings, job), .required = true,
     .doc = "name of the job that retrains the model"},
    {"repository", VG_VALUE_STRING, offsetof(struct settings, repository),
     .fallback = "__repository__", .doc = "repository of the job"},
    {"location", VG_VALUE_STRING, offsetof(struct settings, location), .required = true,
     .doc = "code location of the job"},
    VG_KEYS_TOKEN("a token of Dagster+, for the header Dagster-Cloud-Api-Token"),
    VG_KEYS_USER("or a name for Authorization: Basic, where a proxy asks for it"),
    VG_KEY_INPUTS("run config of the job; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"dagster", VG_KEYS(keys)};

static const char query_runs[] =
    "query($key: String!) { runsOrError(filter: {tags: [{key: \"" TAG "\", value: $key}]}, limit: "
    "1) { __typename ... on Runs { results { runId status } } ... on Error { message } } }";
static const char query_launch[] =
    "mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename ... on "
    "LaunchRunSuccess { run { runId status } } ... on RunConfigValidationInvalid { errors { "
    "message "
    "} } ... on Error { message } } }";
static const char query_run[] = "query($id: ID!) { runOrError(runId: $id) { __typename ... on Run "
                                "{ runId status } ... on Error "
                                "{ message } } }";

static const struct vg_trigger_word words[] = {
    {"QUEUED", VG_RETRAIN_QUEUED},     {"NOT_STARTED", VG_RETRAIN_QUEUED},
    {"MANAGED", VG_RETRAIN_QUEUED},    {"STARTING", VG_RETRAIN_QUEUED},
    {"STARTED", VG_RETRAIN_RUNNING},   {"CANCELING", VG_RETRAIN_RUNNING},
    {"SUCCESS", VG_RETRAIN_SUCCEEDED}, {"FAILURE", VG_RETRAIN_FAILED},
    {"CANCELED", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the run", "status", NULL, VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* --- Requests --------------------------------------------------------------------------------- */

static int post_query(const struct vg_trigger_in *in, const char *query, json_t *variables,
                      struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    bare.token = NULL;
    if (vg_trigger_post(&bare, vg_trigger_url(in, arena, "/graphql"),
                        json_pack("{s:s, s:o}", "query", query, "variables", variables), arena, out,
                        err) < 0)
        return -1;
    return in->token ? vg_receiver_header(out, "Dagster-Cloud-Api-Token", in->token, arena, err)
                     : 0;
}

static json_t *make_params(const struct vg_trigger_in *in)
{
    const struct settings *own = settings_of(in);
    return json_pack("{s:{s:{s:s, s:s, s:s}, s:o, s:{s:[{s:s, s:s}, {s:s, s:s}]}}}", "params",
                     "selector", "jobName", own->job, "repositoryName", own->repository,
                     "repositoryLocationName", own->location, "runConfigData",
                     vg_trigger_filled(in, in->retraining->body), "executionMetadata", "tags",
                     "key", TAG, "value", in->key, "key", "pgvigil/model", "value",
                     in->onset->model);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    if (in->step == LOOK)
        return post_query(in, query_runs, json_pack("{s:s}", "key", in->key), arena, out, err);
    return post_query(in, query_launch, make_params(in), arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_run(const struct vg_trigger_in *in, const json_t *run,
                     struct vg_trigger_said *said)
{
    vg_trigger_tell(&telling, run, said);
    if (*vg_trigger_at(run, "runId", said->id, sizeof said->id))
        vg_trigger_page(said, in->url, "/runs/%s", said->id);
}

/* Whether the query itself is refused: such an error has a place in the query, and, as nothing was
 * executed, no path in the result. All other errors without a type pass: code that is just being
 * loaded, a daemon that is away. */
static bool is_invalid(const json_t *body)
{
    const json_t *error = json_array_get(json_object_get(body, "errors"), 0);
    return json_is_array(json_object_get(error, "locations")) &&
           !json_is_array(json_object_get(error, "path")) &&
           !json_object_size(json_object_get(body, "data"));
}

/* Neither what was asked for, nor a fault that may pass, is refused for good. */
static void refuse(const json_t *body, const json_t *result, struct vg_trigger_said *said)
{
    char type[60], message[100];
    vg_trigger_at(result, "__typename", type, sizeof type);
    if (!*vg_trigger_at(result, "message", message, sizeof message) &&
        !*vg_trigger_at(result, "errors/0/message", message, sizeof message))
        vg_trigger_at(body, "errors/0/message", message, sizeof message);
    bool passing =
        *type ? !strcmp(type, "PythonError") || !strcmp(type, "RunConflict") : !is_invalid(body);
    vg_trigger_refuse(said, passing ? VG_RETRY : VG_PERMANENT, "%s: %s", *type ? type : "GraphQL",
                      *message ? message : "no result");
}

/* Errors of resolvers come with 400, too. */
static bool took_query(const struct vg_response *response, struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (response->status == 400 && strstr(response->body, "\"errors\"")) {
        said->outcome = VG_DELIVERED;
        took = true;
    }
    return took;
}

/* The result of the one field that was asked for, where it is of this type. */
static void take_result(const struct vg_trigger_in *in, const struct vg_response *response,
                        const char *field, const char *type, struct vg_trigger_said *said)
{
    char is[60];
    json_t *body = vg_trigger_body(response);
    const json_t *result = json_object_get(json_object_get(body, "data"), field);
    const json_t *run = result;
    if (!strcmp(type, "Runs"))
        run = json_array_get(json_object_get(result, "results"), 0);
    else if (!strcmp(type, "LaunchRunSuccess"))
        run = json_object_get(result, "run");
    if (strcmp(vg_trigger_at(result, "__typename", is, sizeof is), type) != 0)
        refuse(body, result, said);
    else if (run)
        take_run(in, run, said);
    else if (strcmp(type, "Runs") || !response->whole ||
             !json_is_array(json_object_get(result, "results")))
        vg_trigger_refuse(said, VG_RETRY, "an answer of Dagster has no run");
    else
        vg_trigger_more(said, LAUNCH);
    json_decref(body);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (!took_query(response, said))
        return;
    if (in->step == LOOK)
        take_result(in, response, "runsOrError", "Runs", said);
    else
        take_result(in, response, "launchRun", "LaunchRunSuccess", said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return post_query(in, query_run, json_pack("{s:s}", "id", in->run->id), arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (!took_query(response, said))
        return;
    take_result(in, response, "runOrError", "Run", said);
    if (!strncmp(said->why, "RunNotFoundError", 16)) {
        said->outcome = VG_DELIVERED;
        said->state = VG_RETRAIN_LOST;
    }
}

const struct vg_trigger_ops vg_trigger_dagster = {
    .name = "dagster",
    .doc = "a run of Dagster",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .asks = LAUNCH,
    .posts_before = true,
    .follow = follow,
    .followed = followed,
};
