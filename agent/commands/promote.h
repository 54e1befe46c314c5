/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil reference promote, rollback and use: which version is in force; layer 6. Each prints what
 * it did and returns an exit code. */
#ifndef PGVIGIL_COMMANDS_PROMOTE_H
#define PGVIGIL_COMMANDS_PROMOTE_H

#include "agent/commands/shell.h"
#include "agent/loop/capture.h"

/* capture: of one dataset's one reference, here and now. */
int vg_reference_promote(struct vg_shell *shell,
                         int (*capture)(struct vg_shell *shell, const struct vg_dataset *item,
                                        const struct vg_capture_how *how));
int vg_reference_rollback(struct vg_shell *shell);
int vg_reference_use(struct vg_shell *shell);
/* What became of references, newest first; of all datasets with NULL. */
int vg_reference_changes_print(struct vg_shell *shell, const char *dataset);

#endif
