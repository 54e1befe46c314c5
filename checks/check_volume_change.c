/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volume_change: the rows of the window as a multiple of those of an earlier one, or of several.
 * What is compared with is found by the local wall clock, so that a change of the clock moves
 * nothing. */
#include "checks/check_volume_then.h"

#include <stdio.h>

enum { WEEKS_MAX = 5 };

struct params {
    int against;
    int64_t weeks;
};

static void validate_volume_change(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    if (!rule->dataset->time_column)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "set source.time_column",
                    "volume_change needs a time column");
    if (params->weeks < 1 || params->weeks > WEEKS_MAX)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, NULL,
                    "weeks lies between 1 and 5: no more is kept");
}

/* A segment's rows are kept for the windows to come, as a number that is never 0. */
static void leave_rows(const struct vg_evidence *evidence, struct vg_measures *out)
{
    if (evidence->segment && evidence->now)
        out->items[out->n - 1].fingerprint = evidence->now->rows + 1;
}

static int measure_volume_change(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                 struct vg_measures *out, struct vg_error *err)
{
    static const char *const names[] = {[VG_AGAINST_PREVIOUS] = "in the window before",
                                        [VG_AGAINST_SAME_TIME] = "in the same window of last week",
                                        [VG_AGAINST_AVERAGE] =
                                            "on average in the same window of the weeks before",
                                        [VG_AGAINST_REFERENCE] = "a window in the reference"};
    const struct params *params = rule->params;
    double then = vg_volume_then(rule, evidence, params->against, params->weeks);
    if (!evidence->now || !(then > 0)) {
        int rc = vg_measure_skip(out, rule, evidence->now ? VG_NODATA : VG_UNKNOWN, "%s",
                                 evidence->now ? vg_volume_why(evidence, params->against)
                                               : "the rows were not counted");
        if (rc < 0)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        leave_rows(evidence, out);
        return 0;
    }
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = (double)evidence->now->rows;
    measure->n_ref = then;
    measure->value = measure->effect = measure->n_now / then;
    snprintf(measure->why, sizeof measure->why, "%.0f row%s, %.6g %s", measure->n_now,
             measure->n_now == 1 ? "" : "s", then, names[params->against]);
    leave_rows(evidence, out);
    return 0;
}

static const char *const against_words[] = {"previous", "same_time", "average", "reference", NULL};

static const struct vg_param volume_change_params[] = {
    {"against", VG_PARAM_CHOICE, offsetof(struct params, against), false, "previous", against_words,
     "the window before, the same window of last week, its average over weeks, or the reference"},
    {"weeks", VG_PARAM_INT, offsetof(struct params, weeks), false, "4", NULL,
     "how many weeks the average is over, at most 5"},
};

const struct vg_check_type vg_check_volume_change = {
    .name = "volume_change",
    .doc =
        "Rows of the window as a multiple of earlier ones, between min and max. Not judged where "
        "there are none to compare with, nor by `pgvigil check` without a daemon's state.",
    .class = VG_CLASS_VOLUME,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .is_multiple = true,
    .needs = VG_NEEDS_HISTORY | VG_NEEDS_MARKS,
    .bounds = VG_BOUNDS_ON_VALUE,
    .params = volume_change_params,
    .nparams = sizeof volume_change_params / sizeof *volume_change_params,
    .params_size = sizeof(struct params),
    .validate = validate_volume_change,
    .measure = measure_volume_change,
};
