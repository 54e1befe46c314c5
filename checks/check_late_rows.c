/* SPDX-License-Identifier: GPL-3.0-or-later */
/* late_rows: how much a window has changed since it was judged, as a share of the rows it had. It
 * speaks only when a window is read again, as schedule.revisit says. */
#include "checks/check_revisited.h"

static void validate_late_rows(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->schedule.nrevisits)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "schedule: {revisit: [1h, 1d]}",
                    "late_rows needs schedule.revisit: no window is read again without it");
}

static int measure_late_rows(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_revisited_measure(rule, evidence, out, &measure, err);
    if (found <= 0)
        return found;
    const struct vg_revisit *revisit = evidence->revisit;
    double rows = revisit->rows_then ? (double)revisit->rows_then : 1;
    measure->value = (revisit->added + revisit->removed + revisit->changed) / rows;
    return 0;
}

const struct vg_check_type vg_check_late_rows = {
    .name = "late_rows",
    .doc = "Share of a window's rows that were added, removed or changed since it was judged, each "
           "time it is read again. Every dataset with `schedule.revisit` has it, with 1% and the "
           "severity warning, unless it is written. The window's own rules are not judged again.",
    .class = VG_CLASS_VOLUME,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_RATIO,
    .is_multiple = true,
    .needs = VG_NEEDS_REVISIT,
    .shorthand = "fail",
    .default_fail = "1%",
    .validate = validate_late_rows,
    .measure = measure_late_rows,
};
