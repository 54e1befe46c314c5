/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rewritten: how many rows of a window have changed after it was judged, where none may. It speaks
 * only when a window is read again, as schedule.revisit and schedule.immutable say. */
#include "checks/check_revisited.h"

static void validate_rewritten(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->schedule.immutable_us)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "schedule: {immutable: 7d}",
                    "rewritten needs schedule.immutable: windows may change without it");
}

static int measure_rewritten(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_revisited_measure(rule, evidence, out, &measure, err);
    if (found <= 0)
        return found;
    const struct vg_revisit *revisit = evidence->revisit;
    measure->value = revisit->added + revisit->removed + revisit->changed;
    return 0;
}

const struct vg_check_type vg_check_rewritten = {
    .name = "rewritten",
    .doc = "Rows of a window that were added, removed or changed after it was judged, each time it "
           "is read again; none may be. Every dataset with `schedule.immutable` has it, unless it "
           "is written.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_ROWS,
    .needs = VG_NEEDS_REVISIT,
    .shorthand = "fail",
    .default_fail = "0",
    .validate = validate_rewritten,
    .measure = measure_rewritten,
};
