/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a model has moved, and in which order people read it: its predictions first, then the
 * features by how much they moved, weighted by how much they count for the model; layer 3, pure. */
#ifndef PGVIGIL_RANK_H
#define PGVIGIL_RANK_H

#include "pgvigil/store.h"

/* What of the model's output the column holds. */
enum vg_prediction vg_rank_prediction(const struct vg_dataset *dataset, const char *column);
/* Whether the file asks for an order: it names predictions or importances. */
bool vg_rank_wanted(const struct vg_dataset *dataset);

/* By how much a column moved, as a share of rows in [0, 1]: D = sup |F_now - F_then| of numbers on
 * the reference's grid; of categories total variation, half the sum of |p_now - p_then|. NAN where
 * the two cannot be compared. */
double vg_rank_distance(const struct vg_column_summary *now,
                        const struct vg_reference_column *then);

/* Fills score and rank, and sorts: predictions by how much they moved, then features by moved x
 * importance where `weighted` (one without importance counts as 0), else by moved; what is not
 * known comes last, equal ones by name. */
void vg_rank_order(struct vg_moved *items, size_t n, bool weighted);

/* Predictions before all others, then drift of features by rank; the rest keep their order, before
 * that drift. Nothing moves where nothing is ranked. 0, or -1 out of memory. */
int vg_rank_results(struct vg_result *results, size_t n, struct vg_arena *arena);
int vg_rank_latest(struct vg_latest *latest, size_t n, struct vg_arena *arena);
/* Places of those that did not pass, the worst verdict first and else as they stand; how many.
 * places: n. */
size_t vg_rank_worst(const struct vg_latest *latest, size_t n, size_t *places);
int vg_rank_items(struct vg_message_item *items, size_t n, struct vg_arena *arena);

/* The model's output: means of probabilities, scores and confidences, shares of classes. Columns of
 * which no value may be shown are left out. In arena; 0, or -1 out of memory. */
int vg_rank_predicted(const struct vg_dataset *dataset, const struct vg_summary *now,
                      const struct vg_reference *then, struct vg_arena *arena,
                      struct vg_predicted **out, size_t *n);

#endif
