/* SPDX-License-Identifier: GPL-3.0-or-later */
/* length: the share of texts whose length in characters (code points) lies outside [min, max].
 * NULLs are not tested; the padding of a character(n) does not count, as in PostgreSQL's
 * char_length(). Warn bounds are counted on their own and can only warn. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

static void refuse_bounds(const struct vg_rule *rule, const struct vg_bounds *bounds,
                          struct vg_diags *diags)
{
    bool below = (bounds->has_min && bounds->min < 0) || (bounds->has_max && bounds->max < 0);
    bool above = (bounds->has_min && bounds->min > UINT32_MAX) ||
                 (bounds->has_max && bounds->max > UINT32_MAX);
    if (below || above)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "min and max are numbers of characters",
                    "no text has a length %s", below ? "below 0" : "like that");
}

static void validate_length(const struct vg_rule *rule, struct vg_diags *diags)
{
    refuse_bounds(rule, &rule->limits.bounds, diags);
    refuse_bounds(rule, &rule->limits.warn_bounds, diags);
}

static int offends_length(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_bounds *bounds = warn ? &rule->limits.warn_bounds : &rule->limits.bounds;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    uint32_t length = vg_utf8_count(cell->text.data, cell->text.len);
    return (bounds->has_min && length < bounds->min) || (bounds->has_max && length > bounds->max);
}

static int add(const struct vg_rule *rule, const struct vg_evidence *evidence, bool warn,
               struct vg_measures *out, struct vg_error *err)
{
    const struct vg_bounds *bounds = warn ? &rule->limits.warn_bounds : &rule->limits.bounds;
    struct vg_measure *measure;
    if (!bounds->has_min && !bounds->has_max)
        return 0;
    int found = vg_evidence_offending(rule, evidence, warn ? "#warn" : "", out, &measure, err);
    if (found <= 0)
        return found;
    measure->at_most = warn ? VG_WARN : VG_FAIL;
    char min[VG_NUMBER_TEXT], max[VG_NUMBER_TEXT];
    vg_format_human(bounds->min, 12, min);
    vg_format_human(bounds->max, 12, max);
    char *end = measure->why + strlen(measure->why);
    size_t room = sizeof measure->why - strlen(measure->why);
    if (bounds->has_min && bounds->has_max)
        snprintf(end, room, " with a length outside [%s, %s] characters", min, max);
    else
        snprintf(end, room, " %s than %s characters", bounds->has_min ? "shorter" : "longer",
                 bounds->has_min ? min : max);
    return 0;
}

static int measure_length(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    if (add(rule, evidence, false, out, err) < 0)
        return -1;
    return add(rule, evidence, true, out, err);
}

const struct vg_check_type vg_check_length = {
    .name = "length",
    .doc = "Share of texts whose length in characters lies outside min and max (inclusive). NULLs "
           "are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .bounds = VG_BOUNDS_ON_ROWS,
    .min_rows = 1,
    .default_fail = "0",
    .validate = validate_length,
    .offends = offends_length,
    .measure = measure_length,
};
