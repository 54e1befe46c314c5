/* SPDX-License-Identifier: GPL-3.0-or-later */
/* allowed: the share of values that are not in a list. Text is compared as text, bool as "true" and
 * "false", numbers as numbers; NULLs are not tested. The list is sorted once, so that a row costs
 * one binary search whatever its length. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

struct params {
    struct vg_strings values;
    struct vg_slice *texts; /* sorted by length, then bytes */
    double *numbers;        /* ascending: each number, and what is left of it in a real */
    size_t nnumbers;
};

static int compare_texts(const void *a, const void *b)
{
    const struct vg_slice *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len ? memcmp(x->data, y->data, x->len) : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int prepare_allowed(void *data, struct vg_arena *arena)
{
    struct params *params = data;
    size_t n = params->values.n;
    params->texts = vg_arena_array(arena, n, sizeof *params->texts);
    params->numbers = vg_arena_array(arena, 2 * n, sizeof *params->numbers);
    if (!params->texts || !params->numbers)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *text = params->values.items[i];
        double number;
        params->texts[i] = (struct vg_slice){text, (uint32_t)strlen(text)};
        if (vg_parse_double(text, &number) < 0)
            continue;
        params->numbers[params->nnumbers++] = number;
        params->numbers[params->nnumbers++] = (double)(float)number;
    }
    qsort(params->texts, n, sizeof *params->texts, compare_texts);
    qsort(params->numbers, params->nnumbers, sizeof *params->numbers, compare_numbers);
    return 0;
}

static void validate_allowed(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    if (!params->values.n)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "list at least one value",
                    "the list of allowed values is empty");
}

static int offends_allowed(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)warn;
    const struct params *params = rule->params;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    if (cell->state != VG_VIEW_VALUE)
        return 1;
    if (cell->kind == VG_KIND_NUMBER)
        return !bsearch(&cell->num, params->numbers, params->nnumbers, sizeof *params->numbers,
                        compare_numbers);
    struct vg_slice truth = {cell->num != 0 ? "true" : "false", cell->num != 0 ? 4 : 5};
    return !bsearch(cell->kind == VG_KIND_BOOL ? &truth : &cell->text, params->texts,
                    params->values.n, sizeof *params->texts, compare_texts);
}

static int measure_allowed(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " not among the %zu allowed value%s",
             params->values.n, params->values.n == 1 ? "" : "s");
    return 0;
}

static const struct vg_param allowed_params[] = {
    {"values", VG_PARAM_STRINGS, offsetof(struct params, values), true, NULL, NULL,
     "the values that may occur"},
};

const struct vg_check_type vg_check_allowed = {
    .name = "allowed",
    .doc = "Share of values that are not in a list. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_TEXT | 1 << VG_KIND_BOOL,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .min_rows = 1,
    .shorthand = "values",
    .default_fail = "0",
    .params = allowed_params,
    .nparams = sizeof allowed_params / sizeof *allowed_params,
    .params_size = sizeof(struct params),
    .validate = validate_allowed,
    .prepare = prepare_allowed,
    .offends = offends_allowed,
    .measure = measure_allowed,
};
