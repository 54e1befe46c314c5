/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `pgvigil explain DATASET RULE` says; layer 6. */
#ifndef PGVIGIL_EXPLAIN_DRIFT_H
#define PGVIGIL_EXPLAIN_DRIFT_H

#include "agent/commands/shell.h"

/* Reads and judges the newest closed window and prints what the rule finds, with the story of its
 * drift also where it passes. Writes no state. An exit code; 64 for a rule that is none. */
int vg_explain_drift(struct vg_shell *shell, const struct vg_dataset *dataset, const char *rule);

#endif
