/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request for retraining as it would be sent, printed instead: the guards first, then method,
 * address, headers and body. Secrets stay in their files: the files' names stand for them. */
#include "agent/commands/retrain_rehearse.h"

#include <inttypes.h>
#include <string.h>

#include "agent/commands/show.h"
#include "agent/loop/retrain_facts.h"
#include "agent/triggers/systems.h"
#include "pgvigil/text.h"

static const char *name_file(struct vg_shell *shell, const char *what, const char *path)
{
    return path ? vg_arena_printf(shell->arena, "(%s in %s)", what, path) : NULL;
}

/* The names of files are not shown encoded. */
static void print_header(const struct vg_pair *header)
{
    bool basic = !strncmp(header->value, "Basic ", 6);
    printf("%s: ", header->key);
    vg_show_text(stdout, basic ? "Basic (user and secret, encoded)" : header->value);
    putchar('\n');
}

static void print_one(const struct vg_request *request)
{
    for (size_t i = 0; request->run && request->run[i]; i++) {
        fputs(i ? " " : "run ", stdout);
        vg_show_text(stdout, request->run[i]);
    }
    if (!request->run) {
        printf("%s ", request->method);
        vg_show_text(stdout, request->url);
    }
    putchar('\n');
    for (size_t i = 0; i < request->nheaders; i++)
        print_header(&request->headers[i]);
    if (request->body_size)
        printf("\n%.*s\n", (int)request->body_size, (const char *)request->body);
}

/* What asks for a run names its key somewhere; a log-in does not. */
static bool names_key(const struct vg_request *request, const char *key)
{
    bool found = strstr(request->url, key) ||
                 memmem(request->body, request->body_size, key, strlen(key)) != NULL;
    for (size_t i = 0; i < request->nheaders && !found; i++)
        found = strstr(request->headers[i].value, key) != NULL;
    return found;
}

/* Where the token is a pair of credentials, as in the environment. */
static const char *name_pair(struct vg_shell *shell, const struct vg_trigger_ops *system,
                             const char *token)
{
    const char *const *names = system->environment;
    if (!names)
        return token;
    return token ? vg_arena_printf(shell->arena, "(id, %s):(secret, %s)", token, token)
                 : vg_arena_printf(shell->arena, "(%s):(%s)", names[0], names[1]);
}

static bool is_same(const struct vg_request *a, const struct vg_request *b)
{
    return a->url && !strcmp(a->url, b->url) && a->body_size == b->body_size &&
           (!a->body_size || !memcmp(a->body, b->body, a->body_size));
}

/* The first request of the chain, which may only look whether the run is there, or log in; and the
 * one that asks for it, with words in the place of what the answers before it say. */
static int print_requests(struct vg_shell *shell, const struct vg_retraining *config,
                          const struct vg_onset *onset, struct vg_error *err)
{
    enum { STEPS = 3 };
    struct vg_error ignored = {0};
    const struct vg_trigger_settings *settings = config->settings;
    const struct vg_trigger_ops *system = vg_trigger_of(config);
    const char *url =
        config->http.url ? config->http.url : name_file(shell, "address", config->http.url_file);
    struct vg_trigger_in in = {
        .retraining = config,
        .url = url,
        .agent = shell->agent,
        .key = onset->key,
        .onset = onset,
        .token = name_file(shell, "token", config->http.token_file),
        .password = settings ? name_file(shell, "password", settings->password_file) : NULL,
        .asked_us = onset->due_us,
        .now_us = onset->due_us,
    };
    struct vg_request before = {0};
    if (settings && settings->token_command.n)
        in.token = name_file(shell, "token of the program", settings->token_command.items[0]);
    in.token = name_pair(shell, system, in.token);
    for (int i = 0; i < STEPS; i++) {
        struct vg_request request = {0};
        if (system->render(&in, shell->arena, &request, i ? &ignored : err) < 0)
            return i ? 0 : -1;
        if (is_same(&before, &request))
            return 0;
        before = request;
        if (i)
            putchar('\n');
        print_one(&request);
        bool looks = request.run || !strcmp(request.method, "GET");
        if (!in.token && !looks && !names_key(&request, onset->key)) {
            in.token = "(token of this log-in)";
        } else if (in.step == system->asks) {
            return 0;
        } else {
            in.step = system->asks;
            in.memory = system->recalls;
        }
    }
    return 0;
}

int vg_retrain_rehearse(struct vg_shell *shell, const struct vg_retraining *config, const char *by,
                        const char *why)
{
    struct vg_error err = {0};
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    const struct vg_cycle_env env = vg_shell_env(shell);
    const struct vg_cycle now = {.dataset = "", .now_us = now_us, .due_us = now_us};
    const struct vg_saying saying = {&env, &now, shell->arena};
    struct vg_retrain_wish wish = {.by = by, .why = why, .asked_us = now_us};
    struct vg_retrain_in in;
    struct vg_retrain_out out;
    char asked[24];
    snprintf(asked, sizeof asked, "%" PRId64, now_us);
    const char *const of[] = {shell->agent, config->model, "by hand", asked};
    vg_hash_hex(wish.key, of, 4);
    wish.force = shell->options->force;
    if (vg_retrain_gather(&saying, config, &in, &err) < 0)
        return vg_shell_fail(&err);
    in.beside = true;
    if (vg_retrain_by_hand(&in, &wish, shell->arena, &out, &err) < 0)
        return vg_shell_fail(&err);
    const struct vg_decision *last = &out.decisions[out.ndecisions - 1];
    bool held = last->kind == VG_DECIDED_WITHHELD;
    printf("nothing is sent; the request would be %s: ", held              ? "withheld"
                                                         : config->dry_run ? "kept back by dry_run"
                                                                           : "made");
    vg_show_text(stdout, last->reason);
    fputs("\n\n", stdout);
    if (print_requests(shell, config, &out.onset, &err) < 0)
        return vg_shell_fail(&err);
    return held ? VG_EXIT_FAILED : 0;
}
