/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fingerprint of what a window holds, and of how many it is the same; layer 3, pure. */
#ifndef PGVIGIL_CHECK_STUCK_PRINT_H
#define PGVIGIL_CHECK_STUCK_PRINT_H

#include "pgvigil/check.h"

/* Whether a column leaves one: a private one with fewer than VG_PRIVATE_ROWS values does not, since
 * its values could be guessed from it. */
bool vg_stuck_may_print(const struct vg_column_summary *column, bool is_private);
/* Of one column: the same for the same values in any order, never 0 but when out of
 * memory. The scratch is taken from the arena. */
uint64_t vg_stuck_print(const struct vg_column_summary *column, bool is_private,
                        struct vg_arena *arena);
/* Of all columns that may but the time column; *none: there is none. 0 when out of memory. */
uint64_t vg_stuck_print_all(const struct vg_summary *summary, const struct vg_dataset *dataset,
                            bool *none, struct vg_arena *arena);
/* Windows up to this one with the same fingerprint; 0: the one before has none. */
size_t vg_stuck_same(const struct vg_rule *rule, const struct vg_evidence *evidence,
                     uint64_t fingerprint);

#endif
