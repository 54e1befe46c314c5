/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipelines of GitLab, started by a trigger token.
 *
 * Pure. GitLab has no key for such a request, and a trigger token may not read: so a second token,
 * which may read the API, looks for our key among the variables of every pipeline that was
 * triggered since ours was first asked for, before one is started, and follows it.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { LOOK, START, LOOK_INSIDE };
enum { PAGE = 50, MOST = 100, VARIABLES = 100 };
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
    {"created", VG_RETRAIN_QUEUED},
    {"waiting_for_resource", VG_RETRAIN_QUEUED},
    {"preparing", VG_RETRAIN_QUEUED},
    {"pending", VG_RETRAIN_QUEUED},
    {"scheduled", VG_RETRAIN_QUEUED},
    {"manual", VG_RETRAIN_QUEUED},
    {"running", VG_RETRAIN_RUNNING},
    {"canceling", VG_RETRAIN_RUNNING},
    {"success", VG_RETRAIN_SUCCEEDED},
    {"failed", VG_RETRAIN_FAILED},
    {"canceled", VG_RETRAIN_FAILED},
    {"skipped", VG_RETRAIN_FAILED},
    {"waiting_for_callback", VG_RETRAIN_QUEUED},
};
static const struct vg_trigger_telling telling = {"the pipeline", "status", NULL, VG_WORDS(words)};

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
    enum { OURS = 3 };
    struct vg_trigger_in bare = *in;
    struct vg_pair *pairs;
    size_t n;
    int bad = vg_trigger_texts(vg_trigger_parameters(in), OURS, arena, &pairs, &n);
    for (size_t i = OURS; !bad && i < n; i++) {
        pairs[i].key = vg_arena_printf(arena, "variables[%s]", pairs[i].key);
        bad = !pairs[i].key;
    }
    if (bad)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    pairs[0] = (struct vg_pair){"token", in->token ? in->token : ""};
    pairs[1] = (struct vg_pair){"ref", settings_of(in)->ref};
    pairs[2] = (struct vg_pair){"variables[" KEY_VARIABLE "]", in->key};
    bare.token = bare.password = NULL;
    const char *url =
        vg_trigger_url(in, arena, "/api/v4/projects/%s/trigger/pipeline", settings_of(in)->project);
    return vg_trigger_form(&bare, url, pairs, n, arena, out, err);
}

/* memory: the pipelines to be looked into, "12 11 10 ". */
static size_t count_ids(const char *memory)
{
    size_t n = 0;
    for (const char *p = memory; p && (p = strchr(p, ' ')); p++)
        n++;
    return n;
}

/* The newest first, so that what is triggered meanwhile moves none to a page that was seen. The
 * server's clock may be an hour behind, and old servers do not know created_after. */
static int look(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                struct vg_error *err)
{
    char since[VG_TIME_TEXT], page[24];
    snprintf(page, sizeof page, "%zu", count_ids(in->memory) / PAGE + 1);
    vg_format_time(in->asked_us - VG_HOUR_US, since);
    return read_api(in,
                    vg_trigger_url(in, arena,
                                   "/api/v4/projects/%s/pipelines?source=trigger&per_page=50"
                                   "&page=%s&order_by=id&sort=desc&updated_after=%s"
                                   "&created_after=%s",
                                   settings_of(in)->project, page, since, since),
                    arena, out, err);
}

static int look_inside(const struct vg_trigger_in *in, struct vg_arena *arena,
                       struct vg_request *out, struct vg_error *err)
{
    const char *id = vg_arena_strndup(arena, in->memory, strcspn(in->memory, " "));
    return read_api(in,
                    id ? vg_trigger_url(in, arena,
                                        "/api/v4/projects/%s/pipelines/%s/variables?per_page=100",
                                        settings_of(in)->project, id)
                       : NULL,
                    arena, out, err);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    if (in->step == START)
        return start(in, arena, out, err);
    return in->step == LOOK_INSIDE && in->memory ? look_inside(in, arena, out, err)
                                                 : look(in, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* False where one of them has no id: it could be ours. */
static bool keep_ids(const json_t *list, const char *before, char *out, size_t size)
{
    size_t i, n = (size_t)snprintf(out, size, "%s", before ? before : "");
    const json_t *pipeline;
    json_array_foreach(list, i, pipeline)
    {
        const json_t *id = json_object_get(pipeline, "id");
        if (!json_is_integer(id) || n + 24 > size)
            return false;
        n += (size_t)snprintf(out + n, size - n, "%" JSON_INTEGER_FORMAT " ",
                              json_integer_value(id));
    }
    return true;
}

/* So many pipelines cannot be looked through: rather none than two. */
static void take_list(const struct vg_trigger_in *in, const struct vg_response *response,
                      struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, "", said);
    if (!body)
        return;
    bool full = json_array_size(body) >= PAGE;
    if (!keep_ids(body, in->memory, said->memory, sizeof said->memory))
        vg_trigger_refuse(said, VG_RETRY, "the list of pipelines cannot be read");
    else if (full && count_ids(said->memory) >= MOST)
        vg_trigger_refuse(said, VG_RETRY,
                          "%d pipelines were triggered since the request: too many to look for "
                          "ours",
                          MOST);
    else
        vg_trigger_more(said, full ? LOOK : *said->memory ? LOOK_INSIDE : START);
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

/* Of a pipeline that was deleted meanwhile there are none. */
static void take_variables(const struct vg_trigger_in *in, const struct vg_response *response,
                           struct vg_trigger_said *said)
{
    const char *rest = strchr(in->memory, ' ') + 1;
    bool gone = response->status == 404;
    json_t *body = gone ? NULL : vg_trigger_look(response, "", said);
    if (holds_key(body, in->key)) {
        snprintf(said->id, sizeof said->id, "%.*s", (int)(rest - in->memory - 1), in->memory);
        snprintf(said->why, sizeof said->why, "pipeline %.40s was started for this onset before",
                 said->id);
    } else if (gone || body) {
        snprintf(said->memory, sizeof said->memory, "%s", rest);
        vg_trigger_more(said, *rest ? LOOK_INSIDE : START);
    }
    json_decref(body);
}

static void take_pipeline(const struct vg_response *response, struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    vg_trigger_at(body, "id", said->id, sizeof said->id);
    vg_trigger_at(body, "web_url", said->url, sizeof said->url);
    json_decref(body);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (in->step == LOOK_INSIDE && (took || response->status == 404))
        take_variables(in, response, said);
    else if (took && in->step == LOOK)
        take_list(in, response, said);
    else if (took && vg_trigger_told(response, "id", NULL, said))
        take_pipeline(response, said);
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
        take_pipeline(response, said);
}

const struct vg_trigger_ops vg_trigger_gitlab = {
    .name = "gitlab",
    .doc = "a pipeline of GitLab",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .asks = START,
    .follow = follow,
    .followed = followed,
};
