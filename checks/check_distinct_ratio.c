/* SPDX-License-Identifier: GPL-3.0-or-later */
/* distinct_ratio: distinct values as a share of the values, between bounds: 100 % where none occurs
 * twice. Exact and bounded as distinct is. */
#include "pgvigil/check.h"

#include <math.h>
#include <stdio.h>

static int measure_distinct_ratio(const struct vg_rule *rule, const struct vg_evidence *evidence,
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
    double n = measure->n_now = (double)vg_column_finite(column);
    if (!counted || n == 0) {
        snprintf(measure->why, sizeof measure->why, "its distinct values were not counted");
        return 0;
    }
    measure->value = fmin(1, value / n);
    measure->lo = lo / n;
    measure->hi = fmin(1, hi / n);
    measure->bounded = lo < hi;
    snprintf(measure->why, sizeof measure->why, "%s%.0f distinct value%s in %.0f rows",
             measure->bounded ? "about " : "", value, value == 1 ? "" : "s", n);
    return 0;
}

const struct vg_check_type vg_check_distinct_ratio = {
    .name = "distinct_ratio",
    .doc = "Distinct values as a share of all values, between min and max; 100% where none occurs "
           "twice. An estimate with bounds where distinct is one; to prove that values are unique "
           "use unique. NULL, NaN and infinities are left out.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_TOP,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .measure = measure_distinct_ratio,
};
