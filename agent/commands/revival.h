/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runs when the folder of rules has met with an accident; layer 6. */
#ifndef PGVIGIL_REVIVAL_H
#define PGVIGIL_REVIVAL_H

#include "agent/commands/shell.h"

/* After vg_shell_rules(): when a start must not take what the folder holds (it cannot be read, it
 * holds no rule file, or more than half of the datasets would be retired), the rules become those
 * of the last good texts in the store, and the shell faulty. *why: the reason, a constant, NULL
 * when the folder is taken or the store holds no text that loads. 0 or an exit code, said on
 * stderr. */
int vg_revive_rules(struct vg_shell *shell, const char **why);

#endif
