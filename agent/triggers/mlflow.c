/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drift told to MLflow: its figures as metrics of a run, and a tag on the version of the model that
 * an alias names. It trains nothing by itself; what watches the tag does.
 *
 * Pure. Metrics that are logged twice are points twice: so a run carries our key as a tag, is
 * looked for before one is created, and its metrics are all one batch whose tag says that it is
 * whole. Their time and step are the onset's, so that a batch of which a part was stored before is
 * the same points again.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"
#include "pgvigil/text.h"

enum { FIND_EXPERIMENT, FIND_RUN, CREATE_RUN, LOG, FIND_VERSION, TAG_VERSION };
enum { NAME_CHARS = 250, VALUE_CHARS = 500 };
#define KEY_TAG   "pgvigil.onset_key"
#define BATCH_TAG "pgvigil.batch"
#define DRIFT_TAG "pgvigil.drift"

struct settings {
    struct vg_trigger_settings base;
    const char *experiment, *name, *alias;
};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the tracking server"),
    {"experiment", VG_VALUE_STRING, offsetof(struct settings, experiment), .required = true,
     .doc = "name of the experiment that runs are created in"},
    {"registered_model", VG_VALUE_STRING, offsetof(struct settings, name),
     .doc = "name of the registered model a version of which is tagged"},
    {"alias", VG_VALUE_STRING, offsetof(struct settings, alias), .fallback = "champion",
     .doc = "alias of that version"},
    VG_KEYS_TOKEN("a token of Authorization: Bearer"),
    VG_KEYS_USER("or a name for Authorization: Basic"),
    VG_KEY_PARAMETERS("tags of the run; {{model}} and its like are replaced in texts"),
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"mlflow", VG_KEYS(keys)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* --- Words of MLflow -------------------------------------------------------------------------- */

/* A name of at most 250 of the characters that MLflow takes. In arena. */
static const char *make_name(const char *prefix, const char *text, const char *suffix,
                             struct vg_arena *arena)
{
    char *name = vg_arena_printf(arena, "%s%s%s", prefix, text ? text : "", suffix);
    for (char *p = name; p && *p; p++) {
        bool fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("_.-/ ", *p);
        *p = fine ? *p : '_';
    }
    if (name && strlen(name) > NAME_CHARS)
        name[NAME_CHARS] = '\0';
    return name;
}

static json_t *make_number(double x)
{
    if (isfinite(x))
        return json_real(x);
    return json_string(isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
}

static int add_metric(json_t *metrics, const struct vg_trigger_in *in, const char *what, double x,
                      struct vg_arena *arena)
{
    const struct vg_onset *onset = in->onset;
    const char *rule = vg_arena_printf(arena, "%s/%s", onset->dataset, onset->rule);
    const char *suffix = vg_arena_printf(arena, "/%s", what);
    const char *name = rule && suffix ? make_name("drift/", rule, suffix, arena) : NULL;
    return json_array_append_new(metrics, json_pack("{s:s, s:o, s:I, s:i}", "key", name ? name : "",
                                                    "value", make_number(x), "timestamp",
                                                    (json_int_t)(onset->due_us / 1000), "step", 0));
}

static json_t *make_tag(const char *key, const char *value)
{
    size_t n = vg_utf8_prefix(value, strlen(value), VALUE_CHARS);
    return json_pack("{s:s, s:s%}", "key", key, "value", value, n);
}

/* The user's parameters, or all that is known, as tags; ours among them. */
static json_t *make_tags(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    struct vg_pair *given;
    size_t n;
    json_t *tags = json_array();
    int bad = json_array_append_new(tags, make_tag(KEY_TAG, in->key)) ||
              vg_trigger_texts(vg_trigger_parameters(in), 0, arena, &given, &n);
    for (size_t i = 0; !bad && i < n; i++) {
        const char *name = make_name("pgvigil.", given[i].key, "", arena);
        bad = !name;
        if (name && strcmp(name, KEY_TAG) != 0)
            bad = json_array_append_new(tags, make_tag(name, given[i].value));
    }
    return vg_receiver_made(tags, bad);
}

/* --- Requests --------------------------------------------------------------------------------- */

/* memory: the experiment's id, later the run's, later the version. */
static json_t *make_search(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    char *filter = vg_arena_printf(arena, "tags.\"" KEY_TAG "\" = '%s'", in->key);
    return json_pack("{s:[s], s:s, s:i}", "experiment_ids", in->memory, "filter",
                     filter ? filter : "", "max_results", 1);
}

static json_t *make_run(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    return json_pack("{s:s, s:s, s:I, s:o}", "experiment_id", in->memory, "run_name",
                     vg_trigger_name(in, arena), "start_time",
                     (json_int_t)(in->onset->due_us / 1000), "tags", make_tags(in, arena));
}

static json_t *make_batch(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    json_t *metrics = json_array();
    if (add_metric(metrics, in, "value", in->onset->value, arena) ||
        add_metric(metrics, in, "limit", in->onset->limit, arena) ||
        add_metric(metrics, in, "rows", (double)in->onset->rows, arena)) {
        json_decref(metrics);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[o]}", "run_id", in->memory, "metrics", metrics, "tags",
                     make_tag(BATCH_TAG, in->key));
}

