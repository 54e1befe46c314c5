/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a running daemon by a row in its store. It answers within a second or so. */
#include "agent/commands/control.h"

#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pgvigil/text.h"

enum { PATIENCE_S = 30 };

int vg_control_open(struct vg_shell *shell, bool *beside)
{
    struct vg_error err = {0};
    const char *path = shell->options->state ? shell->options->state : shell->config->state;
    *beside = false;
    if (vg_store_open(path, VG_STORE_DAEMON, &shell->store, &err) == 0)
        return vg_store_name(shell->store, shell->config->name, shell->arena, &shell->agent, &err) <
                       0
                   ? vg_shell_fail(&err)
                   : 0;
    if (err.code != VG_E_LOCKED)
        return vg_shell_fail(&err);
    *beside = true;
    return vg_shell_store(shell, VG_STORE_COMMAND);
}

static int wait_answer(struct vg_shell *shell, int64_t id, const char **answer,
                       struct vg_error *err)
{
    struct timespec pause = {0, 100000000};
    for (int i = 0; i < PATIENCE_S * 10 && !vg_shell_stop; i++) {
        if (vg_store_control_answer(shell->store, id, shell->arena, answer, err) < 0)
            return -1;
        if (*answer)
            return 0;
        nanosleep(&pause, NULL);
    }
    return vg_fail(err, VG_E_TIMEOUT, "the daemon has not answered; it will do it when it can");
}

const char *vg_control_who(struct vg_arena *arena)
{
    const struct passwd *user = getpwuid(getuid());
    return user ? vg_arena_strdup(arena, user->pw_name)
                : vg_arena_printf(arena, "uid %u", (unsigned)getuid());
}

int vg_control_ask(struct vg_shell *shell, const char *verb, const char *argument)
{
    struct vg_error err = {0};
    char by[64];
    snprintf(by, sizeof by, "uid %u", (unsigned)getuid());
    struct vg_control row = {
        .verb = verb,
        .argument = argument,
        .by = by,
        .at_us = shell->clock->ops->now_us(shell->clock),
    };
    int64_t id;
    const char *answer = NULL;
    if (vg_store_control_put(shell->store, &row, &id, &err) < 0 ||
        wait_answer(shell, id, &answer, &err) < 0)
        return vg_shell_fail(&err);
    if (vg_streq(answer, "ok"))
        return 0;
    if (!strncmp(answer, "ok: ", 4)) {
        puts(answer + 4);
        return 0;
    }
    fprintf(stderr, "pgvigil: %s\n", answer);
    return VG_EXIT_FAILED;
}
