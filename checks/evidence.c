/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking up in a summary what a rule is about; layer 3, pure. What was not counted becomes a
 * measure that says so. */
#include "pgvigil/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/mem.h"
#include "pgvigil/text.h"

const char *vg_check_unsegmented(const struct vg_check_type *type)
{
    if (type->cadence != VG_ON_WINDOW || type->implicit)
        return "it looks at the table, not at the rows of a window";
    if (type->policy == VG_POLICY_BUDGET)
        return "what is usual at each hour, and the budget, are learnt of all rows together";
    if (type->needs & VG_NEEDS_REVISIT)
        return "a window is read again as a whole";
    if (type->needs & VG_NEEDS_PAIRS)
        return "dependence between columns is counted of all rows";
    if (type->needs & VG_NEEDS_NAMES)
        return "a long source has no segments";
    if (type->needs & VG_NEEDS_LOOKUP && !type->grouped)
        return "its statement is about all rows";
    return NULL;
}

const char *vg_rule_unsegmented(const struct vg_rule *rule)
{
    const char *why = vg_check_unsegmented(rule->type);
    if (why)
        return why;
    if (rule->type->needs_reference && rule->column && strcmp(rule->column, "*") != 0 &&
        vg_dataset_is_private(rule->dataset, rule->column))
        return "the reference holds nothing of a private column per segment";
    return rule->type->whole ? rule->type->whole(rule) : NULL;
}

static int say_missing(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *measures, struct vg_error *err)
{
    bool gone =
        evidence->catalog && rule->column && !vg_catalog_find(evidence->catalog, rule->column);
    int rc = vg_measure_skip(measures, rule, VG_UNKNOWN, "column %s %s",
                             rule->column ? rule->column : "of the rule",
                             gone ? "does not exist" : "was not counted");
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

int vg_evidence_column(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *measures, const struct vg_column_summary **out,
                       struct vg_error *err)
{
    *out = evidence->now ? vg_summary_column(evidence->now, rule->column) : NULL;
    return *out ? 1 : say_missing(rule, evidence, measures, err);
}

int vg_evidence_offending(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          const char *suffix, struct vg_measures *measures, struct vg_measure **out,
                          struct vg_error *err)
{
    char *id = vg_arena_printf(measures->arena, "%s%s", rule->id, suffix);
    if (!id)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const struct vg_predicate_summary *counts =
        evidence->now ? vg_summary_predicate(evidence->now, id) : NULL;
    if (!counts)
        return say_missing(rule, evidence, measures, err);
    struct vg_measure *measure = *out = vg_measure_add(measures, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = (double)counts->tested;
    if (counts->tested)
        measure->value = measure->effect = (double)counts->offending / measure->n_now;
    snprintf(measure->why, sizeof measure->why, "%" PRIu64 " of %" PRIu64 " rows",
             counts->offending, counts->tested);
    return 1;
}

int vg_check_offends_condition(const struct vg_rule *rule, const struct vg_cell_view *cell,
                               bool warn)
{
    (void)rule;
    (void)warn;
    return cell->state == VG_VIEW_VALUE ? cell->num != 0 : -1;
}

bool vg_evidence_answered(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *measures, bool *failed, struct vg_error *err)
{
    *failed = false;
    if (!evidence->answers_why && evidence->nanswers)
        return true;
    const char *why = evidence->answers_why ? evidence->answers_why : "it was not asked";
    if (vg_measure_skip(measures, rule, VG_UNKNOWN, "%s", why) < 0) {
        *failed = true;
        vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    return false;
}
