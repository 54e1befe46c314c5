/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a running daemon to do something, by a row in its store; layer 6. */
#ifndef PGVIGIL_CONTROL_H
#define PGVIGIL_CONTROL_H

#include "agent/commands/shell.h"

/* Opens the store to change it: directly when no daemon runs (*beside false), else beside it. */
int vg_control_open(struct vg_shell *shell, bool *beside);
/* Leaves the row and waits for the daemon's answer, at most 30 s; prints what it
 * says beyond "ok". */
int vg_control_ask(struct vg_shell *shell, const char *verb, const char *argument);

/* Who runs this: a name of the system, or "uid 1000". In arena. */
const char *vg_control_who(struct vg_arena *arena);

#endif
