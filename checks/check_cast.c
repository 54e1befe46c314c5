/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cast: the share of texts that could not be converted to the column's type. Every column whose
 * `expr` ends in a cast of a text has it, written or not: elsewhere a single such text would end
 * the statement, here it is counted and left out of the values. */
#include "pgvigil/check.h"

#include <inttypes.h>
#include <stdio.h>

static int measure_cast(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    uint64_t texts = column->rows - column->nulls;
    const struct vg_catalog_column *type =
        evidence->catalog ? vg_catalog_find(evidence->catalog, rule->column) : NULL;
    measure->n_now = (double)texts;
    if (texts)
        measure->value = measure->effect = (double)column->uncast / (double)texts;
    snprintf(measure->why, sizeof measure->why, "%" PRIu64 " of %" PRIu64 " values are no %.60s",
             column->uncast, texts, type && type->type ? type->type : "value of the type");
    return 0;
}

const struct vg_check_type vg_check_cast = {
    .name = "cast",
    .doc = "Share of values that could not be converted to the column's type, of a column whose "
           "`expr` ends in a cast of a text, or whose values Feast has serialised. Such columns "
           "have it, with `fail: 0`, unless it is written. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .measure = measure_cast,
};
