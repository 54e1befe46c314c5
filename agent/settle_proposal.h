/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drift that lasts: after two weeks the change may have become normal, and the reference is what is
 * out of date. That is said once of an alert, never done; layer 3, pure. */
#ifndef PGVIGIL_SETTLE_PROPOSAL_H
#define PGVIGIL_SETTLE_PROPOSAL_H

#include "pgvigil/event.h"

/* Whether a new reference is to be proposed: drift fires for 14 days against one that does not move
 * by itself. dataset NULL: no. */
bool vg_proposal_due(const struct vg_alert *alert, const struct vg_dataset *dataset,
                     int64_t now_us);
/* "drifting for 15 days: has the change become normal? Then: pgvigil reference promote t --window
 * 14d". In arena; NULL without memory. */
const char *vg_proposal_text(const struct vg_alert *alert, int64_t now_us, struct vg_arena *arena);

#endif
