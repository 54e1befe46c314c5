/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of a cycle's table, now and when it was last seen; layer 5. */
#ifndef PGVIGIL_CYCLE_STRUCTURE_H
#define PGVIGIL_CYCLE_STRUCTURE_H

#include "agent/loop/cycle.h"

/* The structure in a catalogue as text, in arena. VG_E_MEMORY, VG_E_LIMIT above 8 MiB. */
int vg_cycle_structure_text(const struct vg_catalog *catalog, struct vg_arena *arena,
                            const char **out, struct vg_error *err);
/* Whether that failed for the size alone; err is cleared then. */
bool vg_cycle_structure_too_large(struct vg_error *err);
/* What the store says of the last look, into work->last_structure; nothing off ticks. */
int vg_cycle_structure_load(struct vg_work *work, struct vg_error *err);
/* Stores what the catalogue says now, where the cycle's tick has compared it; in a transaction. One
 * that is too large is said once in the log and not kept: there is no last look then. */
int vg_cycle_structure_store(const struct vg_work *work, struct vg_error *err);

#endif
