/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calibrating the budget of a dataset on its reference in use; layer 5.
 *
 * A pure function of the stored base windows, the budget and the columns under it: made once after
 * each capture, and anew when one of those has changed. The calibration before it stays in force
 * until the new one is complete.
 */
#ifndef PGVIGIL_CALIBRATE_H
#define PGVIGIL_CALIBRATE_H

#include "agent/loop/cycle.h"
#include "pgvigil/budget.h"

/* Whether the reference in use lacks a calibration that the rules ask for. */
int vg_calibrate_wanted(struct vg_store *store, const struct vg_dataset *dataset, bool *wanted,
                        struct vg_error *err);
/* Makes it if it is wanted, and says it in the log. `progress` (may be NULL) hears how much is
 * done, 0 .. 1. VG_E_CANCELLED when it was stopped. */
int vg_calibrate_run(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                     void (*progress)(const char *dataset, double done), struct vg_error *err);
/* The model in force of the reference in use, or of that version; *out NULL: none. *reference (may
 * be NULL) is its version. To be freed with vg_budget_free(). */
int vg_calibrate_load(struct vg_store *store, const char *dataset, int64_t version,
                      struct vg_budget **out, struct vg_error *err);
/* A line in the log for the dataset, and one for each stream that is not as it should be. */
void vg_calibrate_log(const char *dataset, const struct vg_budget *budget);

#endif
