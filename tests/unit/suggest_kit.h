/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made-up profiles for the tests of suggestions: a time column and one more, four weeks of days. */
#ifndef PGVIGIL_TESTS_SUGGEST_KIT_H
#define PGVIGIL_TESTS_SUGGEST_KIT_H

#include "agent/suggest_parts.h"

enum { WINDOWS = 28, MANY = 4000 };

struct made {
    struct vg_arena *arena;
    struct vg_catalog_column catalog_columns[2];
    struct vg_catalog catalog;
    struct vg_profile_column columns[2];
    struct vg_profile_window windows[WINDOWS];
    struct vg_profile profile;
    struct vg_suggestions list;
};

void make_profile(struct made *made, const char *name, const char *type, enum vg_kind kind);
/* Its cells, all counted; numbers are NULL where NAN, texts where NULL. */
void count_cells(struct made *made, const double *numbers, const char *const *texts, size_t n);
void count_ramp(struct made *made); /* MANY numbers from 1 to 2 */
void suggest(struct made *made);
void free_made(struct made *made);

/* "+rule" when it is suggested, "-rule" when it is commented out; NULL when neither. */
const char *find_rule(const struct made *made, const char *begin, char *out, size_t size);
void assert_rule(const struct made *made, const char *begin, const char *expected);
const char *why_of(const struct made *made, const char *begin);

#endif
