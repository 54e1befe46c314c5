/* SPDX-License-Identifier: GPL-3.0-or-later */
/* freshness: age of the newest row. The newest time up to now counts, rows of the future do not; a
 * table without such a row fails. */
#include "pgvigil/check.h"

#include <math.h>
#include <stdio.h>

static void validate_freshness(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->time_column)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "set source.time_column",
                    "freshness needs a time column");
    if ((rule->limits.has_fail && rule->limits.fail <= 0) ||
        (rule->limits.has_warn && rule->limits.warn <= 0))
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "freshness: 8h",
                    "no row is so fresh: the limit must be more than 0s");
}

/* Without an index the newest time is known after each scan only: between them there is nothing to
 * look at. Any other reason keeps us from looking. */
static enum vg_verdict judge_absence(const struct vg_rule *rule, const struct vg_evidence *evidence)
{
    const char *name = rule->dataset->time_column;
    const struct vg_catalog_column *time =
        name && evidence->catalog ? vg_catalog_find(evidence->catalog, name) : NULL;
    return time && time->kind == VG_KIND_TIME && !time->indexed_first ? VG_NODATA : VG_UNKNOWN;
}

static int measure_freshness(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    const struct vg_live *live = evidence->live;
    if (!live || !live->has_newest) {
        const char *why = live && live->newest_why ? live->newest_why : "it was not looked up";
        int rc = vg_measure_skip(out, rule, judge_absence(rule, evidence),
                                 "the newest row is not known: %s", why);
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (live->newest_us == VG_NEVER) {
        measure->value = INFINITY;
        snprintf(measure->why, sizeof measure->why, "no row with a time up to now");
        return 0;
    }
    char text[VG_VALUE_TEXT];
    measure->value = fmax(0, (double)(evidence->now_us - live->newest_us) / (double)VG_US);
    snprintf(measure->why, sizeof measure->why, "newest row %s old",
             vg_value_text(measure->value, VG_UNIT_SECONDS, 3, text));
    return 0;
}

const struct vg_check_type vg_check_freshness = {
    .name = "freshness",
    .doc = "Age of the newest row, by the time column. A table without rows fails.",
    .class = VG_CLASS_FRESHNESS,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_SECONDS,
    .shorthand = "fail",
    .validate = validate_freshness,
    .measure = measure_freshness,
};
