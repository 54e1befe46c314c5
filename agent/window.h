/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows and ticks of a dataset as pure functions of time; layer 3.
 *
 * Windows are tumbling, half-open and aligned to the local wall clock: up to 1h they divide an
 * hour, 2h to 12h count from midnight, 1d and 1w begin at the first instant of the local day,
 * Monday. A wall-clock hour that occurs twice is one window of windows up to 1h, marked.
 */
#ifndef PGVIGIL_WINDOW_H
#define PGVIGIL_WINDOW_H

#include "pgvigil/result.h"
#include "pgvigil/rule.h"

/* Whether windows may have this width: they divide an hour, or are 2, 3, 4, 6, 8, 12 hours, a day
 * or a week. */
bool vg_window_fits(int64_t width_us);
/* The window of this width (us) that holds the instant us. */
void vg_window_at(const struct vg_zone *zone, int64_t width_us, int64_t us, struct vg_window *out);
/* The windows after and before. */
void vg_window_next(const struct vg_zone *zone, int64_t width_us, const struct vg_window *window,
                    struct vg_window *out);
void vg_window_before(const struct vg_zone *zone, int64_t width_us, const struct vg_window *window,
                      struct vg_window *out);
/* The newest window whose end + delay is at or before now. */
void vg_window_newest_due(const struct vg_dataset *dataset, int64_t now_us, struct vg_window *out);

/* Ticks stand at k * every + phase, phase a hash of the dataset's id: the first after us. */
int64_t vg_tick_after(const struct vg_dataset *dataset, int64_t us);

/* How far back catch-up goes: windows due before this are skipped. */
int64_t vg_catch_up_from(const struct vg_dataset *dataset, int64_t now_us);

#endif
