/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the checks of dependence take and say alike; layer 3, pure. */
#include "checks/check_pairs.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

const struct vg_strings *vg_pairs_ranked(const struct vg_rule *rule)
{
    const struct vg_pairs_params *params = rule->params;
    return &params->columns;
}

void vg_pairs_validate(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct vg_strings *columns = vg_pairs_ranked(rule);
    if (rule->dataset->long_source.name)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "leave it out",
                    "a row of a long source holds one value: %s has nothing to compare it with",
                    rule->type->name);
    if (columns->n == 1 || columns->n > VG_PAIRS_COLUMNS)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL,
                    columns->n == 1 ? "name another column beside it, or none: then all are taken"
                                    : "name those that matter, in a rule each",
                    "columns of %s are two at least and %d at most", rule->type->name,
                    VG_PAIRS_COLUMNS);
    for (size_t i = 0; i < columns->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (vg_streq(columns->items[i], columns->items[j]))
                vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "leave one out",
                            "column %s is written twice", columns->items[i]);
        }
    }
}

void vg_pairs_say_lost(struct vg_measure *measure, const struct vg_pairs_drift *drift)
{
    size_t used = strlen(measure->why);
    if (drift->lost)
        snprintf(measure->why + used, sizeof measure->why - used,
                 ", %zu column%s of the reference can no longer be read", drift->lost,
                 drift->lost == 1 ? "" : "s");
}
