/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments in a cycle; layer 5, for cycle*.c only. */
#ifndef PGVIGIL_CYCLE_SEGMENTS_H
#define PGVIGIL_CYCLE_SEGMENTS_H

#include "agent/loop/cycle.h"

/* The segments of the work's reference, where a window is to be judged. Errors as of the store. */
int vg_cycle_segments_load(struct vg_work *work, struct vg_error *err);
/* What the scan counted per segment becomes the work's. VG_E_MEMORY. */
int vg_cycle_segments_take(struct vg_work *work, struct vg_tally *tally, struct vg_error *err);
void vg_cycle_segments_forget(struct vg_work *work);
/* The splits of a rule whose statements answer for segments, too. VG_E_MEMORY. */
int vg_cycle_segments_asked(const struct vg_work *work, const struct vg_rule *rule,
                            struct vg_asked *asked, struct vg_error *err);
/* Of such answers (or none: NULL) those for all rows. VG_E_MEMORY. */
int vg_cycle_segments_whole(const struct vg_work *work, const struct vg_asked_rule *asked,
                            struct vg_evidence *evidence, struct vg_error *err);
/* What was counted of a segment's rows for a variant, or NULL. */
const struct vg_summary *vg_cycle_segments_summary(const struct vg_work *work, size_t variant,
                                                   const struct vg_plan_segment *segment);
/* Measures a rule on every segment that it is judged on. `whole`: the evidence for all rows; why:
 * nothing can be looked at, with this verdict, or NULL. VG_E_MEMORY, VG_E_INTERNAL. */
int vg_cycle_segments_measure(struct vg_work *work, const struct vg_bound *bound,
                              const struct vg_evidence *whole, enum vg_verdict look,
                              const char *why, struct vg_measures *measures, struct vg_error *err);

#endif
