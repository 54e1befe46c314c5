/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of values as a parameter, for the checks that look a cell up in it; layer 3. */
#ifndef PGVIGIL_CHECK_LISTED_H
#define PGVIGIL_CHECK_LISTED_H

#include "pgvigil/check.h"

/* The params struct of such a check. Only `values` is read from the file. */
struct vg_listed {
    struct vg_strings values;
    struct vg_slice *texts; /* sorted by length, then bytes */
    double *numbers;        /* ascending: each number, and what is left of it in a real */
    size_t nnumbers;
};

/* `prepare` of a check with these params. 0, or -1 out of memory. */
int vg_listed_prepare(void *params, struct vg_arena *arena);
/* Whether a cell that is not NULL is in the list: text as text, bool as "true" and "false", numbers
 * as numbers; NaN and infinities as the texts NaN, Infinity and -Infinity. */
bool vg_listed_has(const struct vg_listed *list, const struct vg_cell_view *cell);
/* Reports an empty list: "the list of `which` values is empty". */
void vg_listed_validate(const struct vg_rule *rule, const char *which, struct vg_diags *diags);
/* `measure`: the share of rows that offend, " `relation` the 3 `which` values" behind the count. */
int vg_listed_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                      const char *relation, const char *which, struct vg_measures *out,
                      struct vg_error *err);

#endif
