/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share: the share of rows that have one value, between bounds. Compared as `allowed` compares:
 * text as text, bool as "true" and "false", numbers as numbers; NULLs are not tested. Every row is
 * asked, so that the share is exact, also of private columns and however many values there are. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

struct params {
    const char *value;
    size_t len;
    bool is_number;
    double number, as_real; /* what is left of it in a real */
};

static int prepare_share(void *data, struct vg_arena *arena)
{
    struct params *params = data;
    (void)arena;
    params->len = strlen(params->value);
    params->is_number = vg_parse_double(params->value, &params->number) == 0;
    params->as_real = (double)(float)params->number;
    return 0;
}

static int offends_share(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)warn;
    const struct params *params = rule->params;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    if (cell->state != VG_VIEW_VALUE)
        return 0;
    if (cell->kind == VG_KIND_NUMBER)
        return params->is_number && (cell->num == params->number || cell->num == params->as_real);
    if (cell->kind == VG_KIND_BOOL)
        return !strcmp(params->value, cell->num != 0 ? "true" : "false");
    return cell->text.len == params->len &&
           (!params->len || !memcmp(cell->text.data, params->value, params->len));
}

static int measure_share(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    const struct vg_column_summary *column =
        evidence->now ? vg_summary_column(evidence->now, rule->column) : NULL;
    if (column && column->kind == VG_KIND_NUMBER && !params->is_number) {
        int rc =
            vg_measure_skip(out, rule, VG_UNKNOWN,
                            "the value of the rule is no number, and the column holds numbers");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " have the value");
    return 0;
}

static const struct vg_param share_params[] = {
    {"value", VG_PARAM_VALUE, offsetof(struct params, value), true, NULL, NULL,
     "the value whose rows are counted"},
};

const struct vg_check_type vg_check_share = {
    .name = "share",
    .doc = "Share of rows with one value, between min and max. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TEXT | 1 << VG_KIND_BOOL,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .bounds = VG_BOUNDS_ON_VALUE,
    .min_rows = 1,
    .params = share_params,
    .nparams = sizeof share_params / sizeof *share_params,
    .params_size = sizeof(struct params),
    .prepare = prepare_share,
    .offends = offends_share,
    .measure = measure_share,
};
