/* SPDX-License-Identifier: GPL-3.0-or-later */
/* distinct: the number of distinct values between bounds. It is exact for text up to 10 000 values,
 * else an estimate with bounds, and fails when both are outside. */
#include "pgvigil/check.h"

#include <stdio.h>

static int measure_distinct(const struct vg_rule *rule, const struct vg_evidence *evidence,
                            struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    double value, lo, hi;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    bool counted = vg_column_distinct_bounds(column, &value, &lo, &hi);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = (double)vg_column_finite(column);
    if (!counted) {
        snprintf(measure->why, sizeof measure->why, "its distinct values were not counted");
        return 0;
    }
    measure->value = value;
    measure->lo = lo;
    measure->hi = hi;
    measure->bounded = lo < hi;
    const char *plural = value == 1 ? "" : "s";
    if (measure->bounded)
        snprintf(measure->why, sizeof measure->why,
                 "about %.0f (%.0f to %.0f) distinct value%s in %.0f rows", value, lo, hi, plural,
                 measure->n_now);
    else
        snprintf(measure->why, sizeof measure->why, "%.0f distinct value%s in %.0f rows", value,
                 plural, measure->n_now);
    return 0;
}

const struct vg_check_type vg_check_distinct = {
    .name = "distinct",
    .doc = "Number of distinct values between min and max. Above 10 000 texts, and for most "
           "numbers and times, it is an estimate with bounds of about 5 %, and fails when both are "
           "outside. NULL, NaN and infinities are left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_COUNT,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_TOP,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .measure = measure_distinct,
};
