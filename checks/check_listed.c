/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking a cell up in a list of values. The list is sorted once, so that a row costs one binary
 * search whatever its length. Says nothing of whether being in the list is good or bad. */
#include "checks/check_listed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

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

int vg_listed_prepare(void *params, struct vg_arena *arena)
{
    struct vg_listed *list = params;
    size_t n = list->values.n;
    list->texts = vg_arena_array(arena, n, sizeof *list->texts);
    list->numbers = vg_arena_array(arena, 2 * n, sizeof *list->numbers);
    if (!list->texts || !list->numbers)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *text = list->values.items[i];
        double number;
        list->texts[i] = (struct vg_slice){text, (uint32_t)strlen(text)};
        if (vg_parse_double(text, &number) < 0)
            continue;
        list->numbers[list->nnumbers++] = number;
        list->numbers[list->nnumbers++] = (double)(float)number;
    }
    qsort(list->texts, n, sizeof *list->texts, compare_texts);
    qsort(list->numbers, list->nnumbers, sizeof *list->numbers, compare_numbers);
    return 0;
}

bool vg_listed_has(const struct vg_listed *list, const struct vg_cell_view *cell)
{
    static const struct vg_slice special[] = {[VG_VIEW_NAN] = {"NaN", 3},
                                              [VG_VIEW_PINF] = {"Infinity", 8},
                                              [VG_VIEW_NINF] = {"-Infinity", 9}};
    static const struct vg_slice truths[] = {{"false", 5}, {"true", 4}};
    const struct vg_slice *text = &cell->text;
    if (cell->state != VG_VIEW_VALUE)
        text = &special[cell->state];
    else if (cell->kind == VG_KIND_NUMBER)
        return bsearch(&cell->num, list->numbers, list->nnumbers, sizeof *list->numbers,
                       compare_numbers) != NULL;
    else if (cell->kind == VG_KIND_BOOL)
        text = &truths[cell->num != 0];
    return bsearch(text, list->texts, list->values.n, sizeof *list->texts, compare_texts) != NULL;
}

void vg_listed_validate(const struct vg_rule *rule, const char *which, struct vg_diags *diags)
{
    const struct vg_listed *list = rule->params;
    if (!list->values.n)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "list at least one value",
                    "the list of %s values is empty", which);
}

int vg_listed_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      const char *relation, const char *which, struct vg_measures *out,
                      struct vg_error *err)
{
    const struct vg_listed *list = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " %s the %zu %s value%s", relation,
             list->values.n, which, list->values.n == 1 ? "" : "s");
    return 0;
}
