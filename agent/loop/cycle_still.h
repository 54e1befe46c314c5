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
/* One row of three numbers: the newest time up to now as vg_sql_newest has it (NULL: there is
 * none), rows whose time is NULL or infinite, and rows of the future, each counted up to
 * VG_UNTIMED_MOST. NULL: out of memory. */
const char *vg_cycle_newest_sql(struct vg_work *work);

#endif
