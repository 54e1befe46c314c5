/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workflows of GitHub Actions, started by workflow_dispatch or repository_dispatch.
 *
 * Pure. GitHub has no key for such a request: a run is found again by our key in its title, which
 * the workflow puts there (run-name). So runs are looked through before one is started, and where
 * GitHub does not say which run it started, afterwards.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"
#include "pgvigil/text.h"

enum { LOOK, DISPATCH, DISPATCH_PLAINLY };
/* A run is written out with two repositories, up to 20 KiB; 64 KiB are kept of an answer. */
enum { PAGE = 3, PAGES = 100 };
enum { PAYLOAD_KEYS = 10, INPUTS = 25, EVENT_BYTES = 100 };

struct settings {
    struct vg_trigger_settings base;
    const char *repository, *workflow, *ref, *event;
};

static const struct vg_key keys[] = {
    VG_KEY_URL_OR("https://api.github.com", "address of the API; of a server: https://HOST/api/v3"),
    {"repository", VG_VALUE_STRING, offsetof(struct settings, repository), .required = true,
     .doc = "owner/name"},
    {"workflow", VG_VALUE_STRING, offsetof(struct settings, workflow),
     .doc = "file name or id of the workflow to dispatch, with `ref`"},
    {"ref", VG_VALUE_STRING, offsetof(struct settings, ref), .fallback = "main",
     .doc = "branch or tag the workflow is run on"},
    {"event_type", VG_VALUE_STRING, offsetof(struct settings, event),
     .doc = "or the type of a repository_dispatch event, at most 100 bytes"},
    VG_KEYS_TOKEN("a token that may write contents (events) or actions (workflows)"),
    VG_KEY_PARAMETERS("inputs, at most 25, or client_payload, at most 10; {{onset_key}} in one"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"github", VG_KEYS(keys)};

static const struct vg_trigger_word words[] = {
    {"queued", VG_RETRAIN_QUEUED},          {"requested", VG_RETRAIN_QUEUED},
    {"waiting", VG_RETRAIN_QUEUED},         {"pending", VG_RETRAIN_QUEUED},
    {"in_progress", VG_RETRAIN_RUNNING},    {"success", VG_RETRAIN_SUCCEEDED},
    {"neutral", VG_RETRAIN_SUCCEEDED},      {"failure", VG_RETRAIN_FAILED},
    {"cancelled", VG_RETRAIN_FAILED},       {"timed_out", VG_RETRAIN_FAILED},
    {"startup_failure", VG_RETRAIN_FAILED}, {"stale", VG_RETRAIN_FAILED},
    {"skipped", VG_RETRAIN_FAILED},         {"action_required", VG_RETRAIN_QUEUED},
};

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

/* --- Checks ----------------------------------------------------------------------------------- */

static int check_parameters(const struct settings *own, struct vg_error *err)
{
    const char *text = own->base.parameters.text;
    size_t most = own->workflow ? INPUTS : PAYLOAD_KEYS;
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    size_t n = json_object_size(root);
    json_decref(root);
    if (n > most)
        return vg_fail(err, VG_E_CONFIG, "parameters: GitHub takes at most %zu of them", most);
    if (!text || strstr(text, "{{onset_key}}"))
        return 0;
    vg_fail(err, VG_E_CONFIG,
            "parameters: none holds {{onset_key}}, by which a run is found again");
    return vg_hint(err, "onset_key: \"{{onset_key}}\", and run-name: retrain ${{ "
                        "inputs.onset_key }} in the workflow");
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const struct settings *own = settings_of(retraining);
    const char *slash = strchr(own->repository, '/');
    *key = "repository";
    if (!slash || slash == own->repository || !slash[1] || strchr(slash + 1, '/'))
        return vg_fail(err, VG_E_CONFIG, "repository: this is not owner/name");
    *key = own->workflow ? "workflow" : NULL;
    if (!own->workflow == !own->event)
        return vg_fail(err, VG_E_CONFIG, "one of workflow and event_type is given");
    *key = "event_type";
    if (own->event && strlen(own->event) > EVENT_BYTES)
        return vg_fail(err, VG_E_CONFIG, "event_type: at most %d bytes", EVENT_BYTES);
    *key = NULL;
    if (!own->base.token_file && !own->base.token_command.n)
        return vg_fail(err, VG_E_CONFIG,
                       "\"token_file\" or \"token_command\" is missing in github");
    *key = "parameters";
    return check_parameters(own, err);
}

/* --- Requests --------------------------------------------------------------------------------- */

/* The path of the repository's API, whose slash is not to be encoded. */
static const char *find_url(const struct vg_trigger_in *in, struct vg_arena *arena,
                            const char *path, const char *word)
{
    const char *repository = settings_of(in->retraining)->repository;
    const char *name = strchr(repository, '/') + 1;
    char *owner = vg_arena_strndup(arena, repository, (size_t)(name - repository - 1));
    char *format = vg_arena_printf(arena, "/repos/%%s/%%s%s", path);
    return owner && format ? vg_trigger_url(in, arena, format, owner, name, word) : NULL;
}

/* memory: the page. */
static int page_of(const struct vg_trigger_in *in)
{
    return in->memory ? (int)strtol(in->memory, NULL, 10) : 1;
}

/* Runs since the day of the request, by a clock that may be an hour behind; the newest first, a few
 * at a time. */
static int look(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    char day[VG_TIME_TEXT];
    vg_format_time(in->asked_us - VG_HOUR_US, day);
    day[strcspn(day, "T")] = '\0';
    const char *path = own->workflow
                           ? vg_arena_printf(arena,
                                             "/actions/workflows/%%s/runs?event=workflow_dispatch"
                                             "&per_page=%d&page=%d&created=%%3E%%3D%s",
                                             PAGE, page_of(in), day)
                           : vg_arena_printf(arena,
                                             "/actions/runs?event=repository_dispatch"
                                             "&per_page=%d&page=%d&created=%%3E%%3D%s",
                                             PAGE, page_of(in), day);
    return vg_trigger_get(in, path ? find_url(in, arena, path, own->workflow) : NULL, arena, out,
                          err);
}

/* The parameters; without any of the user's, the key alone: GitHub refuses inputs that a workflow
 * does not name. */
static json_t *make_parameters(const struct vg_trigger_in *in)
{
    if (in->retraining->body)
        return vg_trigger_parameters(in);
    return json_pack("{s:s, s:s}", "onset_key", in->key, "model", in->onset->model);
}

/* Inputs are texts. */
static json_t *make_inputs(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    struct vg_pair *given;
    size_t n;
    json_t *inputs = json_object();
    int bad = vg_trigger_texts(make_parameters(in), 0, arena, &given, &n);
    for (size_t i = 0; !bad && i < n; i++)
        bad = vg_receiver_set(inputs, given[i].key, json_string(given[i].value));
    return vg_receiver_made(inputs, bad);
}

static int dispatch(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                    struct vg_error *err)
{
    const struct settings *own = settings_of(in->retraining);
    if (own->event)
        return vg_trigger_post(in, find_url(in, arena, "/dispatches", NULL),
                               json_pack("{s:s, s:o}", "event_type", own->event, "client_payload",
                                         make_parameters(in)),
                               arena, out, err);
    json_t *body = json_pack("{s:s, s:o}", "ref", own->ref, "inputs", make_inputs(in, arena));
    if (body && in->step == DISPATCH &&
        json_object_set_new(body, "return_run_details", json_true()))
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return vg_trigger_post(in,
                           find_url(in, arena, "/actions/workflows/%s/dispatches", own->workflow),
                           body, arena, out, err);
}

static int add_headers(struct vg_request *out, struct vg_arena *arena, struct vg_error *err)
{
    if (vg_receiver_header(out, "Accept", "application/vnd.github+json", arena, err) < 0)
        return -1;
    return vg_receiver_header(out, "X-GitHub-Api-Version", "2022-11-28", arena, err);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    int rc = in->step == LOOK ? look(in, arena, out, err) : dispatch(in, arena, out, err);
    return rc ? rc : add_headers(out, arena, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void take_run(const json_t *run, struct vg_trigger_said *said)
{
    char status[40], conclusion[40];
    vg_trigger_at(run, "status", status, sizeof status);
    vg_trigger_at(run, "conclusion", conclusion, sizeof conclusion);
    bool over = !strcmp(status, "completed");
    said->state = vg_trigger_state(words, sizeof words / sizeof *words, over ? conclusion : status);
    vg_trigger_at(run, "id", said->id, sizeof said->id);
    vg_trigger_at(run, "html_url", said->url, sizeof said->url);
    snprintf(said->why, sizeof said->why, "run %.40s is %.40s", said->id,
             over ? conclusion : status);
}

/* The run whose title holds our key. True also where it is not known yet whether there is one:
 * something was said then, or another page follows. */
static bool find_ours(const struct vg_trigger_in *in, const struct vg_response *response,
                      struct vg_trigger_said *said)
{
    size_t i;
    json_t *body = vg_trigger_look(response, "workflow_runs", said), *run;
    const json_t *runs = json_object_get(body, "workflow_runs");
    bool found = !body, further = json_array_size(runs) >= PAGE;
    json_array_foreach(runs, i, run)
    {
        const char *title = json_string_value(json_object_get(run, "display_title"));
        if (!found && title && strstr(title, in->key)) {
            take_run(run, said);
            found = true;
        }
    }
    json_decref(body);
    if (found || !further)
        return found;
    vg_trigger_more(said, LOOK);
    snprintf(said->memory, sizeof said->memory, "%d", page_of(in) + 1);
    if (page_of(in) >= PAGES)
        vg_trigger_refuse(said, VG_RETRY,
                          "%d runs since the day of the request: too many to look for ours",
                          PAGE * PAGES);
    return true;
}

static void take_dispatch(const struct vg_trigger_in *in, const struct vg_response *response,
                          struct vg_trigger_said *said)
{
    bool unknown = response->status == 422 || response->status == 400;
    if (unknown && in->step == DISPATCH && strstr(response->body, "return_run_details")) {
        vg_trigger_more(said, DISPATCH_PLAINLY); /* a server that does not know it */
        return;
    }
    if (!vg_trigger_took(response, said))
        return;
    if (response->status != 204 && !vg_trigger_told(response, "workflow_run_id", NULL, said))
        return;
    json_t *body = vg_trigger_body(response);
    vg_trigger_at(body, "workflow_run_id", said->id, sizeof said->id);
    vg_trigger_at(body, "html_url", said->url, sizeof said->url);
    json_decref(body);
    if (!*said->id) /* found by its title when it is followed */
        snprintf(said->id, sizeof said->id, "pgvigil__%s", in->key);
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (in->step != LOOK)
        take_dispatch(in, response, said);
    else if (vg_trigger_took(response, said) && !find_ours(in, response, said))
        vg_trigger_more(said, DISPATCH);
}

/* --- What became of it ------------------------------------------------------------------------ */

static bool is_ours(const struct vg_trigger_in *in)
{
    return !strncmp(in->run->id, "pgvigil__", 9);
}

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    int rc = is_ours(in) ? look(in, arena, out, err)
                         : vg_trigger_get(in, find_url(in, arena, "/actions/runs/%s", in->run->id),
                                          arena, out, err);
    return rc ? rc : add_headers(out, arena, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    if (!vg_trigger_took(response, said))
        return;
    if (is_ours(in)) {
        if (!find_ours(in, response, said))
            snprintf(said->why, sizeof said->why, "no run has the key in its title yet");
        return;
    }
    json_t *body = vg_trigger_body(response);
    take_run(body, said);
    json_decref(body);
}

const struct vg_trigger_ops vg_trigger_github = {
    .name = "github",
    .doc = "a workflow of GitHub Actions",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .check = check,
    .render = render,
    .answer = answer,
    .asks = DISPATCH,
    .follow = follow,
    .followed = followed,
};
