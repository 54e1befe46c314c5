/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that need not be read, and rows that no window holds; layer 5. */
#ifndef PGVIGIL_CYCLE_STILL_H
#define PGVIGIL_CYCLE_STILL_H

#include "agent/loop/cycle.h"

/* With skip_unchanged, before the cycle's own session is opened: whether the table is as it was
 * when it was last read, into work->cycle.unchanged. */
int vg_cycle_still_look(struct vg_work *work, struct vg_error *err);
/* Inside the transaction: what the table was when it was read. */
int vg_cycle_still_store(const struct vg_work *work, struct vg_error *err);
/* With an index on the time column: rows whose time is NULL, infinite or after now. */
int vg_cycle_count_untimed(struct vg_work *work, struct vg_error *err);

#endif
