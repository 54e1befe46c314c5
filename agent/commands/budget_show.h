/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the budget of a dataset has learnt from its reference, for people and as JSON; layer 6. */
#ifndef PGVIGIL_BUDGET_SHOW_H
#define PGVIGIL_BUDGET_SHOW_H

#include <jansson.h>

#include "agent/commands/shell.h"

/* What its replay over the reference came to, how many false incidents to expect, and the level and
 * the smallest visible change of every stream, with what is wrong with it. Nothing without rules of
 * the budget or without a store. 0 or -1 (said on stderr). */
int vg_budget_print(struct vg_shell *shell, const struct vg_dataset *dataset, FILE *out);
/* The same of all datasets; NULL after an error, which is said on stderr. */
json_t *vg_budget_json(struct vg_shell *shell);

#endif
