/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stories of a cycle's drift results; layer 5. */
#ifndef PGVIGIL_CYCLE_STORY_H
#define PGVIGIL_CYCLE_STORY_H

#include "agent/loop/cycle.h"

/* Of each drift of a column that fails or warns: `story`, and `why` ends with it. VG_E_MEMORY. */
int vg_cycle_stories(struct vg_work *work, struct vg_error *err);
/* Of one result, whatever its verdict; `why` stays as it is. 1: *out is told, in the work's arena;
 * 0: there is nothing to tell; -1: VG_E_MEMORY. */
int vg_cycle_story(struct vg_work *work, const struct vg_result *result, struct vg_story **out,
                   struct vg_error *err);

#endif
