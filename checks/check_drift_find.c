/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's column beside the reference's, for all drift checks, or why the two must not be
 * compared; layer 3, pure. */
#include "checks/check_drift.h"

#include "pgvigil/text.h"

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
