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

#endif
