/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_variance: how much the spread of a numeric column has changed, as the logarithm of the
 * ratio of its variance to the reference's. */
#include "checks/check_drift.h"

#include <math.h>
#include <stdio.h>

#include "checks/stat_variance.h"

/* A column without spread has no logarithm of it; other checks see that. */
static int skip_spread(const struct vg_rule *rule, struct vg_measures *out, double sd,
                       const char *where, struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, VG_NODATA,
                             sd == 0 ? "all values in the %s are equal: it has no spread"
                                     : "the %s has too few values, or too large ones, for a spread",
                             where);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static int measure_log_variance(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                struct vg_measures *out, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int found = vg_drift_cells(rule, evidence, out, &drift, err);
    if (found <= 0)
        return found;
    const struct vg_column_summary *now = drift.now, *then = drift.then->total;
    if (!then)
        return vg_drift_skip(rule, out, VG_NODATA, "the reference holds no summary of it", err);
    double sd = vg_column_stddev(now), sd_ref = vg_column_stddev(then);
    double n = (double)vg_column_finite(now), n_ref = (double)vg_column_finite(then);
    if (n > 0 && n_ref > 0 && !(sd > 0 && sd_ref > 0))
        return skip_spread(rule, out, sd > 0 ? sd_ref : sd, sd > 0 ? "reference" : "window", err);
    struct vg_measure *measure = vg_drift_add(rule, out, n, n_ref, &empty, err);
    if (!measure || empty)
        return measure ? 0 : -1;
    struct vg_log_variance found_now =
        vg_log_variance(sd, n, sd_ref, n_ref, vg_kurtosis(drift.fine));
    measure->value = measure->effect = fabs(found_now.value);
    measure->p_value = found_now.p;
    measure->direction = (found_now.value > 0) - (found_now.value < 0);
    char deviation[VG_VALUE_TEXT], before[VG_VALUE_TEXT], change[VG_VALUE_TEXT];
    vg_value_text(found_now.value, VG_UNIT_RATIO, 4, change);
    vg_value_text(sd, VG_UNIT_NONE, 4, deviation);
    vg_value_text(sd_ref, VG_UNIT_NONE, 4, before);
    snprintf(measure->why, sizeof measure->why,
             "log variance changed by %s, standard deviation %s after %s", change, deviation,
             before);
    return 0;
}

const struct vg_check_type vg_check_log_variance = {
    .name = "log_variance",
    .doc = "Change of the column's spread: the logarithm of its variance over the reference's, "
           "whichever way: 0.19 is a standard deviation 10% larger, 1.39 twice as large. A "
           "constant has none. NULLs, NaN and infinities are not tested.",
    VG_DRIFT_TYPE,
    .of_column = true,
    .is_multiple = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .has_p = true,
    .shorthand = "fail",
    .measure = measure_log_variance,
};
