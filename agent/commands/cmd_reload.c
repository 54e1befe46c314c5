/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil reload: asks the running daemon to read its files again. */
#include "agent/commands/control.h"

static int run_reload(const struct vg_options *options)
{
    struct vg_shell shell;
    int rc = vg_shell_open(&shell, options);
    bool beside = false;
    if (!rc)
        rc = vg_control_open(&shell, &beside);
    if (!rc && !beside) {
        fputs("pgvigil: no daemon runs on this state; files are read when one starts\n", stderr);
        rc = VG_EXIT_FAILED;
    } else if (!rc) {
        rc = vg_control_ask(&shell, "reload", options->force ? "force" : "");
    }
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_reload;
const struct vg_command vg_command_reload = {
    .name = "reload",
    .arguments = "",
    .doc = "the running daemon reads its files again, as on SIGHUP",
    .options = "force state",
    .run = run_reload,
};
