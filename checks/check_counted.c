/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The share of the numbers of a column that have a property which every scan counts anyway: it
 * costs nothing per row, and therefore knows no keys of offending rows. */
#include "checks/check_counted.h"

#include <inttypes.h>
#include <stdio.h>

int vg_counted_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       uint64_t (*count)(const struct vg_column_summary *column), const char *what,
                       struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    uint64_t numbers = column->rows - column->nulls - column->uncast, n = count(column);
    measure->n_now = (double)numbers;
    if (numbers)
        measure->value = measure->effect = (double)n / (double)numbers;
    snprintf(measure->why, sizeof measure->why, "%" PRIu64 " of %" PRIu64 " numbers %s", n, numbers,
             what);
    return 0;
}
