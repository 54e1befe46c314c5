/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What mean, stddev, sum, minimum, maximum, quantile and median share: one number of the summary of
 * a column becomes a measure. Layer 3, pure. */
#ifndef PGVIGIL_CHECK_AGGREGATE_H
#define PGVIGIL_CHECK_AGGREGATE_H

#include "pgvigil/check.h"

struct vg_aggregate {
    const char *name;  /* "mean" */
    double lo, hi;     /* between which it lies; equal: exactly known; NAN: there is none */
    bool is_row_value; /* it is the value of a row, which a private column does not show */
};

/* Adds the measure of a column that was counted. 0, or -1 VG_E_MEMORY. */
int vg_check_aggregate(const struct vg_rule *rule, const struct vg_column_summary *column,
                       const struct vg_aggregate *aggregate, struct vg_measures *out,
                       struct vg_error *err);
/* The q-quantile of the rule's column, as `name`. Errors as of `measure`. */
int vg_check_quantile_of(const struct vg_rule *rule, const struct vg_evidence *evidence, double q,
                         const char *name, struct vg_measures *out, struct vg_error *err);

#endif
