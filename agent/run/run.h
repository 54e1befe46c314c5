/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs of the user's, run with a message as their standard input, behind the port of the HTTP
 * client; layer 4.
 *
 * A request with `run` starts the program, all others go on to the client behind. No shell, an
 * environment of fixed names, no descriptor but the three standard ones, a process group of its own
 * that is killed as a whole when its time is over, and at most 64 KiB kept of what it says.
 */
#ifndef PGVIGIL_AGENT_RUN_H
#define PGVIGIL_AGENT_RUN_H

#include "pgvigil/ports.h"

/* A port that owns `inner` from here on, also on -1 (VG_E_MEMORY). Programs still running when it
 * is freed are killed. */
int vg_run_new(struct vg_http *inner, struct vg_http **out, struct vg_error *err);

#endif
