/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pairs of columns in the window beside those in the reference, for the checks of dependence, or
 * why the two must not be compared; layer 3, pure. */
#include "checks/check_drift.h"
#include "checks/check_pairs.h"
#include "pgvigil/text.h"

static int skip(const struct vg_rule *rule, struct vg_measures *out, enum vg_verdict look,
                const char *column, const char *what, struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, look, "column %s %s", column, what);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

/* Why a column that the rule names is not among the pairs of both. */
static int explain_column(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          const char *name, struct vg_measures *out, struct vg_error *err)
{
    const struct vg_catalog_column *now =
        evidence->catalog ? vg_catalog_find(evidence->catalog, name) : NULL;
    const struct vg_reference_column *then = vg_reference_find(evidence->reference, name);
    if (evidence->catalog && !now)
        return skip(rule, out, VG_UNKNOWN, name, "does not exist", err);
    if (now && now->kind != VG_KIND_NUMBER)
        return skip(rule, out, VG_UNKNOWN, name, "holds no numbers", err);
    if (vg_pairs_find(evidence->reference->pairs, name) < 0)
        return skip(rule, out, VG_NODATA, name, "was not ranked when the reference was captured",
                    err);
    if (now && then && !vg_streq(now->type, then->type))
        return skip(rule, out, VG_NODATA, name, "is of another type than in the reference", err);
    return skip(rule, out, VG_UNKNOWN, name, "could not be read", err);
}

struct places {
    uint32_t then[VG_PAIRS_COLUMNS], now[VG_PAIRS_COLUMNS];
    uint32_t n;
};

/* 0, or 1: a measure says what is missing, or -1. */
static int place_named(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *out, struct places *places, struct vg_error *err)
{
    const struct vg_strings *columns = vg_pairs_ranked(rule);
    for (size_t i = 0; i < columns->n && i < VG_PAIRS_COLUMNS; i++) {
        int then = vg_pairs_find(evidence->reference->pairs, columns->items[i]);
        int now = evidence->now && evidence->now->pairs
                      ? vg_pairs_find(evidence->now->pairs, columns->items[i])
                      : -1;
        if (then < 0 || now < 0)
            return explain_column(rule, evidence, columns->items[i], out, err) < 0 ? -1 : 1;
        places->then[places->n] = (uint32_t)then;
        places->now[places->n++] = (uint32_t)now;
    }
    return 0;
}

static void place_all(const struct vg_evidence *evidence, struct places *places)
{
    const struct vg_pairs *pairs = evidence->reference->pairs;
    const struct vg_pairs *others = evidence->now ? evidence->now->pairs : NULL;
    for (uint32_t i = 0; i < pairs->d; i++) {
        int now = others ? vg_pairs_find(others, pairs->names[i]) : -1;
        if (now < 0)
            continue;
        places->then[places->n] = i;
        places->now[places->n++] = (uint32_t)now;
    }
}

/* 1; 0 and a measure says why there is nothing to compare; -1 VG_E_MEMORY. */
static int find_drift(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      struct vg_measures *out, struct vg_pairs_drift *drift, struct vg_error *err)
{
    const struct vg_reference *reference = evidence->reference;
    const char *why = evidence->reference_why ? evidence->reference_why : "no reference yet";
    struct places places = {.n = 0};
    *drift = (struct vg_pairs_drift){.lost = 0};
    if (!reference)
        return vg_drift_skip(rule, out, evidence->reference_failed ? VG_UNKNOWN : VG_NODATA, why,
                             err);
    if (!reference->pairs)
        return vg_drift_skip(rule, out, VG_NODATA,
                             "the reference was captured without ranks of its columns", err);
    int rc = vg_pairs_ranked(rule)->n ? place_named(rule, evidence, out, &places, err) : 0;
    if (rc)
        return rc < 0 ? -1 : 0;
    if (!vg_pairs_ranked(rule)->n) {
        place_all(evidence, &places);
        drift->lost = reference->pairs->d - places.n;
    }
    if (places.n < 2)
        return vg_drift_skip(rule, out, VG_NODATA,
                             "there are no two columns of numbers that the reference ranked", err);
    drift->then = vg_pairs_pick(reference->pairs, places.then, places.n);
    drift->now = vg_pairs_pick(evidence->now->pairs, places.now, places.n);
    return drift->then && drift->now ? 1 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_pairs_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                     struct vg_measures *out,
                     int (*compare)(const struct vg_rule *rule, const struct vg_pairs_drift *drift,
                                    struct vg_measures *out, struct vg_error *err),
                     struct vg_error *err)
{
    struct vg_pairs_drift drift;
    int rc = find_drift(rule, evidence, out, &drift, err);
    if (rc > 0)
        rc = compare(rule, &drift, out, err);
    vg_pairs_free(drift.then);
    vg_pairs_free(drift.now);
    return rc;
}
