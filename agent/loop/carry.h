/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the cycles of a replay hand on in memory, where a daemon's read it back from its store;
 * layer 5.
 *
 * Alerts, incidents, windows, the last base windows and the model of the budget: of one dataset, of
 * windows in the order of time, with nobody who reads beside. What is handed on is what the store
 * would have given back, bit by bit, but for what no replay asks of base windows: their distinct
 * values and quantiles. Base windows that are over go into the store, for stories.
 */
#ifndef PGVIGIL_CARRY_H
#define PGVIGIL_CARRY_H

#include "agent/settle.h"
#include "pgvigil/budget.h"
#include "pgvigil/store.h"

struct vg_carry;

/* `store`: for base windows that are over; `dataset` is borrowed. VG_E_MEMORY. */
int vg_carry_new(struct vg_store *store, const char *dataset, struct vg_carry **out,
                 struct vg_error *err);
void vg_carry_free(struct vg_carry *carry); /* NULL is fine */

/* --- Alerts and incidents (carry.c) ------------------------------------------------------ */

/* Fills alerts, incidents; they are borrowed until the second keep from now. */
void vg_carry_settled(const struct vg_carry *carry, struct vg_settle_in *in);
/* Whether a rule's alert fires already, at least as severely: of what is said of it now nothing is
 * kept. */
bool vg_carry_burns(const struct vg_carry *carry, const struct vg_result *result);
/* What a cycle that does not catch up has settled. VG_E_MEMORY. */
int vg_carry_keep(struct vg_carry *carry, const struct vg_settle_out *settled,
                  struct vg_error *err);

/* --- Windows (carry.c) --------------------------------------------------------------------- */

/* A later one than all before, or the last again. VG_E_MEMORY. */
int vg_carry_window_put(struct vg_carry *carry, const struct vg_window_row *row,
                        struct vg_error *err);
/* As vg_store_window(); NULL: there is none. */
const struct vg_window_row *vg_carry_window(const struct vg_carry *carry, int64_t start_us);
/* As vg_store_windows_judged(). */
int vg_carry_windows_judged(const struct vg_carry *carry, const struct vg_window *span,
                            struct vg_arena *arena, struct vg_window_row **out, size_t *n,
                            struct vg_error *err);

/* --- Base windows (carry_base.c) ----------------------------------------------------------- */

/* Base windows are carried of these columns alone; borrowed. Without this, of all. */
void vg_carry_only(struct vg_carry *carry, const struct vg_strings *columns);
/* As vg_store_summary_add(), of the last base window or a later one. What is kept leaves the
 * summary (see vg_column_take()), which is not to be looked at any more. */
int vg_carry_add(struct vg_carry *carry, const struct vg_window *base, struct vg_summary *summary,
                 struct vg_error *err);
/* A column of a base window; both NULL: there is none. */
struct vg_carried {
    const struct vg_column_summary *summary;
    const struct vg_budget_counts *counts; /* of the part that was asked for; NULL without */
};
/* As vg_store_summary(), of one of the last VG_BUDGET_LOOK base windows with rows, and how a part
 * (NULL: none; always the same until another reference) counts it. Borrowed until the next
 * vg_carry_add(). VG_E_MEMORY. */
int vg_carry_summary(struct vg_carry *carry, const struct vg_window *base, const char *column,
                     const struct vg_budget_part *part, struct vg_carried *out,
                     struct vg_error *err);
/* Writes to the store what it has not yet been given, before it is asked for base windows. */
int vg_carry_flush(struct vg_carry *carry, struct vg_error *err);

/* --- The budget (carry_budget.c) ----------------------------------------------------------- */

/* The model of a reference, read once, and the id of its calibration, 0: there is none. *model is
 * NULL where it cannot be had; *why: that it cannot be read, or NULL. All borrowed. */
int vg_carry_model(struct vg_carry *carry, int64_t version, const struct vg_budget **model,
                   int64_t *id, const char **why, struct vg_error *err);
/* A column's part that was kept; false: none was. */
bool vg_carry_part(const struct vg_carry *carry, const char *column, struct vg_budget_part **part);
/* Keeps a part (NULL: the column has none) until another reference; false: there is no room, and
 * it stays the caller's. */
bool vg_carry_part_keep(struct vg_carry *carry, const char *column, struct vg_budget_part *part);

#endif
