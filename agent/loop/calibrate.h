/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calibrating the budget of a dataset on the versions of its first reference in use; layer 5.
 *
 * A pure function of the stored base windows, the budget and the columns under it: made once for
 * each version, and anew when one of those has changed. The calibration before it stays in force
 * until the new one is complete. In use is the version that was captured, promoted or chosen; of a
 * rolling reference the newest, and the one that judges the newest closed window.
 */
#ifndef PGVIGIL_CALIBRATE_H
#define PGVIGIL_CALIBRATE_H

#include "agent/loop/cycle.h"
#include "pgvigil/budget.h"

/* Whether a version in use lacks a calibration that the rules ask for. */
int vg_calibrate_wanted(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        bool *wanted, struct vg_error *err);
/* The same of one version in a store. */
int vg_calibrate_lacks(struct vg_store *store, const struct vg_dataset *dataset, int64_t version,
                       bool *lacks, struct vg_error *err);
/* Makes what is wanted, and says it in the log. `progress` (may be NULL) hears how much of each is
 * done, 0 .. 1. One is made at a time. VG_E_CANCELLED when it was stopped. */
int vg_calibrate_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                     void (*progress)(const char *dataset, double done), struct vg_error *err);
/* The same for the version that judges the window starting at start_us, if there is one. */
int vg_calibrate_window(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        int64_t start_us, struct vg_error *err);
/* The model in force of the newest version in use; *out NULL: none. To be freed with
 * vg_budget_free(). */
int vg_calibrate_load(struct vg_store *store, const struct vg_dataset *dataset,
                      struct vg_budget **out, struct vg_error *err);
/* Whether what dataset->reference is now can be calibrated at all, if the rules ask for that: base
 * windows of base_us (0: one for all) from from_us (VG_NEVER: no span) to to_us. VG_E_LIMIT. */
int vg_calibrate_fits(const struct vg_dataset *dataset, int64_t from_us, int64_t to_us,
                      int64_t base_us, struct vg_error *err);
/* Why the version in use never will be, in the arena; NULL: it is yet to be. */
int vg_calibrate_hindrance(struct vg_store *store, const struct vg_dataset *dataset,
                           struct vg_arena *arena, const char **why, struct vg_error *err);
/* A line in the log for the dataset, and one for each stream that is not as it should be. */
void vg_calibrate_log(const char *dataset, const struct vg_budget *budget);

#endif
