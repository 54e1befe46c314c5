/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of a reference while it is captured; layer 5, for capture*.c only. */
#ifndef PGVIGIL_CAPTURE_SEGMENTS_H
#define PGVIGIL_CAPTURE_SEGMENTS_H

#include "agent/loop/capture_group.h"
#include "agent/tally.h"

/* The columns that tell rows apart; one that cannot is left out, and the log says why. VG_E_MEMORY.
 */
int vg_capture_segments_open(struct vg_capture *capture, struct vg_error *err);
/* Counts their values in the first pass; of the first group only. VG_E_MEMORY. */
int vg_capture_segments_look(struct vg_capture_group *group, const struct vg_batch *batch,
                             struct vg_error *err);
/* After the first pass: the values, and the grids that segments are counted on. VG_E_MEMORY. */
int vg_capture_segments_choose(struct vg_capture *capture, struct vg_error *err);

/* One group's numbers per segment, over all base windows. */
struct vg_capture_segments {
    struct vg_tally_column *columns;
    struct vg_tally_split *splits;
    struct vg_tally_variant variant;
    struct vg_tally_plan plan;
    struct vg_tally *tally; /* NULL: nothing to count */
};
int vg_capture_segments_begin(struct vg_capture_segments *segments,
                              const struct vg_capture_group *group, struct vg_error *err);
/* Stores what was counted, in one transaction, and ends the counting. */
int vg_capture_segments_store(struct vg_capture_segments *segments, struct vg_capture *capture,
                              struct vg_error *err);
void vg_capture_segments_close(struct vg_capture *capture);

#endif
