/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values of a window beside those of the reference, compared by the hash of the whole value. */
#include "checks/check_categories.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { NAMED = 3, NAME_CHARS = 24 };
static const double missing_default = 0.01;

double vg_categories_least(const char *text)
{
    double share;
    if (!text || vg_streq(text, "false"))
        return 0;
    if (vg_streq(text, "true"))
        return missing_default;
    return vg_parse_ratio(text, &share) == 0 && share > 0 && share <= 1 ? share : (double)NAN;
}

static int skip(const struct vg_rule *rule, struct vg_measures *out, enum vg_verdict look,
                const char *why, struct vg_error *err)
{
    int rc = vg_measure_skip(out, rule, look, "%s", why);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static bool is_sampled(const struct vg_top *top)
{
    struct vg_top_entry first;
    bool sampled;
    vg_top_largest(top, &first, 1, &sampled);
    return sampled;
}

int vg_categories_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *out, struct vg_categories *found, struct vg_error *err)
{
    bool hidden = vg_dataset_is_private(rule->dataset, rule->column);
    const char *why = evidence->reference_why ? evidence->reference_why : "no reference yet";
    int rc = vg_evidence_column(rule, evidence, out, &found->now, err);
    if (rc <= 0)
        return rc;
    if (!evidence->reference)
        return skip(rule, out, evidence->reference_failed ? VG_UNKNOWN : VG_NODATA, why, err);
    if (hidden || !found->now->top)
        return skip(rule, out, VG_NODATA, "the column is private: its values are not kept", err);
    const struct vg_reference_column *column = vg_reference_find(evidence->reference, rule->column);
    if (!column)
        return skip(rule, out, VG_NODATA, "the reference does not hold this column", err);
    if (column->kind != found->now->kind)
        return skip(rule, out, VG_UNKNOWN, "its type was another in the reference", err);
    found->then = column->total;
    if (!found->then || !found->then->top || !vg_column_finite(found->then))
        return skip(rule, out, VG_NODATA, "the reference holds no values of it", err);
    if (is_sampled(found->then->top))
        return skip(rule, out, VG_NODATA, "the reference had too many values to know all of them",
                    err);
    found->sampled = is_sampled(found->now->top);
    found->names = rule->dataset->expose_values;
    return 1;
}

static void add_name(const char *label, char *out, size_t size)
{
    size_t used = strlen(out), shown = vg_utf8_prefix(label, strlen(label), NAME_CHARS);
    bool cut = label[shown] != '\0';
    snprintf(out + used, size - used, "%s\"%.*s%s\"", used ? ", " : ": ", (int)shown, label,
             cut ? "..." : "");
}

int vg_categories_only(const struct vg_column_summary *of, const struct vg_column_summary *other,
                       double least, bool names, struct vg_arena *arena,
                       struct vg_categories_only *out)
{
    size_t n = vg_top_size(of->top);
    struct vg_top_entry *entries = vg_arena_array(arena, n + 1, sizeof *entries);
    bool sampled;
    *out = (struct vg_categories_only){.n = 0};
    if (!entries)
        return -1;
    n = vg_top_largest(of->top, entries, n + 1, &sampled);
    for (size_t i = 0; i < n; i++) {
        bool both = vg_top_count_hash(other->top, entries[i].hash) > 0;
        out->known += both ? entries[i].count : 0;
        if (both || (double)entries[i].count < least)
            continue;
        if (names && out->n < NAMED)
            add_name(entries[i].label, out->first, sizeof out->first);
        out->n++;
        out->rows += entries[i].count;
    }
    return 0;
}
