/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameterized builds of Jenkins.
 *
 * Pure. Jenkins answers 201 and names an item of its queue; the build comes later, and the item is
 * forgotten minutes after that. Our key is a parameter of the build, by which it is looked for in
 * the queue and among the builds since it was first asked for, before another is asked for.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/triggers/keys.h"

enum { LOOK_AT_QUEUE, LOOK_AT_BUILDS, BUILD };
/* Ten of them, with their parameters, fit into what is kept of an answer. Jenkins lists the newest
 * 100 builds. */
enum { PAGE = 10, BUILDS_MOST = 100, ITEMS_MOST = 300, PARTS = 20 };
#define KEY_PARAMETER "PGVIGIL_ONSET_KEY"
#define ACTIONS       "actions%5Bparameters%5Bname,value%5D%5D"

struct settings {
    struct vg_trigger_settings base;
    const char *job;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of Jenkins"),
    {"job", VG_VALUE_STRING, offsetof(struct settings, job), .required = true,
     .doc = "name of the job; folders before it: ml/retrain"},
    {"user", VG_VALUE_STRING, IN_SETTINGS(user), .required = true, .doc = "name of a user"},
    {"token_file", VG_VALUE_PATH, IN_SETTINGS(password_file), .required = true,
     .doc = "file that holds an API token of that user"},
    VG_KEY_SECRET("token", "token_file"),
    VG_KEY_SECRET("password", "token_file"),
    VG_KEY_PARAMETERS("parameters of the build; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"jenkins", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"SUCCESS", VG_RETRAIN_SUCCEEDED}, {"UNSTABLE", VG_RETRAIN_FAILED},
    {"FAILURE", VG_RETRAIN_FAILED},    {"ABORTED", VG_RETRAIN_FAILED},
    {"NOT_BUILT", VG_RETRAIN_FAILED},
};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* ml/retrain -> <url>/job/ml/job/retrain<rest>, with `word` for its %s */
static const char *find_url(const struct vg_trigger_in *in, struct vg_arena *arena,
                            const char *rest, const char *word)
{
    struct vg_trigger_in at = *in;
    const char *job = settings_of(in)->job;
    for (int i = 0; i < PARTS && job && *job; i++) {
        size_t n = strcspn(job, "/");
        char *part = vg_arena_strndup(arena, job, n);
        at.url = part ? vg_trigger_url(&at, arena, "/job/%s", part) : NULL;
        job = at.url ? job + n + (job[n] == '/') : NULL;
    }
    return job ? vg_trigger_url(&at, arena, rest, word) : NULL;
}

/* memory: how many of a list have been seen, "builds 20". */
static size_t count_seen(const struct vg_trigger_in *in, const char *list)
{
    size_t n = strlen(list);
    bool begun = in->memory && !strncmp(in->memory, list, n);
    return begun ? (size_t)strtoul(in->memory + n, NULL, 10) : 0;
}

/* What of a list is asked for: from, and up to. */
static const char *make_range(const struct vg_trigger_in *in, const char *list,
                              struct vg_arena *arena)
{
    size_t seen = count_seen(in, list);
    return vg_arena_printf(arena, "%zu,%zu", seen, seen + PAGE);
}

static int look_at_queue(const struct vg_trigger_in *in, struct vg_arena *arena,
                         struct vg_request *out, struct vg_error *err)
{
    return vg_trigger_get(
        in,
        vg_trigger_url(in, arena, "/queue/api/json?tree=items%5Bid,url," ACTIONS "%5D%7B%s%7D",
                       make_range(in, "items", arena)),
        arena, out, err);
}

static int look_at_builds(const struct vg_trigger_in *in, struct vg_arena *arena,
                          struct vg_request *out, struct vg_error *err)
{
    return vg_trigger_get(
        in,
        find_url(in, arena,
                 "/api/json?tree=builds%5Bnumber,url,building,result,timestamp," ACTIONS
                 "%5D%7B%s%7D",
                 make_range(in, "builds", arena)),
        arena, out, err);
}

static int build(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                 struct vg_error *err)
{
    struct vg_pair *pairs;
    size_t n;
    if (vg_trigger_texts(vg_trigger_parameters(in), 1, arena, &pairs, &n) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    pairs[0] = (struct vg_pair){KEY_PARAMETER, in->key};
    return vg_trigger_form(in, find_url(in, arena, "/buildWithParameters?delay=0sec", NULL), pairs,
                           n, arena, out, err);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    if (in->step == BUILD)
        return build(in, arena, out, err);
    return in->step == LOOK_AT_BUILDS ? look_at_builds(in, arena, out, err)
                                      : look_at_queue(in, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static bool has_value(const json_t *action, const char *key)
{
    size_t i;
    const json_t *parameter;
    bool found = false;
    json_array_foreach(json_object_get(action, "parameters"), i, parameter)
    {
        const char *value = json_string_value(json_object_get(parameter, "value"));
        found = found || (value && !strcmp(value, key));
    }
    return found;
}

/* The item or build that has our key among its parameters, or NULL. */
static const json_t *find_ours(const json_t *list, const char *key)
{
    size_t i, k;
    const json_t *item, *action, *found = NULL;
    json_array_foreach(list, i, item)
    {
        json_array_foreach(json_object_get(item, "actions"), k, action)
        {
            found = !found && has_value(action, key) ? item : found;
        }
    }
    return found;
}

/* Numbers alone make an id. What has none is no answer: what is known of the run stays. */
static bool put_id(const char *what, const json_t *number, struct vg_trigger_said *said)
{
    if (json_is_integer(number))
        snprintf(said->id, sizeof said->id, "%s/%" JSON_INTEGER_FORMAT, what,
                 json_integer_value(number));
    else
        vg_trigger_refuse(said, VG_RETRY, "an answer of Jenkins has no number of the %s", what);
    return json_is_integer(number);
}

static void take_build(const json_t *item, struct vg_trigger_said *said)
{
    char result[40];
    if (!put_id("build", json_object_get(item, "number"), said))
        return;
    vg_trigger_at(item, "result", result, sizeof result);
    bool building = json_is_true(json_object_get(item, "building")) || !*result;
    said->state = building ? VG_RETRAIN_RUNNING
                           : vg_trigger_state(words, sizeof words / sizeof *words, result);
    vg_trigger_at(item, "url", said->url, sizeof said->url);
    snprintf(said->why, sizeof said->why, "%.40s: %s", said->id, building ? "building" : result);
}

static void take_item(struct vg_trigger_said *said)
{
    said->state = VG_RETRAIN_QUEUED;
    snprintf(said->why, sizeof said->why, "item %.30s of the queue", said->id + strlen("queue/"));
}

/* Whether ours may be on the next part of the list, which is asked for then. Where that is too long
 * to be looked through: rather none than two. */
static bool go_on(const struct vg_trigger_in *in, const char *list, const json_t *part, size_t most,
                  struct vg_trigger_said *said)
{
    size_t n = json_array_size(part), seen = count_seen(in, list) + n;
    const json_t *oldest = json_object_get(json_array_get(part, n - 1), "timestamp"); /* in ms */
    int64_t since_us = in->asked_us - VG_HOUR_US; /* by a clock that may be an hour behind */
    if (n < PAGE || (oldest && json_integer_value(oldest) < since_us / 1000))
        return false;
    vg_trigger_more(said, in->step);
    snprintf(said->memory, sizeof said->memory, "%s %zu", list, seen);
    if (seen >= most)
        vg_trigger_refuse(said, VG_RETRY, "%zu %s and more: too many to look for ours", most, list);
    return true;
}

static void take_queue(const struct vg_trigger_in *in, const struct vg_response *response,
                       struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, "items", said);
    const json_t *items = json_object_get(body, "items"), *ours = find_ours(items, in->key);
    if (ours && put_id("queue", json_object_get(ours, "id"), said))
        take_item(said);
    else if (body && !ours && !go_on(in, "items", items, ITEMS_MOST, said))
        vg_trigger_more(said, LOOK_AT_BUILDS);
    json_decref(body);
}

/* False where there is none; true also where that is not known yet. */
static bool take_builds(const struct vg_trigger_in *in, const struct vg_response *response,
                        struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, "builds", said);
    const json_t *builds = json_object_get(body, "builds"), *ours = find_ours(builds, in->key);
    if (ours)
        take_build(ours, said);
    bool none = body && !ours && !go_on(in, "builds", builds, BUILDS_MOST, said);
    json_decref(body);
    return !none;
}

/* Only the number of the item is taken: the host in the address may be another name of Jenkins. */
static void take_queued(const struct vg_response *response, struct vg_trigger_said *said)
{
    const char *item = strstr(response->location, "/queue/item/");
    char id[32] = "";
    if (item)
        snprintf(id, sizeof id, "%.*s", (int)strspn(item + 12, "0123456789"), item + 12);
    if (response->status >= 300 && response->status < 400) {
        vg_trigger_refuse(said, VG_PERMANENT, "status %d: Jenkins has not queued a build",
                          response->status);
    } else if (vg_trigger_took(response, said) && *id) {
        snprintf(said->id, sizeof said->id, "queue/%s", id);
        take_item(said);
    } else if (said->outcome == VG_DELIVERED && response->status != 201) {
        vg_trigger_told(response, "id", NULL, said); /* 201 is what Jenkins says of a build */
    }
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (in->step == BUILD)
        take_queued(response, said);
    else if (!vg_trigger_took(response, said))
        return;
    else if (in->step == LOOK_AT_QUEUE)
        take_queue(in, response, said);
    else if (!take_builds(in, response, said))
        vg_trigger_more(said, BUILD);
}

/* --- What became of it: an item, then a build ------------------------------------------------- */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const char *slash = strchr(in->run->id, '/'), *number = slash ? slash + 1 : "";
    if (in->step == LOOK_AT_BUILDS)
        return look_at_builds(in, arena, out, err);
    if (!strncmp(in->run->id, "queue/", 6))
        return vg_trigger_get(in, vg_trigger_url(in, arena, "/queue/item/%s/api/json", number),
                              arena, out, err);
    return vg_trigger_get(
        in, find_url(in, arena, "/%s/api/json?tree=number,url,building,result", number), arena, out,
        err);
}

static void take_executable(const json_t *body, struct vg_trigger_said *said)
{
    char why[120];
    const json_t *executable = json_object_get(body, "executable");
    if (json_is_true(json_object_get(body, "cancelled"))) {
        said->state = VG_RETRAIN_FAILED;
        snprintf(said->why, sizeof said->why, "it was cancelled in the queue");
    } else if (json_is_object(executable)) {
        if (!put_id("build", json_object_get(executable, "number"), said))
            return;
        said->state = VG_RETRAIN_RUNNING;
        vg_trigger_at(executable, "url", said->url, sizeof said->url);
        snprintf(said->why, sizeof said->why, "%.40s", said->id);
    } else {
        said->state = VG_RETRAIN_QUEUED;
        snprintf(said->why, sizeof said->why, "it waits: %s",
                 vg_trigger_at(body, "why", why, sizeof why));
    }
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    bool queued = !strncmp(in->run->id, "queue/", 6);
    if (in->step == LOOK_AT_BUILDS) {
        if (vg_trigger_took(response, said) && !take_builds(in, response, said))
            snprintf(said->why, sizeof said->why, "neither the queue nor a build has our key");
        return;
    }
    if (queued && response->status == 404) {
        vg_trigger_more(said, LOOK_AT_BUILDS); /* the queue has forgotten the item */
        return;
    }
    if (!vg_trigger_took(response, said))
        return;
    json_t *body = vg_trigger_look(response, NULL, said);
    if (!body)
        return;
    if (queued)
        take_executable(body, said);
    else
        take_build(body, said);
    json_decref(body);
}

const struct vg_trigger_ops vg_trigger_jenkins = {
    .name = "jenkins",
    .doc = "a build of Jenkins with parameters",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .asks = BUILD,
    .follow = follow,
    .followed = followed,
};
