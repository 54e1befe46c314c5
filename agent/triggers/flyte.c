/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executions of Flyte 1, under a name of our own, which Flyte takes once in a project and domain.
 *
 * Pure. 409 with AlreadyExists means that the execution is there; other conflicts pass. Names may
 * have 20 characters in old versions: ours holds 19 of the key's. Without a version of the launch
 * plan the active one is asked for first.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { FIND_PLAN, START, KEY_CHARS = 19 };

struct settings {
    struct vg_trigger_settings base;
    const char *project, *domain, *plan, *version;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of Flyte Admin's HTTP API, without /api"),
    {"project", VG_VALUE_STRING, offsetof(struct settings, project), .required = true,
     .doc = "id of the project"},
    {"domain", VG_VALUE_STRING, offsetof(struct settings, domain), .fallback = "production",
     .doc = "id of the domain"},
    {"launch_plan", VG_VALUE_STRING, offsetof(struct settings, plan), .required = true,
     .doc = "name of the launch plan, which is often that of the workflow"},
    {"version", VG_VALUE_STRING, offsetof(struct settings, version), .shown = "the active one",
     .doc = "version of the launch plan"},
    VG_KEYS_TOKEN("an OAuth access token"),
    VG_KEY_INPUTS("inputs of the launch plan; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"flyte", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"UNDEFINED", VG_RETRAIN_QUEUED},    {"QUEUED", VG_RETRAIN_QUEUED},
    {"RUNNING", VG_RETRAIN_RUNNING},     {"SUCCEEDING", VG_RETRAIN_RUNNING},
    {"FAILING", VG_RETRAIN_RUNNING},     {"ABORTING", VG_RETRAIN_RUNNING},
    {"SUCCEEDED", VG_RETRAIN_SUCCEEDED}, {"FAILED", VG_RETRAIN_FAILED},
    {"ABORTED", VG_RETRAIN_FAILED},      {"TIMED_OUT", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the execution", "closure/phase",
                                                  "closure/error/message", VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* What a name holds of the key, behind a letter. */
static const char *find_tail(const char *key)
{
    size_t n = strlen(key);
    return key + (n > KEY_CHARS ? n - KEY_CHARS : 0);
}

/* --- Inputs: each a literal of its own type --------------------------------------------------- */

static json_t *make_literal(const json_t *value)
{
    json_t *shared = json_incref((json_t *)(uintptr_t)value), *list, *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_pack("{s:{s:{s:o}}}", "scalar", "primitive", "string_value", shared);
    case JSON_INTEGER:
        return json_pack("{s:{s:{s:o}}}", "scalar", "primitive", "integer", shared);
    case JSON_REAL:
        return json_pack("{s:{s:{s:o}}}", "scalar", "primitive", "float_value", shared);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_pack("{s:{s:{s:o}}}", "scalar", "primitive", "boolean", shared);
    case JSON_OBJECT:
        return json_pack("{s:{s:o}}", "scalar", "generic", shared);
    case JSON_NULL:
        json_decref(shared);
        return json_pack("{s:{s:{}}}", "scalar", "none_type");
    case JSON_ARRAY:
        break;
    }
    list = json_array();
    json_array_foreach(shared, i, item)
    {
        json_t *literal = json_is_array(item) ? NULL : make_literal(item); /* one level is all */
        if (json_array_append_new(list, literal)) {
            json_decref(list);
            list = NULL;
            break;
        }
    }
    json_decref(shared);
    return json_pack("{s:{s:o}}", "collection", "literals", list);
}

static json_t *make_inputs(const struct vg_trigger_in *in)
{
    const char *key;
    json_t *value, *given = vg_trigger_filled(in, in->retraining->body), *literals = json_object();
    int bad = !given;
    json_object_foreach(given, key, value)
    {
        bad = bad || json_object_set_new(literals, key, make_literal(value));
    }
    json_decref(given);
    return vg_receiver_made(literals, bad);
}

/* --- Requests --------------------------------------------------------------------------------- */

static const char *find_version(const struct vg_trigger_in *in)
{
    const char *version = settings_of(in)->version;
    return version ? version : in->memory;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    json_t *root = json_loads(retraining->body ? retraining->body : "{}", 0, NULL), *value, *item;
    const char *name;
    size_t i;
    bool bad = false;
    *key = "parameters";
    json_object_foreach(root, name, value)
    {
        json_array_foreach(value, i, item)
        {
            bad = bad || json_is_array(item);
        }
    }
    json_decref(root);
    return bad ? vg_fail(err, VG_E_CONFIG, "parameters: lists of lists are no inputs here") : 0;
}

static json_t *make_execution(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const struct settings *own = settings_of(in);
    return json_pack("{s:s, s:s, s:s, s:{s:{s:s, s:s, s:s, s:s, s:s}, s:{s:s}}, s:{s:o}}",
                     "project", own->project, "domain", own->domain, "name",
                     vg_arena_printf(arena, "r%s", find_tail(in->key)), "spec", "launch_plan",
                     "resource_type", "LAUNCH_PLAN", "project", own->project, "domain", own->domain,
                     "name", own->plan, "version", find_version(in), "metadata", "mode", "MANUAL",
                     "inputs", "literals", make_inputs(in));
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    if (!find_version(in))
        return vg_trigger_get(in,
                              vg_trigger_url(in, arena, "/api/v1/active_launch_plans/%s/%s/%s",
                                             own->project, own->domain, own->plan),
                              arena, out, err);
    return vg_trigger_post(in, vg_trigger_url(in, arena, "/api/v1/executions"),
                           make_execution(in, arena), arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_plan(const struct vg_response *response, struct vg_trigger_said *said)
{
    char version[200];
    json_t *body = vg_trigger_look(response, NULL, said);
    if (!body)
        return;
    vg_trigger_at(body, "id/version", version, sizeof version);
    json_decref(body);
    if (!*version) {
        vg_trigger_refuse(said, VG_PERMANENT, "no version of the launch plan is active");
        return;
    }
    snprintf(said->memory, sizeof said->memory, "%s", version);
    vg_trigger_more(said, START);
}

static void take_name(const struct vg_trigger_in *in, struct vg_trigger_said *said)
{
    const struct settings *own = settings_of(in);
    snprintf(said->id, sizeof said->id, "r%s", find_tail(in->key));
    vg_trigger_page(said, in->url, "/console/projects/%s/domains/%s/executions/%s", own->project,
                    own->domain, said->id);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (find_version(in)) {
        if (vg_trigger_made(response, said) &&
            vg_trigger_told(response, "id/name", find_tail(in->key), said))
            take_name(in, said);
    } else if (vg_trigger_took(response, said)) {
        take_plan(response, said);
    }
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    return vg_trigger_get(in,
                          vg_trigger_url(in, arena, "/api/v1/executions/%s/%s/%s", own->project,
                                         own->domain, in->run->id),
                          arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    (void)in;
    if (!vg_trigger_took(response, said))
        return;
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    json_decref(body);
}

const struct vg_trigger_ops vg_trigger_flyte = {
    .name = "flyte",
    .doc = "an execution of Flyte 1",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .asks = START,
    .recalls = "(active version)",
    .follow = follow,
    .followed = followed,
};
