/* SPDX-License-Identifier: GPL-3.0-or-later */
/* future: the share of times later than the end of the window (of a table without time column: than
 * now) by more than `ahead`. +infinity is later than all; NULLs are not tested. A replay of the
 * past judges as it would have then, as the end of the window counts and not the clock. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

struct params {
    int64_t ahead_us;
};

static void validate_future(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (vg_streq(rule->column, rule->dataset->time_column))
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL,
                    "rows of the future belong to windows that are still to come",
                    "no row of a window is later than its end by the time column itself");
}

static int offends_future(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct params *params = rule->params;
    (void)warn;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    if (cell->state != VG_VIEW_VALUE)
        return cell->state == VG_VIEW_PINF;
    return cell->num > (double)cell->until_us + (double)params->ahead_us;
}

static int measure_future(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    char ahead[VG_DURATION_TEXT];
    size_t used = strlen(measure->why);
    const char *than = rule->dataset->time_column ? "the end of the window" : "now";
    vg_format_duration(params->ahead_us, ahead);
    if (params->ahead_us)
        snprintf(measure->why + used, sizeof measure->why - used, " more than %s later than %s",
                 ahead, than);
    else
        snprintf(measure->why + used, sizeof measure->why - used, " later than %s", than);
    return 0;
}

static const struct vg_param future_params[] = {
    {"ahead", VG_PARAM_DURATION, offsetof(struct params, ahead_us), false, "0s", NULL,
     "how far ahead of the window's end a time may lie"},
};

const struct vg_check_type vg_check_future = {
    .name = "future",
    .doc = "Share of times later than the window's end; than now, if the table has no time column. "
           "NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_TIME,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE | VG_NEEDS_OTHERS,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .params = future_params,
    .nparams = sizeof future_params / sizeof *future_params,
    .params_size = sizeof(struct params),
    .validate = validate_future,
    .offends = offends_future,
    .measure = measure_future,
};
