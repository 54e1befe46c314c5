/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs of Kubernetes, written out or copied of a CronJob, under a name of our own, which a
 * namespace takes once.
 *
 * Pure. 409 with AlreadyExists means that the job is there; other conflicts, as over a quota, pass.
 * A field the server does not know is refused, not dropped.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { READ_CRONJOB, CREATE };

struct settings {
    struct vg_trigger_settings base;
    const char *namespace, *cronjob;
    union vg_trigger_template job;
};

static const struct vg_key keys[] = {
    VG_KEY_URL_OR("https://kubernetes.default.svc", "address of the API server"),
    {"namespace", VG_VALUE_STRING, offsetof(struct settings, namespace), .required = true,
     .doc = "namespace the job is created in"},
    {.name = "job",
     .type = VG_VALUE_NODE,
     .offset = offsetof(struct settings, job),
     .shown = "name to value",
     .doc = "metadata and spec of the job; {{model}} and its like are replaced in texts"},
    {"cronjob", VG_VALUE_STRING, offsetof(struct settings, cronjob),
     .doc = "or the name of a CronJob whose job is copied; it may be suspended"},
    VG_KEYS_TOKEN("a service account token; read anew for every request"),
    VG_KEY_INPUTS("environment variables for each container; {{model}} and its like are replaced"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"kubernetes", VG_KEYS(keys)};

static const char default_environment[] =
    "{\"PGVIGIL_ONSET_KEY\":\"{{onset_key}}\",\"PGVIGIL_MODEL\":\"{{model}}\","
    "\"PGVIGIL_DATASET\":\"{{dataset}}\",\"PGVIGIL_RULE\":\"{{rule}}\","
    "\"PGVIGIL_COLUMN\":\"{{column}}\",\"PGVIGIL_WINDOW_FROM\":\"{{window_from}}\","
    "\"PGVIGIL_WINDOW_TO\":\"{{window_to}}\"}";

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const struct settings *own = settings_of(retraining);
    *key = NULL;
    if (!own->job.text == !own->cronjob)
        return vg_fail(err, VG_E_CONFIG, "one of job and cronjob is given");
    *key = "job";
    json_t *job = own->job.text ? json_loads(own->job.text, 0, NULL) : NULL;
    const json_t *pod =
        json_object_get(json_object_get(json_object_get(job, "spec"), "template"), "spec");
    bool fine = !job || json_is_array(json_object_get(pod, "containers"));
    json_decref(job);
    if (fine)
        return 0;
    vg_fail(err, VG_E_CONFIG, "job: it has no spec.template.spec.containers");
    return vg_hint(err, "job: {spec: {template: {spec: {restartPolicy: Never, containers: "
                        "[{name: train, image: ...}]}}}}");
}

/* --- The job ---------------------------------------------------------------------------------- */

/* The object under a name; one is made where there is none. Borrowed. */
static json_t *descend(json_t *object, const char *name)
{
    json_t *child = json_object_get(object, name);
    if (json_is_object(child))
        return child;
    return json_object_set_new(object, name, json_object()) ? NULL : json_object_get(object, name);
}

static int put_variable(json_t *container, const char *name, const char *value)
{
    size_t i;
    json_t *env = json_object_get(container, "env"), *item;
    if (!json_is_array(env)) {
        if (json_object_set_new(container, "env", json_array()))
            return -1;
        env = json_object_get(container, "env");
    }
    json_array_foreach(env, i, item)
    {
        const char *is = json_string_value(json_object_get(item, "name"));
        if (is && !strcmp(is, name)) {
            json_array_remove(env, i);
            break;
        }
    }
    return json_array_append_new(env, json_pack("{s:s, s:s}", "name", name, "value", value));
}

static int put_environment(const struct vg_trigger_in *in, json_t *job, struct vg_arena *arena)
{
    const char *text = in->retraining->body;
    size_t i, n;
    struct vg_pair *given;
    int bad = vg_trigger_texts(vg_trigger_filled(in, text ? text : default_environment), 0, arena,
                               &given, &n);
    json_t *container, *pod = descend(descend(descend(job, "spec"), "template"), "spec");
    json_array_foreach(json_object_get(pod, "containers"), i, container)
    {
        for (size_t k = 0; !bad && k < n; k++)
            bad = put_variable(container, given[k].key, given[k].value);
    }
    return bad;
}

