/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DAG runs of Airflow 2 and 3, under a run id of our own, which Airflow takes once.
 *
 * Pure. 409 does not say which of its two keys is taken, that of the run id or that of the logical
 * date: so the run of our id is asked for. It is there: ours, accepted before. It is not: only the
 * date was taken, and another one is tried. A paused DAG takes runs and never starts them, which is
 * told.
 */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/keys.h"

enum { LOOK_AT_DAG, POST_RUN, LOOK_AT_RUN, POST_DATED };
enum { VERSION_3, VERSION_2 };

struct settings {
    struct vg_trigger_settings base;
    const char *dag;
    int version;
};

static const char *const versions[] = {"3", "2", NULL};

static const struct vg_key keys[] = {
    VG_KEY_URL("address of the API server, without /api"),
    {"dag", VG_VALUE_STRING, offsetof(struct settings, dag), .required = true,
     .doc = "id of the DAG that retrains the model"},
    {"version", VG_VALUE_CHOICE, offsetof(struct settings, version), .choices = versions,
     .fallback = "3", .doc = "of Airflow: 3 has the API v2, 2 has v1"},
    VG_KEYS_TOKEN("a token of the API"),
    VG_KEYS_USER("or a name to log in with (3: POST /auth/token; 2: Basic)"),
    VG_KEY_PARAMETERS("conf of the run; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"airflow", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"queued", VG_RETRAIN_QUEUED},      {"running", VG_RETRAIN_RUNNING},
    {"restarting", VG_RETRAIN_RUNNING}, {"success", VG_RETRAIN_SUCCEEDED},
    {"failed", VG_RETRAIN_FAILED},
};
static const struct vg_trigger_telling telling = {"the run", "state", NULL, VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_trigger_in *in)
{
    return (const struct settings *)(const void *)in->retraining->settings;
}

/* --- Logging in: Airflow 3 has no Basic ------------------------------------------------------- */

static bool must_log_in(const struct vg_trigger_in *in)
{
    const struct settings *own = settings_of(in);
    return own->version == VERSION_3 && own->base.user && !in->token;
}

static int log_in(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    bare.password = NULL;
    return vg_trigger_post(&bare, vg_trigger_url(in, arena, "/auth/token"),
                           json_pack("{s:s, s:s}", "username", settings_of(in)->base.user,
                                     "password", in->password ? in->password : ""),
                           arena, out, err);
}

static void take_token(const struct vg_trigger_in *in, const struct vg_response *response,
                       struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (response->status) { /* the first words of the body are the token's, or the password's */
        explicit_bzero(said->why, sizeof said->why);
        snprintf(said->why, sizeof said->why, "/auth/token: status %d", response->status);
    }
    if (response->status >= 300 && response->status < 400)
        said->outcome = VG_RETRY; /* on to a page where people log in */
    json_t *body = took ? vg_trigger_look(response, NULL, said) : NULL;
    if (took && !body)
        vg_trigger_refuse(said, VG_RETRY, "/auth/token: status %d, with an answer that is no token",
                          response->status);
    if (!body)
        return;
    const char *token = json_string_value(json_object_get(body, "access_token"));
    token = token ? token : json_string_value(json_object_get(body, "jwt_token"));
    vg_buf_puts(&said->token, token ? token : "");
    json_decref(body);
    if (said->token.len)
        vg_trigger_more(said, in->step);
    else
        vg_trigger_refuse(said, VG_RETRY, "/auth/token gave no token");
}

/* --- The request ------------------------------------------------------------------------------ */

/* Version 2 invents a date of its own to the second, by which two runs collide. */
static json_t *make_run(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    char date[VG_TIME_TEXT];
    bool dated = settings_of(in)->version == VERSION_2 || in->step == POST_DATED;
    int64_t unique_us = in->now_us % VG_US ? in->now_us : in->now_us + 1;
    vg_format_time(unique_us, date);
    return json_pack("{s:s, s:o, s:o, s:s}", "dag_run_id", vg_trigger_name(in, arena),
                     "logical_date", dated ? json_string(date) : json_null(), "conf",
                     vg_trigger_parameters(in), "note", vg_trigger_note(in));
}

static const char *find_run(const struct vg_trigger_in *in, const char *id, struct vg_arena *arena)
{
    const char *version = settings_of(in)->version == VERSION_2 ? "v1" : "v2";
    return vg_trigger_url(in, arena, "/api/%s/dags/%s/dagRuns/%s", version, settings_of(in)->dag,
                          id);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct settings *own = settings_of(in);
    const char *version = own->version == VERSION_2 ? "v1" : "v2";
    if (must_log_in(in))
        return log_in(in, arena, out, err);
    if (in->step == LOOK_AT_DAG)
        return vg_trigger_get(in, vg_trigger_url(in, arena, "/api/%s/dags/%s", version, own->dag),
                              arena, out, err);
    if (in->step == LOOK_AT_RUN)
        return vg_trigger_get(in, find_run(in, vg_trigger_name(in, arena), arena), arena, out, err);
    return vg_trigger_post(in,
                           vg_trigger_url(in, arena, "/api/%s/dags/%s/dagRuns", version, own->dag),
                           make_run(in, arena), arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_dag(const struct vg_response *response, struct vg_trigger_said *said)
{
    char paused[8];
    bool took = vg_trigger_took(response, said);
    if (!took && response->status != 403)
        return; /* 404: no such DAG; 403: it may be started, if not looked at */
    json_t *body = vg_trigger_body(response);
    if (took && response->whole && !json_is_object(body)) {
        vg_trigger_refuse(said, VG_RETRY, "status %d, with an answer that is no DAG",
                          response->status);
        json_decref(body);
        return;
    }
    if (took && !strcmp(vg_trigger_at(body, "is_paused", paused, sizeof paused), "true"))
        snprintf(said->memory, sizeof said->memory, "paused");
    json_decref(body);
    vg_trigger_more(said, POST_RUN);
}

static void take_run(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    static const char paused[] = "; the DAG is paused and starts no run before it is not";
    const struct settings *own = settings_of(in);
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    vg_trigger_at(body, "dag_run_id", said->id, sizeof said->id);
    json_decref(body);
    if (!*said->id)
        snprintf(said->id, sizeof said->id, "pgvigil__%s", in->key);
    vg_trigger_page(said, in->url,
                    own->version == VERSION_2 ? "/dags/%s/grid?dag_run_id=%s" : "/dags/%s/runs/%s",
                    own->dag, said->id);
    size_t n = strlen(said->why);
    snprintf(said->why + n, sizeof said->why - n, "%s", in->memory ? paused : "");
}

static bool can_read(const struct vg_response *response, struct vg_trigger_said *said)
{
    json_t *body = vg_trigger_look(response, NULL, said);
    json_decref(body);
    return body != NULL;
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (must_log_in(in))
        take_token(in, response, said);
    else if (in->step == LOOK_AT_DAG)
        take_dag(response, said);
    else if (in->step == LOOK_AT_RUN && response->status == 404)
        vg_trigger_more(said, POST_DATED);
    else if (in->step != LOOK_AT_RUN && response->status == 409)
        vg_trigger_more(said, LOOK_AT_RUN);
    else if (vg_trigger_took(response, said) &&
             (in->step != LOOK_AT_RUN || can_read(response, said)) &&
             vg_trigger_told(response, "dag_run_id", in->key, said))
        take_run(in, response, said);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    if (must_log_in(in))
        return log_in(in, arena, out, err);
    return vg_trigger_get(in, find_run(in, in->run->id, arena), arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (must_log_in(in))
        take_token(in, response, said);
    else if (vg_trigger_found(response, "the run", said))
        take_run(in, response, said);
}

const struct vg_trigger_ops vg_trigger_airflow = {
    .name = "airflow",
    .doc = "a DAG run of Airflow 2 or 3",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .asks = POST_RUN,
    .posts_before = true,
    .follow = follow,
    .followed = followed,
};
