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

static void print_header(const struct vg_pair *header)
{
    printf("%s: ", header->key);
    vg_show_text(stdout, header->value);
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

/* The first request of the chain; where that only looks whether the run is there, or logs in, also
 * those that can be made without its answer. */
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
    const char *before = "";
    if (settings && settings->token_command.n)
        in.token = name_file(shell, "token of the program", settings->token_command.items[0]);
    for (int i = 0; i < STEPS; i++) {
        struct vg_request request = {0};
        if (system->render(&in, shell->arena, &request, i ? &ignored : err) < 0)
            return i ? 0 : -1;
        if (!strcmp(request.url, before))
            return 0; /* what follows is made of its answer */
        before = request.url;
        if (i)
            putchar('\n');
        print_one(&request);
        bool asks = request.run || strcmp(request.method, "GET") != 0;
        if (asks && (request.run || names_key(&request, onset->key)))
            return 0;
        if (asks)
            in.token = "(token of this log-in)";
        else
            in.step++;
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
