/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a statement would cost, asked before it is run; layer 5. */
#ifndef PGVIGIL_LOOP_COST_H
#define PGVIGIL_LOOP_COST_H

#include "pgvigil/ports.h"

struct vg_cost_of {
    struct vg_source *source;
    struct vg_session *session;
    double most; /* limits.cost; 0: any, and nothing is asked */
    int64_t timeout_us;
};

/* The total cost in the first line that EXPLAIN writes, "Seq Scan on t  (cost=0.00..35.50
 * rows=..."; negative: there is none. Pure. */
double vg_cost_read(const char *line);
/* VG_E_LIMIT with the estimate and the key to raise when the server's planner finds the SELECT
 * dearer than `most`; errors of the statement as when it is run. */
int vg_cost_guard(const struct vg_cost_of *of, const char *select, struct vg_arena *arena,
                  struct vg_error *err);

#endif
