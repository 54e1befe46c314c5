/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stuck: how many windows running hold the very same values: a feed that repeats itself. Each
 * window leaves a fingerprint of what the rule saw in it, of its column or of all that are
 * counted. */
#include "pgvigil/check.h"

#include <stdio.h>

#include "checks/check_stuck_print.h"
#include "pgvigil/text.h"

static void validate_stuck(const struct vg_rule *rule, struct vg_diags *diags)
{
    if (!rule->dataset->time_column)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "set source.time_column",
                    "stuck needs a time column");
    if (rule->dataset->sample.mode != VG_SAMPLE_ALL)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "leave sample out",
                    "stuck needs all rows, and this dataset is sampled");
    if (rule->limits.has_fail && rule->limits.fail < 2)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "for example stuck: 3",
                    "a window is the first of its kind: stuck needs a limit of at least 2 windows");
}

static void describe(const struct vg_evidence *evidence, size_t same, struct vg_measure *measure)
{
    measure->look = same ? VG_PASS : VG_NODATA;
    measure->value = (double)same;
    if (same > 1)
        snprintf(measure->why, sizeof measure->why, "the same values in %zu windows running", same);
    else if (same)
        snprintf(measure->why, sizeof measure->why, "other values than in the window before");
    else
        snprintf(measure->why, sizeof measure->why, "%s",
                 evidence->history ? "the window before left nothing to compare with"
                                   : "windows judged before are known to the daemon's state only");
}

static int skip(const struct vg_rule *rule, const char *why, struct vg_measures *out,
                struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, VG_NODATA, "%s", why);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static int measure_stuck(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *column = NULL;
    int found = rule->column ? vg_evidence_column(rule, evidence, out, &column, err) : 1;
    if (found <= 0)
        return found;
    if (!column && (!evidence->now || !evidence->now->ncolumns))
        return skip(rule, "no column is counted: no rule needs one", out, err);
    bool is_private = column && vg_dataset_is_private(rule->dataset, rule->column);
    bool none = column && !vg_stuck_may_print(column, is_private);
    uint64_t print = column ? vg_stuck_print(column, is_private, out->arena)
                            : vg_stuck_print_all(evidence->now, rule->dataset, &none, out->arena);
    if (print && none)
        return skip(rule, "too few values of private columns to leave a fingerprint", out, err);
    struct vg_measure *measure = print ? vg_measure_add(out, rule) : NULL;
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->fingerprint = print;
    measure->n_now = (double)(column ? column->rows : evidence->now->rows);
    describe(evidence, vg_stuck_same(rule, evidence, print), measure);
    return 0;
}

const struct vg_check_type vg_check_stuck = {
    .name = "stuck",
    .doc = "Windows running, this one included, that hold the very same values, in whatever order; "
           "fails at the limit, 3 by default. Under checks: all columns with rules but the time "
           "column. Private columns with fewer than 10 values are left out. Not judged by "
           "`pgvigil check` without a daemon's state.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_COUNT,
    .of_column = true,
    .of_both = true,
    .filterable = true,
    .at_limit = true,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_HISTORY | VG_NEEDS_MARKS,
    .min_rows = 10,
    .shorthand = "fail",
    .default_fail = "3",
    .validate = validate_stuck,
    .measure = measure_stuck,
};
