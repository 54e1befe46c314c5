/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a reference that is of one slot: of the same hour of the day or week; layer 5. */
#ifndef PGVIGIL_LOOP_CYCLE_SEASON_H
#define PGVIGIL_LOOP_CYCLE_SEASON_H

#include "pgvigil/store.h"

struct vg_season_of {
    struct vg_store *store;
    const struct vg_dataset *dataset;
    enum vg_season season;
    int64_t start_us;            /* of the window that is judged */
    const struct vg_strings *of; /* columns */
};
/* A reference made of the base windows of the window's slot, counted on the coarse grid, to be
 * freed with vg_reference_free(). Columns without stored windows (private ones) are left out. Its
 * rows are those of the slot. */
int vg_season_view(const struct vg_season_of *in, const struct vg_reference *whole,
                   struct vg_reference **out, struct vg_error *err);
/* A copy, by the way a summary is stored; to be freed with vg_column_free(). */
int vg_season_copy(const struct vg_column_summary *column, struct vg_column_summary **out,
                   struct vg_error *err);

#endif
