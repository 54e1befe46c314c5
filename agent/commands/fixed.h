/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of pgvigil.yaml that only a start takes up; layer 6. */
#ifndef PGVIGIL_COMMAND_FIXED_H
#define PGVIGIL_COMMAND_FIXED_H

#include "agent/commands/shell.h"

/* What the daemon was started with, in the shell's arena. */
struct vg_fixed {
    const char *name, *listen, *state; /* listen NULL: no web server; state NULL: by --state */
    size_t workers;
};
enum { VG_FIXED_TEXT = 1200 };

/* To be called at the start, before the configuration is handed on; takes back the notice that an
 * earlier run left in the store. 0 or an exit code, said on stderr. */
int vg_fixed_note(const struct vg_shell *shell, struct vg_fixed *out);
/* After a reload: says in the log which of them the new configuration changes, and leaves it in the
 * store for `pgvigil status`. out: the same, a sentence each; "" when nothing differs. */
void vg_fixed_compare(const struct vg_shell *shell, const struct vg_fixed *fixed,
                      const struct vg_config *config, char out[VG_FIXED_TEXT]);

#endif
