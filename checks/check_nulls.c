/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nulls: the share of rows in which the column is NULL. NaN is a value. */
#include "pgvigil/check.h"

#include <inttypes.h>
#include <stdio.h>

static int measure_nulls(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = measure->effect = vg_column_null_ratio(column);
    measure->n_now = (double)column->rows;
    snprintf(measure->why, sizeof measure->why, "%" PRIu64 " of %" PRIu64 " rows null",
             column->nulls, column->rows);
    return 0;
}

static int blame_nulls(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    return cell->state == VG_VIEW_NULL;
}

const struct vg_check_type vg_check_nulls = {
    .name = "nulls",
    .doc = "Share of rows in which the column is NULL. NaN is a value, not a NULL.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .needs = VG_NEEDS_COLUMN,
    .min_rows = 1,
    .shorthand = "fail",
    .blames = blame_nulls,
    .measure = measure_nulls,
};