static json_t *make_job(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const struct settings *own = settings_of(in->retraining);
    json_t *job =
        own->cronjob ? json_loads(in->memory, 0, NULL) : vg_trigger_filled(in, own->job.text);
    json_t *metadata = descend(job, "metadata");
    const char *name = vg_trigger_label(in, arena);
    json_object_del(metadata, "generateName");
    json_object_del(metadata, "creationTimestamp");
    int bad = !name || vg_receiver_set(job, "apiVersion", json_string("batch/v1"));
    bad = bad || vg_receiver_set(job, "kind", json_string("Job"));
    bad = bad || vg_receiver_set(metadata, "name", json_string(name));
    bad = bad || vg_receiver_set(metadata, "namespace", json_string(own->namespace));
    bad = bad || vg_receiver_set(descend(metadata, "annotations"), "pgvigil/onset-key",
                                 json_string(in->key));
    bad = bad || put_environment(in, job, arena);
    return vg_receiver_made(job, bad);
}

/* --- Requests --------------------------------------------------------------------------------- */

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    if (own->cronjob && in->step == READ_CRONJOB)
        return vg_trigger_get(in,
                              vg_trigger_url(in, arena, "/apis/batch/v1/namespaces/%s/cronjobs/%s",
                                             own->namespace, own->cronjob),
                              arena, out, err);
    return vg_trigger_post(in,
                           vg_trigger_url(in, arena,
                                          "/apis/batch/v1/namespaces/%s/jobs"
                                          "?fieldManager=pgvigil&fieldValidation=Strict",
                                          own->namespace),
                           make_job(in, arena), arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_cronjob(const struct vg_response *response, struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, NULL, said);
    if (!body)
        return;
    const json_t *job = json_object_get(json_object_get(body, "spec"), "jobTemplate");
    size_t n = job ? json_dumpb(job, said->memory, sizeof said->memory - 1, JSON_COMPACT) : 0;
    if (n && n < sizeof said->memory) {
        said->memory[n] = '\0';
        vg_trigger_more(said, CREATE);
    } else {
        *said->memory = '\0';
        vg_trigger_refuse(said, VG_PERMANENT, "the cronjob has %s",
                          n ? "a job that is too long to be copied" : "no job");
    }
    json_decref(body);
}

static bool has_condition(const json_t *job, const char *type)
{
    size_t i;
    const json_t *condition;
    bool has = false;
    json_array_foreach(json_object_get(json_object_get(job, "status"), "conditions"), i, condition)
    {
        char is[40], status[8];
        has = has || (!strcmp(vg_trigger_at(condition, "type", is, sizeof is), type) &&
                      !strcmp(vg_trigger_at(condition, "status", status, sizeof status), "True"));
    }
    return has;
}

static void take_job(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    char active[20];
    json_t *job = vg_trigger_body(response);
    snprintf(said->id, sizeof said->id, "pgvigil-%s", in->key);
    if (!json_is_object(job) || response->status == 409) {
        json_decref(job);
        return; /* it was taken, or is there: no more is known */
    }
    vg_trigger_at(job, "status/active", active, sizeof active);
    said->state = has_condition(job, "Complete")        ? VG_RETRAIN_SUCCEEDED
                  : has_condition(job, "Failed")        ? VG_RETRAIN_FAILED
                  : has_condition(job, "FailureTarget") ? VG_RETRAIN_RUNNING
                  : *active && strcmp(active, "0") != 0 ? VG_RETRAIN_RUNNING
                                                        : VG_RETRAIN_QUEUED;
    json_decref(job);
    snprintf(said->why, sizeof said->why, "the job is %s", vg_retrain_state_name(said->state));
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (settings_of(in->retraining)->cronjob && in->step == READ_CRONJOB) {
        if (vg_trigger_took(response, said))
            take_cronjob(response, said);
    } else if (vg_trigger_made(response, said) &&
               vg_trigger_told(response, "metadata/name", in->key, said)) {
        take_job(in, response, said);
    }
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return vg_trigger_get(in,
                          vg_trigger_url(in, arena, "/apis/batch/v1/namespaces/%s/jobs/%s",
                                         settings_of(in->retraining)->namespace, in->run->id),
                          arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (vg_trigger_found(response, "the job", said))
        take_job(in, response, said);
}

const struct vg_trigger_ops vg_trigger_kubernetes = {
    .name = "kubernetes",
    .doc = "a Job of Kubernetes",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .asks = CREATE,
    .recalls = "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"(of the"
               " cronjob)\"}]}}}}",
    .follow = follow,
    .followed = followed,
};
