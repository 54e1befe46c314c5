/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries of base windows made by hand, damaged blobs, and what every finding must keep. */
#ifndef PGVIGIL_TESTS_UNIT_BUDGET_KIT_H
#define PGVIGIL_TESTS_UNIT_BUDGET_KIT_H

#include "pgvigil/budget.h"

/* A window of numbers with so many coarse cells, all zero; of a category without values. To be
 * emptied by vg_column_clear(). */
void vg_kit_numbers(struct vg_column_summary *out, const char *name, uint64_t grid_id,
                    size_t ncells);
void vg_kit_text(struct vg_column_summary *out, const char *name);
/* Adds so many rows of a value to a category's window. */
void vg_kit_add(struct vg_column_summary *window, const char *value, uint64_t count);

/* A copy (free()) of a blob with one byte changed, half the time with its checksum made right. */
uint8_t *vg_kit_damage(const void *blob, size_t size, size_t seed);

/* value lies beyond limit exactly where p is below the level. */
void vg_kit_check_limit(const struct vg_budget_stream *stream, const struct vg_budget_found *found);

/* --- one column learnt from hourly windows that draw() makes --- */

enum { VG_KIT_GRID = 77, VG_KIT_CELLS = 7, VG_KIT_WINDOWS = 24 * 28 };
#define VG_KIT_MONDAY_US (4 * VG_DAY_US) /* 1970-01-05 */

struct vg_kit_learnt {
    size_t n; /* windows from VG_KIT_MONDAY_US on */
    enum vg_kind kind;
    bool is_private;
    bool (*draw)(size_t w, struct vg_column_summary *window); /* false: no rows */
    double least[VG_BUDGET_KINDS];                            /* of tests */
    int64_t *starts;
    struct vg_budget *budget;
    struct vg_budget_part *part;
    struct vg_error err;
};
int vg_kit_learn(struct vg_kit_learnt *learnt);
void vg_kit_forget(struct vg_kit_learnt *learnt);
/* An empty window of this kind; some rows between lo and hi into one of its cells. */
void vg_kit_open(enum vg_kind kind, struct vg_column_summary *out);
void vg_kit_cells(struct vg_column_summary *window, size_t cell, uint64_t rows, double lo,
                  double hi);
/* Whether a test finds the same where earlier windows were counted before, and a terse one the same
 * alarms. */
void vg_kit_check_shortcuts(const struct vg_budget *budget, uint32_t column,
                            const struct vg_budget_part *part,
                            const struct vg_budget_recent *recent,
                            const struct vg_budget_found *found, size_t n);
/* Tests n windows after the reference (those without name: no rows) and checks the limits. */
size_t vg_kit_test(const struct vg_kit_learnt *learnt, struct vg_column_summary *windows, size_t n,
                   struct vg_budget_found *found);
/* 400 numbers in two cells; some 250 rows of five words. */
bool vg_kit_draw_numbers(size_t w, struct vg_column_summary *window);
bool vg_kit_draw_words(size_t w, struct vg_column_summary *window);
/* 100 rows of one number; of NULL. */
bool vg_kit_draw_constant(size_t w, struct vg_column_summary *window);
bool vg_kit_draw_nulls(size_t w, struct vg_column_summary *window);

#endif
