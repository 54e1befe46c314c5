/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of categories share: the values of a window beside those of the reference.
 * Layer 3, pure. */
#ifndef PGVIGIL_CHECK_CATEGORIES_H
#define PGVIGIL_CHECK_CATEGORIES_H

#include "pgvigil/check.h"

/* `missing:` as written (or NULL): the least share of values that may not be missing; 0: any may
 * be; NAN: it is not a share. */
double vg_categories_least(const char *text);

struct vg_categories {
    const struct vg_column_summary *now, *then; /* both with top values, `then` not sampled */
    bool sampled;                               /* not all values of the window are held */
    bool names;                                 /* values may be named */
};

/* Finds both, or a measure says why not. 1, 0, or -1 VG_E_MEMORY. */
int vg_categories_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *out, struct vg_categories *found, struct vg_error *err);
/* Values of `of` that `other` does not hold, of which there are at least `least` rows. */
struct vg_categories_only {
    size_t n;
    uint64_t rows, known; /* known: rows of values that both hold */
    char first[160];      /* the first few by name: ": \"a\", \"b\"", or "" */
};
int vg_categories_only(const struct vg_column_summary *of, const struct vg_column_summary *other,
                       double least, bool names, struct vg_arena *arena,
                       struct vg_categories_only *out);

#endif
