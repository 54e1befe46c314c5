/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rehearsing drift rules over the reference itself; layer 3, pure.
 *
 * Each base window of the reference is compared with the whole of it, and the results go through
 * the same alert states and incidents as live ones: what would have been opened, had the rules been
 * in force then, and which limit would have opened one incident at most. It speaks of the coarse
 * grid, whose D is at most 1/200 below the exact one.
 */
#ifndef PGVIGIL_REHEARSE_H
#define PGVIGIL_REHEARSE_H

#include "pgvigil/event.h"
#include "pgvigil/rule.h"

struct vg_rehearsed_rule {
    const struct vg_rule *rule;
    const double *d;  /* per base window; NAN: too few rows */
    size_t incidents; /* it alone would have opened, at its own limit */
    double least;     /* smallest limit that opens at most one, rounded up to .001;
                       * NAN: none does */
};
struct vg_rehearsal {
    const struct vg_dataset *dataset;
    const struct vg_window *windows;
    size_t nwindows;
    struct vg_rehearsed_rule *rules;
    size_t nrules;
    size_t incidents; /* of the dataset, all rules together */
};

/* Fills incidents and least from rules, d and windows. 0, or -1 VG_E_MEMORY. */
int vg_rehearse(struct vg_rehearsal *rehearsal, struct vg_error *err);

#endif