static json_t *make_mark(const struct vg_trigger_in *in)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", settings_of(in)->name, "version", in->memory,
                     "key", DRIFT_TAG, "value", in->key);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    static const char *const paths[] = {
        [FIND_RUN] = "/api/2.0/mlflow/runs/search",
        [CREATE_RUN] = "/api/2.0/mlflow/runs/create",
        [LOG] = "/api/2.0/mlflow/runs/log-batch",
        [TAG_VERSION] = "/api/2.0/mlflow/model-versions/set-tag",
    };
    const struct settings *own = settings_of(in);
    if (in->step == FIND_EXPERIMENT)
        return vg_trigger_get(
            in,
            vg_trigger_url(in, arena, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=%s",
                           own->experiment),
            arena, out, err);
    if (in->step == FIND_VERSION)
        return vg_trigger_get(
            in,
            vg_trigger_url(in, arena, "/api/2.0/mlflow/registered-models/alias?name=%s&alias=%s",
                           own->name, own->alias),
            arena, out, err);
    json_t *body = in->step == FIND_RUN     ? make_search(in, arena)
                   : in->step == CREATE_RUN ? make_run(in, arena)
                   : in->step == LOG        ? make_batch(in, arena)
                                            : make_mark(in);
    return vg_trigger_post(in, vg_trigger_url(in, arena, paths[in->step]), body, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void go_on(const json_t *body, const char *path, int step, struct vg_trigger_said *said)
{
    if (*vg_trigger_at(body, path, said->memory, sizeof said->memory))
        vg_trigger_more(said, step);
    else
        vg_trigger_refuse(said, VG_RETRY, "an answer of MLflow has no %s", path);
}

static bool has_tag(const json_t *run, const char *key, const char *value)
{
    size_t i;
    char found[80];
    const json_t *tag;
    bool has = false;
    json_array_foreach(json_object_get(json_object_get(run, "data"), "tags"), i, tag)
    {
        has = has || (!strcmp(vg_trigger_at(tag, "key", found, sizeof found), key) &&
                      !strcmp(vg_trigger_at(tag, "value", found, sizeof found), value));
    }
    return has;
}

/* The metrics are there: on to the model, if there is one to tag. */
static void finish_log(const struct vg_trigger_in *in, const char *run,
                       struct vg_trigger_said *said)
{
    snprintf(said->id, sizeof said->id, "%s", run);
    if (settings_of(in)->name)
        vg_trigger_more(said, FIND_VERSION);
    else
        snprintf(said->why, sizeof said->why, "metrics are in run %.60s", run);
}

static void take_search(const struct vg_trigger_in *in, const json_t *body,
                        struct vg_trigger_said *said)
{
    const json_t *runs = json_object_get(body, "runs"), *run = json_array_get(runs, 0);
    char id[80];
    if (!run && (!runs || json_is_array(runs))) { /* an empty list is left out */
        vg_trigger_more(said, CREATE_RUN);
        return;
    }
    if (!*vg_trigger_at(run, "info/run_id", id, sizeof id)) {
        vg_trigger_refuse(said, VG_RETRY, "the list of runs cannot be read");
        return;
    }
    snprintf(said->memory, sizeof said->memory, "%s", id);
    if (has_tag(run, BATCH_TAG, in->key))
        finish_log(in, id, said);
    else
        vg_trigger_more(said, LOG);
}

static void take_answer(const struct vg_trigger_in *in, const json_t *body,
                        struct vg_trigger_said *said)
{
    switch (in->step) {
    case FIND_EXPERIMENT:
        go_on(body, "experiment/experiment_id", FIND_RUN, said);
        break;
    case FIND_RUN:
        take_search(in, body, said);
        break;
    case CREATE_RUN:
        go_on(body, "run/info/run_id", LOG, said);
        break;
    case LOG:
        finish_log(in, in->memory, said);
        break;
    case FIND_VERSION:
        go_on(body, "model_version/version", TAG_VERSION, said);
        break;
    default:
        snprintf(said->why, sizeof said->why, "version %.40s of %.80s is tagged " DRIFT_TAG,
                 in->memory, settings_of(in)->name);
    }
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (!vg_trigger_took(response, said))
        return;
    json_t *body = vg_trigger_look(response, NULL, said);
    if (body)
        take_answer(in, body, said);
    json_decref(body);
}

const struct vg_trigger_ops vg_trigger_mlflow = {
    .name = "mlflow",
    .doc = "metrics of a run of MLflow, and a tag on a version of the model",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .asks = CREATE_RUN,
    .posts_before = true,
    .recalls = "(id of the experiment)",
};
