/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reconstruction: how well the principal components of the reference rebuild the rows of the
 * window, beside how well they rebuild its own: 1 without change. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks/check_drift.h"
#include "checks/check_pairs.h"
#include "checks/stat_pairs.h"

enum { DIGITS = 4 };
/* A normal value is farther from its mean once in a thousand times. */
static const double floor_deviations = 3.290526731491926, least_error = 1e-9;

/* Says the noise floor; a ratio within it breaks nothing. */
static void heed_floor(struct vg_measure *measure, double spread)
{
    char text[VG_VALUE_TEXT];
    size_t used = strlen(measure->why);
    double floor = floor_deviations * spread * sqrt(1 / measure->n_now + 1 / measure->n_ref);
    bool within = !(fabs(measure->value - 1) > floor);
    vg_value_text(floor, VG_UNIT_RATIO, DIGITS, text);
    snprintf(measure->why + used, sizeof measure->why - used,
             ", noise floor 1 +- %s at %.0f rows%s", text, measure->n_now,
             within ? " not passed" : "");
    if (within)
        measure->at_most = VG_PASS;
}

static int rebuild(const struct vg_rule *rule, const struct vg_pairs_drift *drift,
                   struct vg_measures *out, struct vg_error *err)
{
    const struct vg_pairs_params *params = rule->params;
    struct vg_reconstruction error;
    char now[VG_VALUE_TEXT], then[VG_VALUE_TEXT];
    if (vg_pairs_reconstruction(drift->then, drift->now, params->share, &error, err) < 0)
        return -1;
    if (error.columns < 2)
        return vg_drift_skip(rule, out, VG_NODATA,
                             "no two columns vary in the reference and have values now", err);
    if (!(error.then > least_error))
        return vg_drift_skip(rule, out, VG_UNKNOWN,
                             "the components rebuild the reference without error: there is no "
                             "ratio to it",
                             err);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = error.now / error.then;
    measure->effect = measure->value - 1;
    measure->n_now = error.rows_now;
    measure->n_ref = error.rows_then;
    measure->direction = (error.now > error.then) - (error.now < error.then);
    vg_value_text(error.now, VG_UNIT_RATIO, DIGITS, now);
    vg_value_text(error.then, VG_UNIT_RATIO, DIGITS, then);
    snprintf(measure->why, sizeof measure->why,
             "error %s of a column's variance, %s in the reference, by %zu component%s of %zu "
             "columns",
             now, then, error.components, error.components == 1 ? "" : "s", error.columns);
    vg_pairs_say_lost(measure, drift);
    heed_floor(measure, error.spread);
    return 0;
}

static int measure_reconstruction(const struct vg_rule *rule, const struct vg_evidence *evidence,
                                  struct vg_measures *out, struct vg_error *err)
{
    return vg_pairs_measure(rule, evidence, out, rebuild, err);
}

static const struct vg_param reconstruction_params[] = {
    VG_PAIRS_PARAM,
    {"share", VG_PARAM_RATIO, offsetof(struct vg_pairs_params, share), false, "65%", NULL,
     "of the reference's variance that the components must hold"},
};

const struct vg_check_type vg_check_reconstruction = {
    .name = "reconstruction",
    .doc = "Mean squared error of rebuilding the rows from the principal components of the "
           "reference's ranks, as a multiple of that of the reference itself: 1 without change, "
           "between min and max. It has no p. Within the noise floor of that many rows nothing "
           "fails. NULLs, NaN and infinities are not tested; columns constant in the reference "
           "are left out.",
    VG_DRIFT_TYPE,
    .is_multiple = true,
    .needs = VG_NEEDS_PAIRS,
    .bounds = VG_BOUNDS_ON_VALUE,
    .params = reconstruction_params,
    .nparams = sizeof reconstruction_params / sizeof *reconstruction_params,
    .params_size = sizeof(struct vg_pairs_params),
    .validate = vg_pairs_validate,
    .ranked = vg_pairs_ranked,
    .measure = measure_reconstruction,
};
