/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How it stands with the retraining of a model, in one line; layer 3, pure. */
#ifndef PGVIGIL_RETRAIN_STATE_H
#define PGVIGIL_RETRAIN_STATE_H

#include "pgvigil/store.h"
#include "pgvigil/text.h"

struct vg_retrain_standing {
    const struct vg_onset *onset;       /* not ended, or NULL */
    const struct vg_retrain_run *run;   /* of the newest request, or NULL */
    const struct vg_decision *decision; /* the newest about the onset, or NULL */
};
/* A word for programs: "quiet", "withheld", "waiting", "denied", "dry_run", "asked". */
const char *vg_retrain_state_word(const struct vg_retrain_standing *standing);
/* Appends a sentence without its full stop, texts from outside as they are. */
void vg_retrain_state_say(struct vg_buf *out, const struct vg_retrain_standing *standing);

#endif
