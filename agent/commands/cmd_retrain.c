/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil retrain: what is asked for and why not, and what people say to it, through the running
 * daemon, or on the state itself where none runs. */
#include <string.h>

#include "agent/commands/control.h"
#include "agent/commands/retrain_rehearse.h"
#include "agent/commands/retrain_show.h"
#include "agent/loop/retrain_obey.h"
#include "pgvigil/text.h"

static int fail_usage(void)
{
    fputs("usage: pgvigil retrain list [MODEL] [--json]\n"
          "       | approve KEY|MODEL [--why TEXT] | deny KEY|MODEL --why TEXT\n"
          "       | fire MODEL --why TEXT [--dry-run] [--force]\n",
          stderr);
    return VG_EXIT_USAGE;
}

static int fail_model(const char *model)
{
    fprintf(stderr, "pgvigil: there is no retraining.%s\n", model);
    return VG_EXIT_USAGE;
}

/* A part of an argument: tabs and line ends stand between parts, and are blanks here. */
static void put_part(struct vg_buf *out, const char *text)
{
    if (out->len)
        vg_buf_putc(out, '\t');
    size_t start = out->len;
    vg_utf8_clean(out, text ? text : "", text ? strlen(text) : 0, true);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '\t' || out->data[i] == '\n')
            out->data[i] = ' ';
    }
}

/* What is not "ok" goes to standard error, and is the exit code 2. */
static int say(const char *answer)
{
    if (!strncmp(answer, "ok", 2)) {
        if (answer[2])
            printf("%s\n", answer + 2 + strspn(answer + 2, ": "));
        return 0;
    }
    fprintf(stderr, "pgvigil: %s\n", answer);
    return VG_EXIT_FAILED;
}

static int act_alone(struct vg_shell *shell, const struct vg_control *row)
{
    struct vg_error err = {0};
    const char *answer = "ok";
    int rc = vg_shell_rules(shell);
    if (rc)
        return rc;
    const struct vg_cycle_env env = vg_shell_env(shell);
    if (vg_retrain_obey(&env, row, row->at_us, shell->arena, &answer, &err) == 0)
        return say(answer);
    fprintf(stderr, "pgvigil: %s\n", err.msg);
    return err.code == VG_E_NOT_FOUND || err.code == VG_E_USAGE ? VG_EXIT_FAILED : vg_exit_of(&err);
}

/* A person speaks of what is open now: by the time the daemon hears it that may be another. */
static int find_meant(struct vg_shell *shell, const char *verb, const char **out)
{
    struct vg_onset *onset = vg_arena_alloc(shell->arena, sizeof *onset);
    struct vg_error err = {0};
    bool found = false;
    if (!onset)
        return VG_EXIT_INTERNAL;
    if (shell->store && strcmp(verb, "retrain-fire") != 0 &&
        vg_retrain_find(shell->store, shell->config, *out, shell->arena, onset, &found, &err) < 0) {
        fprintf(stderr, "pgvigil: %s\n", err.msg);
        return err.code == VG_E_USAGE ? VG_EXIT_FAILED : vg_exit_of(&err);
    }
    *out = found ? onset->key : *out;
    return 0;
}

static int act(struct vg_shell *shell, const char *verb)
{
    const struct vg_options *options = shell->options;
    struct vg_buf text;
    bool beside;
    const char *meant = options->arguments[1];
    if (!strcmp(verb, "retrain-fire") && !vg_config_retraining(shell->config, meant))
        return fail_model(meant);
    int rc = vg_control_open(shell, &beside);
    rc = rc ? rc : find_meant(shell, verb, &meant);
    if (rc)
        return rc;
    vg_buf_init(&text, 1 << 16);
    put_part(&text, meant);
    put_part(&text, vg_control_who(shell->arena));
    put_part(&text, options->why);
    put_part(&text, options->force ? "force" : "");
    const struct vg_control row = {
        .verb = verb,
        .argument = text.data,
        .by = "",
        .at_us = shell->clock->ops->now_us(shell->clock),
    };
    rc = text.failed ? VG_EXIT_INTERNAL
         : beside    ? vg_control_ask(shell, verb, text.data)
                     : act_alone(shell, &row);
    vg_buf_free(&text);
    return rc;
}

static int list(struct vg_shell *shell)
{
    const char *only = shell->options->narguments > 1 ? shell->options->arguments[1] : NULL;
    if (only && !vg_config_retraining(shell->config, only))
        return fail_model(only);
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    if (rc)
        return rc;
    if (shell->store)
        return vg_retrain_list(shell, only);
    puts("no state yet");
    return 0;
}

static int rehearse(struct vg_shell *shell)
{
    const char *model = shell->options->arguments[1];
    const struct vg_retraining *config = vg_config_retraining(shell->config, model);
    if (!config)
        return fail_model(model);
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(shell);
    if (rc)
        return rc;
    if (shell->store)
        return vg_retrain_rehearse(shell, config, vg_control_who(shell->arena),
                                   shell->options->why ? shell->options->why : "a rehearsal");
    fputs("pgvigil: no state yet: nothing is known of the data\n", stderr);
    return VG_EXIT_FAILED;
}

static int do_retrain(struct vg_shell *shell)
{
    const struct vg_options *options = shell->options;
    const char *verb = options->arguments[0];
    bool why = options->why && *options->why, fire = !strcmp(verb, "fire");
    if (!strcmp(verb, "list"))
        return list(shell);
    if (options->narguments != 2 || !*options->arguments[1] ||
        (!fire && (options->dry_run || options->force)))
        return fail_usage();
    if (!strcmp(verb, "approve"))
        return act(shell, "retrain-approve");
    if (!strcmp(verb, "deny") && why)
        return act(shell, "retrain-deny");
    if (fire && options->dry_run)
        return rehearse(shell);
    if (fire && why)
        return act(shell, "retrain-fire");
    return fail_usage();
}

static int run_retrain(const struct vg_options *options)
{
    struct vg_shell shell;
    int rc = vg_shell_open(&shell, options);
    if (!rc)
        rc = do_retrain(&shell);
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_retrain;
const struct vg_command vg_command_retrain = {
    .name = "retrain",
    .arguments = "list [MODEL] | approve KEY|MODEL | deny KEY|MODEL | fire MODEL",
    .doc = "requests for retraining: show, approve, deny, make one by hand",
    .options = "json state why dry-run force",
    .least = 1,
    .most = 2,
    .run = run_retrain,
};
