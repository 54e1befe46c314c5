/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's column beside the reference's, for all drift checks; layer 3, pure. */
#include "checks/check_drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { DIGITS = 4 };

int vg_drift_skip(const struct vg_rule *rule, struct vg_measures *out, enum vg_verdict look,
                  const char *why, struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, look, "%s", why);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

/* Text and truth values are compared as they read, whatever type holds them; numbers of another
 * type may be rounded otherwise. */
static bool is_same_type(const struct vg_column_summary *now,
                         const struct vg_reference_column *then,
                         const struct vg_catalog_column *actual)
{
    if (now->kind != then->kind)
        return false;
    return now->kind != VG_KIND_NUMBER || !actual || vg_streq(actual->type, then->type);
}

int vg_drift_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                  struct vg_measures *out, struct vg_drift *drift, struct vg_error *err)
{
    const char *why = evidence->reference_why ? evidence->reference_why : "no reference yet";
    *drift = (struct vg_drift){.now = NULL};
    int rc = vg_evidence_column(rule, evidence, out, &drift->now, err);
    if (rc <= 0)
        return rc;
    if (!evidence->reference)
        return vg_drift_skip(rule, out, evidence->reference_failed ? VG_UNKNOWN : VG_NODATA, why,
                             err);
    drift->then = vg_reference_find(evidence->reference, rule->column);
    if (!drift->then)
        return vg_drift_skip(rule, out, VG_NODATA, "the reference does not hold this column", err);
    const struct vg_catalog_column *actual =
        evidence->catalog ? vg_catalog_find(evidence->catalog, rule->column) : NULL;
    if (is_same_type(drift->now, drift->then, actual))
        return 1;
    bool comparable = drift->now->kind == drift->then->kind;
    rc = vg_measure_skip(out, rule, comparable ? VG_NODATA : VG_UNKNOWN,
                         "its type was %s in the reference and is %s now", drift->then->type,
                         actual ? actual->type : "another");
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

int vg_drift_cells(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_drift *drift, struct vg_error *err)
{
    int rc = vg_drift_find(rule, evidence, out, drift, err);
    if (rc <= 0)
        return rc;
    const struct vg_distribution *fine = drift->fine = drift->then->fine;
    if (!fine)
        return vg_drift_skip(rule, out, VG_NODATA, "the reference holds no distribution of it",
                             err);
    if (!drift->now->fine || drift->now->grid_id != fine->grid->id)
        return vg_drift_skip(rule, out, VG_UNKNOWN,
                             "it was counted on another grid than the reference's", err);
    drift->counts =
        (struct vg_ks_counts){fine->cells, drift->now->fine, 2 * (size_t)fine->grid->n + 1, true};
    return 1;
}

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
