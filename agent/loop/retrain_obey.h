/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people ask about retraining: to approve, to deny, to ask for one by hand; layer 5.
 *
 * The same whether the daemon obeys a row or a command acts without one. Arguments are texts with
 * tabs between their parts.
 */
#ifndef PGVIGIL_LOOP_RETRAIN_OBEY_H
#define PGVIGIL_LOOP_RETRAIN_OBEY_H

#include "agent/loop/cycle.h"

/* Whether the verb is one of these: "retrain-approve", "retrain-deny" (beginning of a key, or a
 * model; by; why), "retrain-fire" (model; by; why; "force" or empty). */
bool vg_retrain_knows(const char *verb);
/* Does it in one transaction; *answer, in arena: "ok: " and what came of it, or why not. env with
 * the configuration and rules in force. A row that was obeyed before a crash is not obeyed again.
 * VG_E_NOT_FOUND, VG_E_USAGE. */
int vg_retrain_obey(const struct vg_cycle_env *env, const struct vg_control *row, int64_t now_us,
                    struct vg_arena *arena, const char **answer, struct vg_error *err);

/* The onset that a text means: the one of this model that has not ended, else the one whose request
 * waits; or the one whose key
 * begins so, ended or not. *found false: there is none. VG_E_USAGE where several keys begin so. */
int vg_retrain_find(struct vg_store *store, const struct vg_config *config, const char *what,
                    struct vg_arena *arena, struct vg_onset *out, bool *found,
                    struct vg_error *err);

#endif
