/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for one check: a dataset, a rule, evidence and the list of measures. */
#ifndef PGVIGIL_TESTS_CHECK_KIT_H
#define PGVIGIL_TESTS_CHECK_KIT_H

#include "pgvigil/check.h"

enum { KIT_COLUMNS = 16 };

struct kit {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_rule rule; /* also the dataset's only one */
    struct vg_catalog catalog;
    struct vg_catalog_column columns[KIT_COLUMNS];
    struct vg_summary now;
    struct vg_live live;
    struct vg_window window;
    struct vg_evidence evidence; /* points to the parts above; no reference, clock at 2001-06-13 */
    struct vg_measures measures;
    struct vg_error err;
};

/* A rule `column.name` (or `name`) of this check, limits unset. The kit must stay where it is. */
void kit_init(struct kit *kit, const char *check, const char *column);
void kit_free(struct kit *kit);
/* Adds a column to the catalogue. */
struct vg_catalog_column *kit_column(struct kit *kit, const char *name, const char *type,
                                     enum vg_kind kind);
/* Runs the check anew; asserts that it succeeds with `expected` measures and returns the first. */
const struct vg_measure *kit_measure(struct kit *kit, size_t expected);

/* Asserts that the measure could not look, as `look` says, with `words` in its why. */
void kit_assert_skipped(const struct vg_measure *measure, enum vg_verdict look, const char *words);
/* Asserts that it looked, its value and its whole why. */
void kit_assert_found(const struct vg_measure *measure, double value, const char *why);

#endif
