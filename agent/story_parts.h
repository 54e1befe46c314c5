/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a story are told from: a window and its reference in the same cells of a grid,
 * and the run of cells that changed most. Of agent/story*.c alone; layer 3, pure. */
#ifndef PGVIGIL_AGENT_STORY_PARTS_H
#define PGVIGIL_AGENT_STORY_PARTS_H

#include "agent/story.h"

struct vg_story_cells {
    const uint64_t *then, *now;
    size_t n;
    double m, rows; /* totals */
};
struct vg_story_run {
    size_t first, last;
    double share; /* by which it holds more */
};

struct vg_story_cells vg_story_make_cells(const uint64_t *then, const uint64_t *now, size_t n);
/* What a column of numbers and its reference are counted in together; false: nothing. */
bool vg_story_find_cells(const struct vg_column_summary *now,
                         const struct vg_reference_column *then, struct vg_story_cells *out);
/* The run of cells that gained most (sign 1) or lost most (-1): Kadane's walk. What is left of the
 * line beside it, if next to nothing, is part of it. */
struct vg_story_run vg_story_find_run(const struct vg_story_cells *cells, double sign);
/* Names the segment whose rows have changed most, if one has by more than chance and the hours. */
void vg_story_tell_segments(const struct vg_story_of *of, struct vg_story *out);

#endif
