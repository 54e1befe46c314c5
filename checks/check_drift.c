/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all drift checks measure and say; layer 3, pure. */
#include "checks/check_drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { DIGITS = 4 };

struct vg_measure *vg_drift_add(const struct vg_rule *rule, struct vg_measures *out, double n_now,
                                double n_ref, bool *empty, struct vg_error *err)
{
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        return NULL;
    }
    measure->n_now = n_now;
    measure->n_ref = n_ref;
    *empty = !(n_now > 0 && n_ref > 0);
    if (*empty)
        snprintf(measure->why, sizeof measure->why, "no %s in the %s",
                 rule->type->kinds == 1 << VG_KIND_NUMBER ? "finite values" : "values",
                 n_ref > 0 ? "window" : "reference");
    return measure;
}

void vg_drift_bounds(struct vg_measure *measure, const char *name, double lo, double hi,
                     bool bounded)
{
    char from[VG_VALUE_TEXT], to[VG_VALUE_TEXT];
    vg_value_text(lo, VG_UNIT_RATIO, DIGITS, from);
    vg_value_text(hi, VG_UNIT_RATIO, DIGITS, to);
    measure->value = measure->effect = measure->lo = lo;
    measure->hi = hi;
    measure->bounded = bounded;
    if (isinf(hi))
        snprintf(measure->why, sizeof measure->why, "%s at least %s", name, from);
    else if (bounded && !vg_streq(from, to))
        snprintf(measure->why, sizeof measure->why, "%s between %s and %s", name, from, to);
    else
        snprintf(measure->why, sizeof measure->why, "%s %s", name, from);
}

void vg_drift_tied(struct vg_measure *measure, const char *name, double value, double lo, double hi)
{
    char text[VG_VALUE_TEXT], from[VG_VALUE_TEXT], to[VG_VALUE_TEXT];
    vg_value_text(value, VG_UNIT_RATIO, DIGITS, text);
    vg_value_text(lo, VG_UNIT_RATIO, DIGITS, from);
    vg_value_text(hi, VG_UNIT_RATIO, DIGITS, to);
    measure->value = measure->effect = value;
    measure->lo = lo;
    measure->hi = hi;
    measure->bounded = hi > lo;
    if (vg_streq(from, to))
        snprintf(measure->why, sizeof measure->why, "%s %s", name, text);
    else
        snprintf(measure->why, sizeof measure->why, "%s %s, %s to %s by how values are tied", name,
                 text, from, to);
}

void vg_drift_floor(struct vg_measure *measure, double floor)
{
    char text[VG_VALUE_TEXT];
    size_t used = strlen(measure->why);
    bool below = !(measure->value > floor);
    if (isnan(floor) || isnan(measure->value))
        return;
    vg_value_text(floor, VG_UNIT_RATIO, DIGITS, text);
    snprintf(measure->why + used, sizeof measure->why - used,
             below ? ", noise floor %s at %.0f rows not passed" : ", noise floor %s at %.0f rows",
             text, measure->n_now);
    if (below && measure->rule->policy == VG_POLICY_THRESHOLD)
        measure->at_most = VG_PASS;
}
