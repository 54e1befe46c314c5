/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chains of requests to training systems: from a row or a run to requests, from answers to the next
 * request or the end, and what a run is then known to be.
 */
#include "agent/deliver/chain.h"

#include <stdlib.h>
#include <string.h>

#include "agent/message.h"
#include "pgvigil/text.h"

enum { REQUESTS_MOST = 128, LOOKS_PER_STEP = 4, MOST_DOUBLED = 10 };
static const int64_t first_us = 30 * VG_US, most_us = 5 * VG_MINUTE_US;
static const int64_t settling_us = VG_MINUTE_US;
static const int64_t asked_most_us = VG_HOUR_US; /* of Retry-After, as of requests */

void vg_chain_end(struct vg_chain *chain)
{
    vg_arena_free(chain->arena);
    vg_config_drop(chain->config);
    *chain = (struct vg_chain){0};
}

static int begin(struct vg_chain *chain, const struct vg_config *config, const char *model,
                 struct vg_error *err)
{
    vg_chain_end(chain);
    chain->config = vg_config_hold(config);
    chain->retraining = vg_config_retraining(config, model);
    chain->system = chain->retraining ? vg_trigger_of(chain->retraining) : NULL;
    chain->arena = vg_arena_new_wiped();
    return chain->arena ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int find_place(struct vg_chain *chain, struct vg_error *err)
{
    return chain->retraining ? vg_place_of(chain->retraining, chain->place, err) : 0;
}

/* --- Requests --------------------------------------------------------------------------------- */

static int read_secret(const char *path, struct vg_secret *out, struct vg_error *err)
{
    return path ? vg_secret_read(path, out, err) : 0;
}

static int fetch_token(struct vg_chain *chain, const struct vg_retraining *retraining,
                       struct vg_parcel *out, struct vg_error *err)
{
    const struct vg_strings *command = &retraining->settings->token_command;
    const char **argv = vg_arena_array(chain->arena, command->n + 1, sizeof *argv);
    if (!argv)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < command->n; i++)
        argv[i] = vg_arena_strdup(chain->arena, command->items[i]);
    chain->fetching = true;
    out->request = (struct vg_request){
        .url = argv[0],
        .run = argv,
        .secret = true,
        .timeout_us = retraining->http.timeout_us,
    };
    out->ready = VG_READY_SEND;
    return argv[0] ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The token out of the environment, where the system takes one from there. */
static int read_environment(struct vg_chain *chain, const struct vg_retraining *retraining,
                            struct vg_error *err)
{
    const char *const *names = chain->system->environment;
    struct vg_buf text;
    if (!names || chain->token || retraining->http.token_file)
        return 0;
    vg_buf_init_wiped(&text, VG_SECRET_MAX);
    for (int i = 0; names[i]; i++) {
        const char *value = getenv(names[i]);
        if ((!value || !*value) && i < 2) {
            vg_buf_free(&text);
            return vg_fail(err, VG_E_CONFIG, "%s: no token is given, and %s is not set",
                           chain->system->name, names[i]);
        }
        vg_buf_puts(&text, i && value && *value ? ":" : "");
        vg_buf_puts(&text, value ? value : "");
    }
    chain->token = text.failed ? NULL : vg_arena_strndup(chain->arena, text.data, text.len);
    vg_buf_free(&text);
    return chain->token ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* What the system may know now. The secrets are the parcel's. */
static struct vg_trigger_in look(const struct vg_chain *chain, const struct vg_packing *packing,
                                 const struct vg_parcel *parcel)
{
    const struct vg_retraining *retraining = chain->retraining;
    return (struct vg_trigger_in){
        .retraining = retraining,
        .url = parcel->secret.text ? parcel->secret.text : retraining->http.url,
        .agent = packing->agent,
        .key = chain->run.key,
        .onset = chain->follows ? NULL : &chain->onset,
        .run = chain->follows ? &chain->run : NULL,
        .token = parcel->token.text ? parcel->token.text : chain->token,
        .password = parcel->signing[0].text,
        .step = chain->step,
        .memory = chain->memory,
        .asked_us = chain->run.asked_us,
        .now_us = packing->now_us,
    };
}

/* Whether the request may leave a run behind. Systems leave out looks that they do not need, and
 * then ask for the run at a lower step; some look once more at a higher one. */
static bool may_start(const struct vg_chain *chain, const struct vg_request *request)
{
    const struct vg_trigger_ops *system = chain->system;
    bool reads = request->method && !strcmp(request->method, "GET");
    bool before = chain->step < system->asks && system->posts_before;
    return chain->step == system->asks || !(reads || before);
}

static int make_request(struct vg_chain *chain, const struct vg_packing *packing,
                        struct vg_parcel *out, struct vg_error *err)
{
    const struct vg_retraining *retraining = chain->retraining;
    const struct vg_trigger_settings *settings = retraining->settings;
    *out = (struct vg_parcel){.ready = VG_READY_ABSENT};
    if (++chain->requests > REQUESTS_MOST)
        return vg_fail(err, VG_E_LIMIT, "%s wanted more than %d requests for one answer",
                       chain->system->name, REQUESTS_MOST);
    if (settings && settings->token_command.n && !chain->token)
        return fetch_token(chain, retraining, out, err);
    if (read_environment(chain, retraining, err) < 0)
        return -1;
    if (read_secret(retraining->http.url_file, &out->secret, err) < 0 ||
        read_secret(chain->token ? NULL : retraining->http.token_file, &out->token, err) < 0 ||
        read_secret(settings ? settings->password_file : NULL, &out->signing[0], err) < 0)
        return -1;
    const struct vg_trigger_in in = look(chain, packing, out);
    out->ready = VG_READY_SEND;
    int rc = chain->follows ? chain->system->follow(&in, chain->arena, &out->request, err)
                            : chain->system->render(&in, chain->arena, &out->request, err);
    chain->asked = chain->asked || (rc == 0 && may_start(chain, &out->request));
    const char *method = out->request.method;
    chain->starts = !chain->follows && chain->step > 0 && method && strcmp(method, "GET") != 0;
    if (!out->request.nsecrets) /* the system knows better */
        vg_deliver_say_secrets(out, chain->token);
    return rc;
}

int vg_chain_prepare(struct vg_chain *chain, const struct vg_config *config,
                     const struct vg_outgoing *row, struct vg_error *err)
{
    if (begin(chain, config, row->sink, err) < 0)
        return -1;
    chain->run = (struct vg_retrain_run){
        .system = chain->system ? chain->system->name : "",
        .place = chain->place,
        .asked_us = row->created_us,
        .accepted_us = VG_NEVER,
        .changed_us = row->created_us,
        .ended_us = VG_NEVER,
        .next_us = VG_NEVER,
        .until_us = VG_NEVER,
    };
    memcpy(chain->run.key, row->key, VG_KEY_SIZE);
    chain->run.model = vg_arena_strdup(chain->arena, row->sink);
    return chain->run.model ? find_place(chain, err) : vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_chain_ask(struct vg_chain *chain, const struct vg_packing *packing,
                 const struct vg_outgoing *row, struct vg_parcel *out, struct vg_error *err)
{
    const struct vg_trigger_settings *settings = chain->retraining->settings;
    *out = (struct vg_parcel){.ready = VG_READY_ABSENT};
    chain->follow_for_us = settings ? settings->follow_for_us : 0;
    if (vg_onset_read(row->body, chain->arena, &chain->onset, err) < 0)
        return -1;
    return make_request(chain, packing, out, err);
}

/* As those do who decide whether another run may be asked for. */
static int64_t find_flight(const struct vg_retraining *retraining)
{
    return retraining->in_flight_us == VG_DEFAULT ? VG_WEEK_US : retraining->in_flight_us;
}

/* Another account of the same system has other runs, under the same names too. One that was asked
 * for before places were kept has none. */
static bool is_there(const struct vg_chain *chain, const struct vg_retrain_run *run)
{
    const struct vg_trigger_ops *system = chain->system;
    return system && system->follow && !strcmp(system->name, run->system) &&
           (!run->place || !strcmp(chain->place, run->place));
}

int vg_chain_follow(struct vg_chain *chain, const struct vg_packing *packing,
                    const struct vg_retrain_run *run, struct vg_parcel *out, struct vg_error *err)
{
    *out = (struct vg_parcel){.ready = VG_READY_ABSENT};
    if (begin(chain, packing->config, run->model, err) < 0)
        return -1;
    const struct vg_retraining *retraining = chain->retraining;
    chain->follows = true;
    chain->over_us = run->asked_us + (retraining ? find_flight(retraining) : 0);
    chain->run = *run;
    chain->run.model = vg_arena_strdup(chain->arena, run->model);
    chain->run.system = vg_arena_strdup(chain->arena, run->system);
    chain->run.id = vg_arena_strdup(chain->arena, run->id ? run->id : "");
    chain->run.url = vg_arena_strdup(chain->arena, run->url);
    chain->run.answer = vg_arena_strdup(chain->arena, run->answer);
    chain->run.place = vg_arena_strdup(chain->arena, run->place);
    if (!chain->run.model || !chain->run.system || !chain->run.id ||
        !chain->run.place != !run->place)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (find_place(chain, err) < 0)
        return -1;
    return is_there(chain, run) ? make_request(chain, packing, out, err) : 0;
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* What the command has printed, without its line end, where it could be a token. */
static void take_token(struct vg_chain *chain, const struct vg_response *response,
                       struct vg_trigger_said *said)
{
    size_t n = response->body_size;
    int code = response->status - VG_STATUS_EXIT;
    while (n && (response->body[n - 1] == '\n' || response->body[n - 1] == '\r'))
        n--;
    bool fine = n > 0;
    for (size_t i = 0; i < n && fine; i++)
        fine =
            ((unsigned char)response->body[i] > ' ' && (unsigned char)response->body[i] < 0x7f) ||
            (chain->system->environment && strchr(" \t\r\n", response->body[i]));
    chain->fetching = false;
    if (!response->status)
        vg_trigger_refuse(said, VG_RETRY, "token_command: %.170s", response->error.msg);
    else if (code)
        vg_trigger_refuse(said, VG_RETRY, "token_command: exit code %d", code);
    else if (!fine)
        vg_trigger_refuse(said, VG_RETRY, "token_command: what it printed is not a token");
    else
        chain->token = vg_arena_strndup(chain->arena, response->body, n);
    if (said->outcome == VG_DELIVERED && !chain->token)
        vg_trigger_refuse(said, VG_RETRY, "out of memory");
    else if (said->outcome == VG_DELIVERED)
        vg_trigger_more(said, chain->step);
}

static void read_answer(struct vg_chain *chain, const struct vg_packing *packing,
                        const struct vg_response *response, struct vg_trigger_said *said)
{
    const struct vg_parcel none = {0};
    const struct vg_trigger_in in = look(chain, packing, &none);
    if (chain->follows)
        chain->system->followed(&in, response, said);
    else
        chain->system->answer(&in, response, said);
    if (said->outcome == VG_AFRESH)
        said->outcome = VG_RETRY;
    if (said->token.len)
        chain->token = vg_arena_strndup(chain->arena, said->token.data, said->token.len);
    if (*said->memory)
        chain->memory = vg_arena_strdup(chain->arena, said->memory);
    if ((said->token.len && !chain->token) || (*said->memory && !chain->memory))
        vg_trigger_refuse(said, VG_RETRY, "out of memory");
    chain->step = said->step;
}

bool vg_chain_unread(const struct vg_response *response)
{
    return response->status == 429 || response->status == 503 ||
           (!response->status && response->error.code == VG_E_CONNECT);
}

/* Whether a request may have been taken although nobody said so. */
static bool is_unclear(const struct vg_response *response)
{
    return response->status == 502 || response->status == 504 ||
           (!response->status && response->error.code != VG_E_CONNECT);
}

static const char *keep_text(struct vg_chain *chain, const char *said, const char *before)
{
    const char *copy = *said ? vg_arena_strdup(chain->arena, said) : NULL;
    return copy ? copy : before;
}

void vg_chain_answered(struct vg_chain *chain, const struct vg_packing *packing,
                       const struct vg_response *response, struct vg_parcel *out,
                       struct vg_trigger_said *said)
{
    struct vg_error err = {0};
    bool unclear = chain->starts && !chain->fetching && is_unclear(response);
    chain->arrived =
        chain->arrived || (chain->asked && !chain->fetching && !vg_chain_unread(response));
    *out = (struct vg_parcel){0};
    *said = (struct vg_trigger_said){0};
    vg_buf_init_wiped(&said->token, VG_SECRET_MAX);
    if (chain->fetching)
        take_token(chain, response, said);
    else
        read_answer(chain, packing, response, said);
    vg_buf_free(&said->token);
    /* a run may take its time to be seen by those who look for it */
    if (unclear && said->outcome == VG_RETRY && said->retry_after_us < settling_us)
        said->retry_after_us = settling_us;
    chain->run.id = keep_text(chain, said->id, chain->run.id);
    chain->run.url = keep_text(chain, said->url, chain->run.url);
    said->more = said->more && said->outcome == VG_DELIVERED;
    if (!said->more)
        return;
    if (make_request(chain, packing, out, &err) < 0)
        vg_trigger_refuse(said, VG_RETRY, "%.190s", err.msg);
}

/* --- What is known of the run ----------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Half a minute at first, longer the longer it takes. */
static int64_t find_pause(int looks)
{
    int doubled = looks / LOOKS_PER_STEP;
    int64_t pause_us = doubled < MOST_DOUBLED ? first_us << doubled : most_us;
    return pause_us < most_us ? pause_us : most_us;
}

static bool move_to(struct vg_retrain_run *run, enum vg_retrain_state state, int64_t now_us)
{
    bool changed = run->state != state;
    run->state = state;
    if (changed)
        run->changed_us = now_us;
    if (state >= VG_RETRAIN_SUCCEEDED) {
        run->ended_us = now_us;
        run->next_us = VG_NEVER;
    }
    return changed;
}

static void begin_to_follow(struct vg_chain *chain, int64_t now_us)
{
    struct vg_retrain_run *run = &chain->run;
    int64_t follow_for_us = chain->follow_for_us;
    if (!chain->system->follow || !run->id || !*run->id || follow_for_us <= 0)
        return;
    run->until_us = now_us + follow_for_us;
    run->next_us = now_us + (find_pause(0) < follow_for_us ? find_pause(0) : follow_for_us);
}

static bool learn_of_request(struct vg_chain *chain, const struct vg_trigger_said *said,
                             int64_t now_us)
{
    struct vg_retrain_run *run = &chain->run;
    if (said->outcome == VG_RETRY)
        return false;
    if (said->outcome != VG_DELIVERED)
        return move_to(run, VG_RETRAIN_REFUSED, now_us);
    run->accepted_us = now_us;
    begin_to_follow(chain, now_us);
    return move_to(run, said->state == VG_RETRAIN_ASKED ? VG_RETRAIN_ACCEPTED : said->state,
                   now_us);
}

/* A run that was last heard of as going on is not lost before it counts as over. */
static int64_t find_end(const struct vg_chain *chain)
{
    const struct vg_retrain_run *run = &chain->run;
    bool going = run->state == VG_RETRAIN_QUEUED || run->state == VG_RETRAIN_RUNNING;
    return going && chain->over_us > run->until_us ? chain->over_us : run->until_us;
}

bool vg_chain_learn(struct vg_chain *chain, const struct vg_trigger_said *said, int64_t now_us)
{
    struct vg_retrain_run *run = &chain->run;
    run->answer = keep_text(chain, said->why, run->answer);
    if (!chain->follows)
        return learn_of_request(chain, said, now_us);
    run->looks++;
    bool known = said->outcome == VG_DELIVERED && said->state != VG_RETRAIN_ASKED;
    bool changed = known && move_to(run, said->state, now_us);
    int64_t end_us = find_end(chain);
    if (run->state >= VG_RETRAIN_SUCCEEDED)
        return changed;
    if (now_us >= end_us)
        return move_to(run, VG_RETRAIN_LOST, now_us);
    int64_t next_us = earlier(now_us + find_pause(run->looks), end_us);
    int64_t asked_us = now_us + earlier(said->retry_after_us, asked_most_us);
    run->next_us = next_us > asked_us ? next_us : asked_us;
    return changed;
}
