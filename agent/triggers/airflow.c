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
enum { TOKEN_BYTES = 1 << 16 };

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

/* A text as JSON has it; no copy stays behind, as it would in a JSON value. */
static void put_text(struct vg_buf *out, const char *s)
{
    static const char hex[] = "0123456789abcdef";
    vg_buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            vg_buf_putc(out, '\\');
        if (c < 0x20) {
            vg_buf_puts(out, "\\u00");
            vg_buf_putc(out, hex[c >> 4]);
            vg_buf_putc(out, hex[c & 15]);
        } else {
            vg_buf_putc(out, (char)c);
        }
    }
    vg_buf_putc(out, '"');
}

static int log_in(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    struct vg_buf body;
    bare.password = NULL;
    if (vg_trigger_open(&bare, "POST", vg_trigger_url(in, arena, "/auth/token"), "application/json",
                        arena, out, err) < 0)
        return -1;
    vg_buf_init_wiped(&body, 4 * TOKEN_BYTES);
    vg_buf_puts(&body, "{\"username\":");
    put_text(&body, settings_of(in)->base.user);
    vg_buf_puts(&body, ",\"password\":");
    put_text(&body, in->password ? in->password : "");
    vg_buf_putc(&body, '}');
    out->body = body.failed ? NULL : vg_arena_strndup(arena, body.data, body.len);
    out->body_size = body.len;
    vg_buf_free(&body);
    return out->body ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The token that stands behind a name in the answer: one without escapes, as all of them are. */
static bool find_token(const char *body, const char *name, struct vg_buf *out)
{
    const char *at = strstr(body, name);
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " \t\r\n");
    at += *at == ':';
    at += strspn(at, " \t\r\n");
    size_t n = *at == '"' ? strcspn(at + 1, "\"\\") : 0;
    if (!n || at[1 + n] != '"')
        return false;
    vg_buf_add(out, at + 1, n);
    return !out->failed;
}

static void take_token(const struct vg_trigger_in *in, const struct vg_response *response,
                       struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (response->status) /* the first words of the body are the token's, or repeat the password */
        snprintf(said->why, sizeof said->why, "/auth/token: status %d", response->status);
    if (!took)
        return;
    if (find_token(response->body, "\"access_token\"", &said->token) ||
        find_token(response->body, "\"jwt_token\"", &said->token))
        vg_trigger_more(said, in->step);
    else
        vg_trigger_refuse(said, VG_PERMANENT, "/auth/token gave no token");
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
                     vg_trigger_parameters(in), "note", "asked for by pgvigil: the data drifted");
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
    if (took && !strcmp(vg_trigger_at(body, "is_paused", paused, sizeof paused), "true"))
        snprintf(said->memory, sizeof said->memory, "paused");
    json_decref(body);
    vg_trigger_more(said, POST_RUN);
}

static void put_page(const struct vg_trigger_in *in, struct vg_trigger_said *said)
{
    const struct settings *own = settings_of(in);
    const char *page =
        own->version == VERSION_2 ? "/dags/%s/grid?dag_run_id=%s" : "/dags/%s/runs/%s";
    struct vg_arena *arena = vg_arena_new();
    const char *url = arena ? vg_trigger_url(in, arena, page, own->dag, said->id) : NULL;
    if (url && strlen(url) < sizeof said->url)
        snprintf(said->url, sizeof said->url, "%s", url);
    vg_arena_free(arena);
}

static void take_run(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    char state[40];
    const char *paused = in->memory ? "; the DAG is paused and starts no run before it is not" : "";
    json_t *body = vg_trigger_body(response);
    said->state = vg_trigger_state(words, sizeof words / sizeof *words,
                                   vg_trigger_at(body, "state", state, sizeof state));
    vg_trigger_at(body, "dag_run_id", said->id, sizeof said->id);
    json_decref(body);
    if (!*said->id)
        snprintf(said->id, sizeof said->id, "pgvigil__%s", in->key);
    put_page(in, said);
    snprintf(said->why, sizeof said->why, "status %d, the run is %s%s", response->status,
             *state ? state : "there", paused);
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
             (in->step != LOOK_AT_RUN || can_read(response, said)))
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
    if (must_log_in(in)) {
        take_token(in, response, said);
    } else if (response->status == 404) {
        said->state = VG_RETRAIN_LOST;
        snprintf(said->why, sizeof said->why, "the run was deleted");
    } else if (vg_trigger_took(response, said)) {
        take_run(in, response, said);
    }
}

const struct vg_trigger_ops vg_trigger_airflow = {
    .name = "airflow",
    .doc = "a DAG run of Airflow 2 or 3",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};
