/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipelines of GitLab, started by a trigger token.
 *
 * Pure. GitLab has no key for such a request, and a trigger token may not read: so a second token,
 * which may read the API, looks for our key among the variables of the newest pipelines before one
 * is started, and follows it.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { LOOK, LOOK_INSIDE, START };
enum { CANDIDATES = 8, VARIABLES = 100 };
#define KEY_VARIABLE "PGVIGIL_ONSET_KEY"

struct settings {
    struct vg_trigger_settings base;
    const char *project, *ref;
};

static const struct vg_key keys[] = {
    VG_KEY_URL_OR("https://gitlab.com", "address of the server, without /api"),
    {"project", VG_VALUE_STRING, offsetof(struct settings, project), .required = true,
     .doc = "id of the project, or its path: group/name"},
    {"ref", VG_VALUE_STRING, offsetof(struct settings, ref), .fallback = "main",
     .doc = "branch or tag the pipeline is run on"},
    {"token_file", VG_VALUE_PATH, IN_SETTINGS(token_file), .required = true,
     .doc = "file that holds a pipeline trigger token"},
    {"api_token_file", VG_VALUE_PATH, IN_SETTINGS(password_file), .required = true,
     .doc = "file that holds an access token (scope read_api), to look for our pipeline"},
    VG_KEY_SECRET("token", "token_file"),
    VG_KEY_SECRET("api_token", "api_token_file"),
    VG_KEY_PARAMETERS("variables of the pipeline; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"gitlab", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"created", VG_RETRAIN_QUEUED},    {"waiting_for_resource", VG_RETRAIN_QUEUED},
    {"preparing", VG_RETRAIN_QUEUED},  {"pending", VG_RETRAIN_QUEUED},
    {"scheduled", VG_RETRAIN_QUEUED},  {"manual", VG_RETRAIN_QUEUED},
    {"running", VG_RETRAIN_RUNNING},   {"canceling", VG_RETRAIN_RUNNING},
    {"success", VG_RETRAIN_SUCCEEDED}, {"failed", VG_RETRAIN_FAILED},
    {"canceled", VG_RETRAIN_FAILED},   {"skipped", VG_RETRAIN_FAILED},
};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const char *text = retraining->settings->parameters.text;
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    size_t n = json_object_size(root);
    json_decref(root);
    *key = "parameters";
    return n < VARIABLES ? 0 : vg_fail(err, VG_E_CONFIG, "parameters: fewer than %d", VARIABLES);
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Neither token is one of Authorization: the reading one has a header of its own. */
static int read_api(const struct vg_trigger_in *in, const char *url, struct vg_arena *arena,
                    struct vg_request *out, struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    bare.token = bare.password = NULL;
    if (vg_trigger_get(&bare, url, arena, out, err) < 0)
        return -1;
    return vg_receiver_header(out, "PRIVATE-TOKEN", in->password ? in->password : "", arena, err);
}

static int start(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                 struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    struct vg_pair pairs[VARIABLES + 3];
    size_t n = 0;
    const char *key;
    json_t *value, *given = vg_trigger_parameters(in);
    bool bad = !given;
    bare.token = bare.password = NULL;
    pairs[n++] = (struct vg_pair){"token", in->token ? in->token : ""};
    pairs[n++] = (struct vg_pair){"ref", settings_of(in)->ref};
    pairs[n++] = (struct vg_pair){"variables[" KEY_VARIABLE "]", in->key};
    json_object_foreach(given, key, value)
    {
        const char *name = vg_arena_printf(arena, "variables[%s]", key);
        const char *plain = vg_trigger_plain(value, arena);
        bad = bad || !name || !plain || n == sizeof pairs / sizeof *pairs;
        if (!bad)
            pairs[n++] = (struct vg_pair){name, plain};
    }
    json_decref(given);
    if (bad)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const char *url =
        vg_trigger_url(in, arena, "/api/v4/projects/%s/trigger/pipeline", settings_of(in)->project);
    return vg_trigger_form(&bare, url, pairs, n, arena, out, err);
}

/* The pipelines still to be looked into are in memory: "12 11 10". */
static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    char since[VG_TIME_TEXT], id[40];
    if (in->step == START)
        return start(in, arena, out, err);
    if (in->step == LOOK_INSIDE) {
        snprintf(id, sizeof id, "%.*s", (int)strcspn(in->memory, " "), in->memory);
        return read_api(in,
                        vg_trigger_url(in, arena, "/api/v4/projects/%s/pipelines/%s/variables",
                                       own->project, id),
                        arena, out, err);
    }
    vg_format_time(in->onset->due_us, since);
    return read_api(in,
                    vg_trigger_url(in, arena,
                                   "/api/v4/projects/%s/pipelines?source=trigger&per_page=100"
                                   "&order_by=id&sort=desc&updated_after=%s",
                                   own->project, since),
                    arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_pipeline(const json_t *pipeline, struct vg_trigger_said *said)
{
    char status[40];
    said->state = vg_trigger_state(words, sizeof words / sizeof *words,
                                   vg_trigger_at(pipeline, "status", status, sizeof status));
    vg_trigger_at(pipeline, "id", said->id, sizeof said->id);
    vg_trigger_at(pipeline, "web_url", said->url, sizeof said->url);
    snprintf(said->why, sizeof said->why, "pipeline %.40s is %.40s", said->id, status);
}

/* So many pipelines cannot be looked through: rather none than two. */
static void take_list(const struct vg_response *response, struct vg_trigger_said *said)
{
    size_t i, length = 0;
    json_t *body = vg_trigger_look(response, "", said), *pipeline;
    if (!body)
        return;
    if (json_array_size(body) > CANDIDATES)
        vg_trigger_refuse(said, VG_RETRY,
                          "%zu pipelines were triggered since the onset: too many to look for ours",
                          json_array_size(body));
    else
        vg_trigger_more(said, json_array_size(body) ? LOOK_INSIDE : START);
    json_array_foreach(body, i, pipeline)
    {
        char id[40];
        if (said->more && *vg_trigger_at(pipeline, "id", id, sizeof id))
            length += (size_t)snprintf(said->memory + length, sizeof said->memory - length,
                                       length ? " %s" : "%s", id);
    }
    json_decref(body);
}

static bool holds_key(const json_t *variables, const char *key)
{
    size_t i;
    const json_t *variable;
    bool found = false;
    json_array_foreach(variables, i, variable)
    {
        const char *value = json_string_value(json_object_get(variable, "value"));
        found = found || (value && !strcmp(value, key));
    }
    return found;
}

static void take_variables(const struct vg_trigger_in *in, const struct vg_response *response,
                           struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, "", said);
    size_t n = strcspn(in->memory, " ");
    if (!body)
        return;
    if (holds_key(body, in->key)) {
        snprintf(said->id, sizeof said->id, "%.*s", (int)n, in->memory);
        snprintf(said->why, sizeof said->why, "pipeline %.40s was started for this onset before",
                 said->id);
    } else if (in->memory[n]) {
        snprintf(said->memory, sizeof said->memory, "%s", in->memory + n + 1);
        vg_trigger_more(said, LOOK_INSIDE);
    } else {
        vg_trigger_more(said, START);
    }
    json_decref(body);
}

static void take_started(const struct vg_response *response, struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_body(response);
    take_pipeline(body, said);
    json_decref(body);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (!vg_trigger_took(response, said))
        return;
    if (in->step == LOOK)
        take_list(response, said);
    else if (in->step == LOOK_INSIDE)
        take_variables(in, response, said);
    else
        take_started(response, said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return read_api(in,
                    vg_trigger_url(in, arena, "/api/v4/projects/%s/pipelines/%s",
                                   settings_of(in)->project, in->run->id),
                    arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    (void)in;
    if (vg_trigger_took(response, said))
        take_started(response, said);
}

const struct vg_trigger_ops vg_trigger_gitlab = {
    .name = "gitlab",
    .doc = "a pipeline of GitLab",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};
