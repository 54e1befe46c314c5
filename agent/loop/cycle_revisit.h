/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows that are read again after they were judged; layer 5. */
#ifndef PGVIGIL_CYCLE_REVISIT_H
#define PGVIGIL_CYCLE_REVISIT_H

#include "agent/loop/cycle.h"

/* Of a cycle that is a revisit: which window it is, into the job. *found false: none is due. */
int vg_cycle_revisit_load(struct vg_work *work, bool *found, struct vg_error *err);
/* After its scan: what has changed, into work->revisit. */
int vg_cycle_revisit_compare(struct vg_work *work, struct vg_error *err);
/* Its read failed; `scanning`: in the scan. Whether it is given up until the next time. */
bool vg_cycle_revisit_over(const struct vg_work *work, bool scanning);
/* Inside the transaction of any cycle: what a judged window must be for its revisits, or what a
 * revisit has found; when the next one is due goes to `after`. */
int vg_cycle_revisit_store(struct vg_work *work, struct vg_progress *after, struct vg_error *err);

#endif
