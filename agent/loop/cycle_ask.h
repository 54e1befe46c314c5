/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cycle asks beside the scan, in its snapshot; layer 5. */
#ifndef PGVIGIL_CYCLE_ASK_H
#define PGVIGIL_CYCLE_ASK_H

#include "agent/loop/cycle.h"

/* The next statement of a rule with lookups; sql NULL: it has all its answers. In the arena of the
 * work. Errors as the check says them, VG_E_LIMIT, VG_E_MEMORY. */
struct vg_lookup {
    const char *sql, *connection;
    bool elsewhere; /* not on the dataset's connection */
    bool split;     /* it answers for segments, too */
};
int vg_cycle_lookup(struct vg_work *work, const struct vg_bound *bound,
                    const struct vg_asked_rule *before, struct vg_lookup *out,
                    struct vg_error *err);
/* Sends the statements of the rules that have some, and reads the windows before for those that
 * compare with them. What the server will not answer costs that rule only. -1: the session is of no
 * use any more, out of memory, or the store cannot be read. */
int vg_cycle_ask(struct vg_work *work, struct vg_error *err);
/* After a scan the server rejected: tries the expressions of the plan one by one and notes those it
 * will not evaluate, with its reasons, in work->rejects. All of it takes scan_timeout at most: what
 * is left then is not tried, and what is too slow or too dear is not blamed. -1 as above. */
int vg_cycle_find_rejects(struct vg_work *work, struct vg_error *err);

#endif
