/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unknown_names: of a long source, the share of rows whose name is none of its columns, because
 * neither the reference nor the rule file knows it. Such rows are counted nowhere else. */
#include "pgvigil/check.h"

#include <string.h>

static int measure_unknown_names(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                 struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    if (!rule->dataset->long_source.name) {
        int rc = vg_measure_skip(out, rule, VG_UNKNOWN, "the source is not long");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found > 0)
        strncat(measure->why, " with a name that is no column",
                sizeof measure->why - strlen(measure->why) - 1);
    return found < 0 ? -1 : 0;
}

static void validate_unknown_names(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->long_source.name)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL,
                    "source: {long: {name: ..., value: ...}}",
                    "unknown_names is for a long source");
}

const struct vg_check_type vg_check_unknown_names = {
    .name = "unknown_names",
    .doc =
        "Of a long source: share of rows whose name is no column, neither of the reference nor of "
        "the rule file. Every long source has it, with `warn: 0`, unless it is written.",
    .class = VG_CLASS_SCHEMA,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .filterable = true,
    .needs = VG_NEEDS_NAMES,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .validate = validate_unknown_names,
    .measure = measure_unknown_names,
};
