/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all drift checks share: the window's column beside the reference's, and the reasons for
 * which the two must not be compared. A changed type is said here, once, and is never drift.
 * Layer 3, pure. */
#ifndef PGVIGIL_CHECK_DRIFT_H
#define PGVIGIL_CHECK_DRIFT_H

#include "checks/stat_ks.h"
#include "pgvigil/check.h"

/* What all their types say. The reference is of all rows, so none may be asked of some of them:
 * these are another population. */
#define VG_DRIFT_TYPE                                                                              \
    .class = VG_CLASS_DRIFT, .cadence = VG_ON_WINDOW, .unit = VG_UNIT_RATIO, .filterable = false,  \
    .needs_reference = true, .policy = VG_POLICY_THRESHOLD, .min_rows = 200

struct vg_drift {
    const struct vg_column_summary *now;
    const struct vg_reference_column *then;
    const struct vg_distribution *fine; /* of vg_drift_cells() */
    struct vg_ks_counts counts;         /* of vg_drift_cells(): both on the reference's fine grid */
};

/* A measure that could not look; 0, or -1 VG_E_MEMORY. */
int vg_drift_skip(const struct vg_rule *rule, struct vg_measures *out, enum vg_verdict look,
                  const char *why, struct vg_error *err);
/* The column now and in the reference: 1, or 0 and a measure says why they are not comparable, or
 * -1 VG_E_MEMORY. */
int vg_drift_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                  struct vg_measures *out, struct vg_drift *drift, struct vg_error *err);
/* The same with the counts of a numeric column. */
int vg_drift_cells(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_drift *drift, struct vg_error *err);
/* A new measure that rests on n_now and n_ref values. Without any in one of them its value stays
 * NAN and its why says so, and *empty is set. NULL and VG_E_MEMORY. */
struct vg_measure *vg_drift_add(const struct vg_rule *rule, struct vg_measures *out, double n_now,
                                double n_ref, bool *empty, struct vg_error *err);
/* "NAME 0.21", or "NAME between 0.2 and 0.23"; sets value, bounds and effect, value being the lower
 * bound, and bounded where the bounds differ or may. */
void vg_drift_bounds(struct vg_measure *measure, const char *name, double lo, double hi,
                     bool bounded);
/* The same where the value is known but for ties: "NAME 0.21, 0.2 to 0.23 by how values are
 * tied". */
void vg_drift_tied(struct vg_measure *measure, const char *name, double value, double lo,
                   double hi);
/* A value that chance exceeds once in a thousand windows at this number of rows is its noise floor:
 * says it, and below it a threshold cannot be broken. */
void vg_drift_floor(struct vg_measure *measure, double floor);

#endif
