/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ks: how far a numeric column has moved from the reference, as the two-sample Kolmogorov-Smirnov D
 * of the finite values. D is exact where the reference is held by all its distinct values, else the
 * value is its lower bound. What makes the two incomparable is said, never measured as drift. */
#include "pgvigil/check.h"

#include <math.h>
#include <stdio.h>

#include "checks/stat_ks.h"
#include "pgvigil/text.h"

static int skip(const struct vg_rule *rule, struct vg_measures *out, enum vg_verdict look,
                const char *why, struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, look, "%s", why);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

/* Whether the column still is what the reference knows. 1, or a measure says why not. */
static int find_reference(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          const struct vg_column_summary *now, struct vg_measures *out,
                          const struct vg_distribution **fine, struct vg_error *err)
{
    const char *why = evidence->reference_why ? evidence->reference_why : "no reference yet";
    if (!evidence->reference)
        return skip(rule, out, evidence->reference_failed ? VG_UNKNOWN : VG_NODATA, why, err);
    const struct vg_reference_column *column = vg_reference_find(evidence->reference, rule->column);
    if (!column)
        return skip(rule, out, VG_NODATA, "the reference does not hold this column", err);
    const struct vg_catalog_column *actual =
        evidence->catalog ? vg_catalog_find(evidence->catalog, rule->column) : NULL;
    if (now->kind != column->kind || (actual && !vg_streq(actual->type, column->type))) {
        bool number = now->kind == VG_KIND_NUMBER && column->kind == VG_KIND_NUMBER;
        int rc = vg_measure_skip(out, rule, number ? VG_NODATA : VG_UNKNOWN,
                                 "its type was %s in the reference and is %s now", column->type,
                                 actual ? actual->type : "another");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    *fine = column->fine;
    if (!*fine)
        return skip(rule, out, VG_NODATA, "the reference holds no distribution of it", err);
    if (!now->fine || now->grid_id != (*fine)->grid->id)
        return skip(rule, out, VG_UNKNOWN, "it was counted on another grid than the reference's",
                    err);
    return 1;
}

static void describe(struct vg_measure *measure)
{
    char lo[VG_VALUE_TEXT], hi[VG_VALUE_TEXT];
    vg_value_text(measure->lo, VG_UNIT_RATIO, 4, lo);
    vg_value_text(measure->hi, VG_UNIT_RATIO, 4, hi);
    if (isnan(measure->value))
        snprintf(measure->why, sizeof measure->why, "no finite values in the %s",
                 measure->n_ref > 0 ? "window" : "reference");
    else if (measure->bounded && !vg_streq(lo, hi))
        snprintf(measure->why, sizeof measure->why, "D between %s and %s", lo, hi);
    else
        snprintf(measure->why, sizeof measure->why, "D %s", lo);
}

static int measure_ks(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      struct vg_measures *out, struct vg_error *err)
{
    const struct vg_column_summary *now;
    const struct vg_distribution *fine = NULL;
    int found = vg_evidence_column(rule, evidence, out, &now, err);
    if (found > 0)
        found = find_reference(rule, evidence, now, out, &fine, err);
    if (found <= 0)
        return found;
    struct vg_ks_counts counts = {fine->cells, now->fine, 2 * (size_t)fine->grid->n + 1, true};
    struct vg_ks ks;
    double p;
    vg_ks_compare(&counts, &ks);
    if (vg_ks_p(&counts, &ks, &p, err) < 0)
        return -1;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = measure->effect = measure->lo = ks.d;
    measure->hi = ks.hi;
    measure->bounded = !fine->grid->exact;
    measure->p_value = p;
    measure->n_now = (double)ks.n;
    measure->n_ref = (double)ks.m;
    measure->direction = ks.direction;
    describe(measure);
    return 0;
}

const struct vg_check_type vg_check_ks = {
    .name = "ks",
    .doc = "Distance D of the column's distribution from the reference's (Kolmogorov-Smirnov).",
    .class = VG_CLASS_DRIFT,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = false, /* the reference is of all rows: some of them are another population */
    .needs_reference = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .policy = VG_POLICY_THRESHOLD,
    .min_rows = 200,
    .shorthand = "fail",
    .measure = measure_ks,
};
