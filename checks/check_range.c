/* SPDX-License-Identifier: GPL-3.0-or-later */
/* range: the share of values outside [min, max]. NaN and infinities lie outside whatever the
 * bounds; NULLs are not tested. Warn bounds are counted on their own and can only warn. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

static int offends_range(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_bounds *bounds = warn ? &rule->limits.warn_bounds : &rule->limits.bounds;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    if (cell->state != VG_VIEW_VALUE)
        return bounds->has_min || bounds->has_max;
    return (bounds->has_min && cell->num < bounds->min) ||
           (bounds->has_max && cell->num > bounds->max);
}

static const char *write_bound(double bound, enum vg_kind kind, char out[VG_TIME_TEXT])
{
    if (kind == VG_KIND_TIME)
        return vg_format_time((int64_t)bound, out);
    return vg_format_human(bound, 12, out);
}

/* " outside [-120, 900]", " below -120", " above 900" */
static void write_outside(const struct vg_bounds *bounds, enum vg_kind kind, char *out, size_t size)
{
    char min[VG_TIME_TEXT], max[VG_TIME_TEXT];
    write_bound(bounds->min, kind, min);
    write_bound(bounds->max, kind, max);
    if (bounds->has_min && bounds->has_max)
        snprintf(out, size, " outside [%s, %s]", min, max);
    else
        snprintf(out, size, " %s %s", bounds->has_min ? "below" : "above",
                 bounds->has_min ? min : max);
}

static int add(const struct vg_rule *rule, const struct vg_evidence *evidence, bool warn,
               struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, warn ? "#warn" : "", out, &measure, err);
    if (found <= 0)
        return found;
    const struct vg_column_summary *column = vg_summary_column(evidence->now, rule->column);
    measure->at_most = warn ? VG_WARN : VG_FAIL;
    size_t used = strlen(measure->why);
    write_outside(warn ? &rule->limits.warn_bounds : &rule->limits.bounds,
                  column ? column->kind : VG_KIND_NUMBER, measure->why + used,
                  sizeof measure->why - used);
    return 0;
}

static bool has_any(const struct vg_bounds *bounds)
{
    return bounds->has_min || bounds->has_max;
}

static int measure_range(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    if (has_any(&rule->limits.bounds) && add(rule, evidence, false, out, err) < 0)
        return -1;
    return has_any(&rule->limits.warn_bounds) ? add(rule, evidence, true, out, err) : 0;
}

const struct vg_check_type vg_check_range = {
    .name = "range",
    .doc = "Share of values outside min and max (inclusive). NaN and infinities lie outside; NULLs "
           "are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TIME,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .bounds = VG_BOUNDS_ON_ROWS,
    .min_rows = 1,
    .default_fail = "0",
    .offends = offends_range,
    .measure = measure_range,
};
