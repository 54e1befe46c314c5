/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern: the share of texts that do not match a regular expression of PostgreSQL, or, with
 * `not: true`, that match it. PostgreSQL itself matches, row by row in the scan, and anywhere in
 * the text: ^ and $ bind it to both ends. That costs as much as half of a wide scan, so that plain
 * expressions are matched here, where the answer is the same. NULLs are not tested. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "checks/ask_row.h"
#include "checks/format_pattern.h"

static int prepare_pattern(void *params, struct vg_arena *arena)
{
    struct vg_ask_pattern *pattern = params;
    struct vg_format_pattern plain, *kept;
    pattern->plain = NULL;
    if (pattern->case_insensitive || !vg_format_pattern_read(pattern->regex, &plain))
        return 0;
    kept = vg_arena_alloc(arena, sizeof *kept);
    if (kept)
        *kept = plain;
    pattern->plain = kept;
    return kept ? 0 : -1;
}

static bool is_plain(const struct vg_ask_pattern *params, const struct vg_catalog_column *column)
{
    const char *type = column->base_type ? column->base_type : column->type;
    bool text = vg_streq(type, "text") || !strncmp(type, "character", strlen("character"));
    return params->plain && text && (!params->plain->digits || column->collation_provider == 'c');
}

/* Nothing where it is matched here. */
static int write_pattern(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    (void)err;
    if (!is_plain(asked->rule->params, asked->column))
        vg_ask_row_pattern(out, asked->column, asked->rule->params);
    return 0;
}

static int pattern_offends(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_ask_pattern *params = rule->params;
    if (cell->kind != VG_KIND_TEXT)
        return vg_check_offends_condition(rule, cell, warn);
    if (cell->state != VG_VIEW_VALUE)
        return -1;
    return vg_format_pattern_fits(params->plain, cell->text) == params->inverted;
}

static int measure_pattern(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    const struct vg_ask_pattern *params = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " %s the pattern",
             params->inverted ? "match" : "do not match");
    return 0;
}

static const struct vg_param pattern_params[] = {
    {"regex", VG_PARAM_STRING, offsetof(struct vg_ask_pattern, regex), true, NULL, NULL,
     "regular expression as PostgreSQL writes them, matched anywhere in the text unless ^ and $ "
     "bind it to its ends"},
    {"case_insensitive", VG_PARAM_BOOL, offsetof(struct vg_ask_pattern, case_insensitive), false,
     "false", NULL, "capital and small letters are the same"},
    {"not", VG_PARAM_BOOL, offsetof(struct vg_ask_pattern, inverted), false, "false", NULL,
     "texts that match offend"},
};

const struct vg_check_type vg_check_pattern = {
    .name = "pattern",
    .doc = "Share of texts that do not match a regular expression. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_CONDITION,
    .min_rows = 1,
    .shorthand = "regex",
    .default_fail = "0",
    .params = pattern_params,
    .nparams = sizeof pattern_params / sizeof *pattern_params,
    .params_size = sizeof(struct vg_ask_pattern),
    .prepare = prepare_pattern,
    .offends = pattern_offends,
    .condition = write_pattern,
    .measure = measure_pattern,
};
