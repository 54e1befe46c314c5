/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rehearsing rules over past windows; layer 3, pure.
 *
 * What a rule measured in each window goes through the same alert states and incidents as live
 * results: what would have been opened, had the rule been in force then, and which limit would have
 * opened one incident at most. The windows are those of a backtest, or the base windows of the
 * reference, each compared with the whole of it (on the coarse grid, whose D is at most 1/200 below
 * the exact one).
 */
#ifndef PGVIGIL_REHEARSE_H
#define PGVIGIL_REHEARSE_H

#include "pgvigil/event.h"
#include "pgvigil/rule.h"

struct vg_rehearsed_segment {
    const char *name;
    const double *d; /* as those of all rows */
};
struct vg_rehearsed_rule {
    const struct vg_rule *rule;
    const double *d;                             /* per window; NAN: too few rows */
    const struct vg_rehearsed_segment *segments; /* judged by the same limit */
    size_t nsegments;
    size_t incidents; /* it alone would have opened, at its own limit */
    double least;     /* smallest limit such that neither it nor a higher one opens more than one,
                       * rounded up: vg_rehearse_round(); NAN: there is no window to tell */
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
/* A number that people read, not below x >= 0: .001 apart from .01 to 1, three leading digits
 * above, two below. */
double vg_rehearse_round(double x);

#endif
