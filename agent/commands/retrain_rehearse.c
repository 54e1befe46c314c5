/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request for retraining as it would be sent, printed instead: the guards first, then method,
 * address, headers and body. Secrets stay in their files: the files' names stand for them. */
#include "agent/commands/retrain_rehearse.h"

#include <inttypes.h>
#include <string.h>

#include "agent/commands/show.h"
#include "agent/loop/retrain_facts.h"
#include "agent/triggers/trigger.h"
#include "pgvigil/text.h"

static int print_request(struct vg_shell *shell, const struct vg_retraining *config,
                         const struct vg_onset *onset, struct vg_error *err)
{
    struct vg_request request;
    const struct vg_endpoint *http = &config->http;
    const struct vg_trigger trigger = {
        .retraining = config,
        .url = http->url ? http->url
                         : vg_arena_printf(shell->arena, "(address in %s)", http->url_file),
        .agent = shell->agent,
        .onset = onset,
    };
    if (vg_trigger_render(&trigger, shell->arena, &request, err) < 0)
        return -1;
    printf("%s ", request.method);
    vg_show_text(stdout, request.url);
    putchar('\n');
    for (size_t i = 0; i < request.nheaders; i++)
        printf("%s: %s\n", request.headers[i].key, request.headers[i].value);
    if (http->token_file)
        printf("Authorization: Bearer (token in %s)\n", http->token_file);
    printf("\n%.*s\n", (int)request.body_size, (const char *)request.body);
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
    if (print_request(shell, config, &out.onset, &err) < 0)
        return vg_shell_fail(&err);
    return held ? VG_EXIT_FAILED : 0;
}
