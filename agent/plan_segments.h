/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of a plan: which values there are, and what counting them costs; layer 3, pure.
 */
#ifndef PGVIGIL_PLAN_SEGMENTS_H
#define PGVIGIL_PLAN_SEGMENTS_H

#include "agent/plan.h"

/* The values of a segmentation: those listed, else the most frequent that `total` has counted
 * (NULL: none are known). Where these are beyond the most allowed, and the most frequent are hardly
 * any of the rows or came but once, the column tells rows apart and no segments (a number of a
 * request, not a country): it then has none, since values that do not come again would each be
 * missed. In arena; 0, or -1 when out of memory. */
struct vg_segment_choice {
    struct vg_strings values;
    size_t left;      /* how many of its values are no segments of their own */
    bool scattered;   /* none is, for the reason above */
    const char *told; /* what is left, in words for people; NULL: nothing is */
};
int vg_segment_values(const struct vg_segment_spec *spec, const struct vg_column_summary *total,
                      struct vg_arena *arena, struct vg_segment_choice *out);
/* "column=value"; value NULL: all others. In arena, NULL without memory. */
const char *vg_segment_name(const char *column, const char *value, struct vg_arena *arena);
/* Why rows cannot be told apart by this column (NULL: it does not exist), or NULL. In arena;
 * *failed: out of memory. */
const char *vg_segment_problem(const char *name, const struct vg_catalog_column *column,
                               struct vg_arena *arena, bool *failed);

/* How many values of a category fit into each of so many tables of them, within this memory; most:
 * limits.categories, 0 for none. */
uint32_t vg_segment_categories(size_t free_bytes, size_t tables, int64_t most);

/* Splits and segments of a plan whose dataset, catalogue and reference are set. 0, or -1 when out
 * of memory. */
int vg_plan_split(struct vg_plan *plan, const struct vg_rejects *rejects, struct vg_arena *arena);
/* After the tally's columns and variants are known: gives them their coarse grids and the tally its
 * splits, unless that would be too much, which is then the problem of all splits. items: of each
 * split's column. 0, or -1 when out of memory. */
int vg_plan_tally_segments(struct vg_plan *plan, struct vg_tally_column *columns,
                           const size_t *items, struct vg_arena *arena);

/* Whether the rule is judged on this segment. */
bool vg_plan_judges(const struct vg_plan *plan, const struct vg_rule *rule,
                    const struct vg_plan_segment *segment);
/* Whether the rule is still judged on the segment of this name, as far as is known; "": all rows.
 */
bool vg_plan_names_segment(const struct vg_dataset *dataset, const struct vg_plan *plan,
                           const struct vg_rule *rule, const char *name);

#endif
