/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards of a retraining request; layer 3, pure. */
#ifndef PGVIGIL_RETRAIN_GUARD_H
#define PGVIGIL_RETRAIN_GUARD_H

#include "agent/retrain.h"

/* Why the onset must not fire now, as sentences with "; " between them; "" when every guard passes.
 * In arena. 0, or -1 out of memory. */
int vg_retrain_guard(const struct vg_retrain_in *in, const struct vg_onset *onset,
                     struct vg_arena *arena, char **reasons);

#endif
