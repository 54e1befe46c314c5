/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One number of a column's summary as a measure. NULL, NaN and infinities are never part of it. Of
 * a private column no number is shown that is the value of a row, or is of a few rows. */
#include "checks/check_aggregate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "agent/summary/private.h"
#include "pgvigil/text.h"

enum { DIGITS = 6 };

static int refuse_private(const struct vg_rule *rule, const char *name, struct vg_measures *out,
                          struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, VG_UNKNOWN,
                             "column %s is private and its %s would show a value: use range",
                             rule->column, name);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static int refuse_few(const struct vg_rule *rule, const char *name, uint64_t n,
                      struct vg_measures *out, struct vg_error *err)
{
    int rc =
        vg_measure_skip(out, rule, VG_NODATA,
                        "column %s is private and the %s of fewer than %d values is not shown: "
                        "it has %" PRIu64,
                        rule->column, name, VG_PRIVATE_ROWS, n);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static char *write_number(const struct vg_measure *measure, double x, char out[VG_TIME_TEXT])
{
    return measure->is_time ? vg_format_time((int64_t)x, out) : vg_format_human(x, DIGITS, out);
}

static void describe(struct vg_measure *measure, const struct vg_aggregate *aggregate)
{
    char lo[VG_TIME_TEXT], hi[VG_TIME_TEXT];
    write_number(measure, aggregate->lo, lo);
    write_number(measure, aggregate->hi, hi);
    if (isnan(measure->value))
        snprintf(measure->why, sizeof measure->why, "the %s of its values is not known",
                 aggregate->name);
    else if (measure->bounded && !vg_streq(lo, hi))
        snprintf(measure->why, sizeof measure->why, "%s between %s and %s, of %.0f value%s",
                 aggregate->name, lo, hi, measure->n_now, measure->n_now == 1 ? "" : "s");
    else
        snprintf(measure->why, sizeof measure->why, "%s %s of %.0f value%s", aggregate->name, lo,
                 measure->n_now, measure->n_now == 1 ? "" : "s");
}

int vg_check_aggregate(const struct vg_rule *rule, const struct vg_column_summary *column,
                       const struct vg_aggregate *aggregate, struct vg_measures *out,
                       struct vg_error *err)
{
    bool is_private = vg_dataset_is_private(rule->dataset, rule->column);
    if (is_private && aggregate->is_row_value)
        return refuse_private(rule, aggregate->name, out, err);
    if (is_private && vg_column_finite(column) < VG_PRIVATE_ROWS)
        return refuse_few(rule, aggregate->name, vg_column_finite(column), out, err);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = (double)vg_column_finite(column);
    measure->is_time = column->kind == VG_KIND_TIME;
    if (measure->n_now > 0) {
        measure->lo = aggregate->lo;
        measure->hi = aggregate->hi;
        measure->bounded = aggregate->lo < aggregate->hi;
        measure->value =
            aggregate->lo == aggregate->hi ? aggregate->lo : aggregate->lo / 2 + aggregate->hi / 2;
    }
    describe(measure, aggregate);
    return 0;
}

int vg_check_quantile_of(const struct vg_rule *rule, const struct vg_evidence *evidence, double q,
                         const char *name, struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column;
    struct vg_aggregate aggregate = {.name = name, .lo = NAN, .hi = NAN, .is_row_value = true};
    int found = vg_evidence_column(rule, evidence, out, &column, err);
    if (found <= 0)
        return found;
    if (!vg_column_quantile(column, q, &aggregate.lo, &aggregate.hi))
        aggregate.lo = aggregate.hi = NAN;
    return vg_check_aggregate(rule, column, &aggregate, out, err);
}
