/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading and printing a rehearsal of a dataset's drift rules over its reference; layer 6. */
#ifndef PGVIGIL_COMMAND_REHEARSAL_H
#define PGVIGIL_COMMAND_REHEARSAL_H

#include "agent/commands/shell.h"

/* Prints what the drift rules of threshold policy would have opened over the reference in use, and
 * what the budget's replay over it came to; nothing where there is none, or one base window only.
 * 0 or -1 (said on stderr). */
int vg_rehearsal_print(struct vg_shell *shell, const struct vg_dataset *dataset, FILE *out);

#endif
