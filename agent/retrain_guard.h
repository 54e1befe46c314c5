/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards of a retraining request; layer 3, pure. */
#ifndef PGVIGIL_RETRAIN_GUARD_H
#define PGVIGIL_RETRAIN_GUARD_H

#include "agent/retrain.h"

/* Why the onset must not fire now, as sentences with "; " between them; "" when every guard passes.
 * In arena. */
struct vg_guarded {
    const char *firm;  /* data broken or unknown, a request or a run under way */
    const char *loose; /* what a person may override */
};
/* 0, or -1 out of memory. */
int vg_retrain_guard(const struct vg_retrain_in *in, const struct vg_onset *onset,
                     struct vg_arena *arena, struct vg_guarded *out);

/* The same of a request that waits in the outbox, which is not in its own way: why it must not be
 * sent any more; "" when it may be. What a person forced stays forced. NULL out of memory. */
const char *vg_retrain_object(const struct vg_retrain_in *in, const struct vg_onset *onset,
                              struct vg_arena *arena);

/* A request, delivered or not, counts as under way until then where nothing is known of its run. */
int64_t vg_retrain_over_us(const struct vg_retraining *config, int64_t fired_us,
                           enum vg_retrain_flight run);

#endif
