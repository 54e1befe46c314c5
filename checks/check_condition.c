/* SPDX-License-Identifier: GPL-3.0-or-later */
/* condition: the share of rows on which a condition in SQL, over any columns of the row, does not
 * hold. A row on which it is NULL is not tested, unless `nulls: fail` makes it offend. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "checks/ask_row.h"

enum { NULLS_SKIP, NULLS_FAIL };
static const char *const nulls_choices[] = {"skip", "fail", NULL};

struct params {
    const char *holds;
    int nulls;
};

static int write_condition(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct params *params = asked->rule->params;
    (void)err;
    vg_ask_row_holds(out, params->holds, params->nulls == NULLS_FAIL);
    return 0;
}

static int measure_condition(const struct vg_rule *rule, const struct vg_evidence *evidence,
                             struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " do not meet the condition");
    return 0;
}

static const struct vg_param condition_params[] = {
    {"holds", VG_PARAM_SQL, offsetof(struct params, holds), true, NULL, NULL,
     "SQL condition that must be true of every row"},
    {"nulls", VG_PARAM_CHOICE, offsetof(struct params, nulls), false, "skip", nulls_choices,
     "what a row is on which the condition is NULL: skip leaves it out, fail lets it offend"},
};

const struct vg_check_type vg_check_condition = {
    .name = "condition",
    .doc = "Share of rows on which an SQL condition across columns does not hold. Rows on which it "
           "is NULL are not tested, unless nulls: fail.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .filterable = true,
    .needs = VG_NEEDS_CONDITION,
    .min_rows = 1,
    .shorthand = "holds",
    .default_fail = "0",
    .params = condition_params,
    .nparams = sizeof condition_params / sizeof *condition_params,
    .params_size = sizeof(struct params),
    .offends = vg_check_offends_condition,
    .condition = write_condition,
    .measure = measure_condition,
};
