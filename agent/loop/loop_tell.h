/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people ask about telling: silences, acknowledgements, rows of the outbox; layer 5.
 *
 * The same whether the daemon obeys a row or a command acts without one. Arguments are texts with
 * tabs between their parts.
 */
#ifndef PGVIGIL_LOOP_TELL_H
#define PGVIGIL_LOOP_TELL_H

#include "agent/loop/cycle.h"
#include "pgvigil/store.h"

/* Whether the verb is one of these: "silence" (severities, from_us, until_us, dataset, rule, tag,
 * by, why; empty: any), "expire" (number), "acknowledge" (beginning of a key or a dataset; by),
 * "outbox-retry" and "outbox-drop" (number or "all"; receiver or empty). */
bool vg_tell_knows(const char *verb);
/* The parts of the row's argument, in arena; those that are missing are "". VG_E_MEMORY. */
int vg_tell_split(const struct vg_control *row, size_t nparts, struct vg_arena *arena,
                  const char **out, struct vg_error *err);
/* Does it, with the store and the agent's name of env; messages say less of their datasets where it
 * has no rules or configuration. *answer, in arena, is "ok" or "ok: " and what came of it.
 * VG_E_USAGE, VG_E_NOT_FOUND where there is nothing to be done. */
int vg_tell_obey(const struct vg_cycle_env *env, const struct vg_control *row, int64_t now_us,
                 struct vg_arena *arena, const char **answer, struct vg_error *err);
/* Whether a command that was obeyed wants what waits to be sent now; *sink: for whom, in arena,
 * NULL for all. */
bool vg_tell_urges(struct vg_store *store, const struct vg_control *row, struct vg_arena *arena,
                   const char **sink);

#endif
