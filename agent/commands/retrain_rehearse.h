/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `pgvigil retrain fire --dry-run` prints; layer 6. */
#ifndef PGVIGIL_RETRAIN_REHEARSE_H
#define PGVIGIL_RETRAIN_REHEARSE_H

#include "agent/commands/shell.h"

/* The guards as they are now, and the request that would be sent, without secrets. Changes nothing
 * and sends nothing. 0, 2 where it would be withheld, or another exit code. */
int vg_retrain_rehearse(struct vg_shell *shell, const struct vg_retraining *config, const char *by,
                        const char *why);

#endif
