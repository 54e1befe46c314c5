/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a settled cycle: one grouped message per incident, and at the end of a catch-up
 * one summary of what began and ended meanwhile; layer 3, pure. */
#ifndef PGVIGIL_SETTLE_MESSAGE_H
#define PGVIGIL_SETTLE_MESSAGE_H

#include "agent/settle.h"

/* hash(agent, dataset, severity, due time of the opening cycle), as hex. */
void vg_incident_key(char key[VG_KEY_SIZE], const char *agent, const char *dataset,
                     enum vg_severity severity, int64_t due_us);

/* hash(agent, dataset, "summary", due time of the first cycle it tells of), as hex. */
void vg_summary_key(char key[VG_KEY_SIZE], const char *agent, const char *dataset, int64_t due_us);

/* Adds receivers that are not there yet; the list is made anew in arena. 0, or -1 out of memory. */
int vg_settle_invite(struct vg_strings *to, const struct vg_strings *more, struct vg_arena *arena);

typedef const struct vg_result *vg_result_of(const struct vg_cycle *cycle,
                                             const struct vg_alert *alert);

/* Fills out->messages and out->receivers; marks incidents and alerts as told, and sets out->told.
 * While catching up nothing is said, unless `reach` stands while the read failed: that ends the
 * catch-up for now. 0, or -1 VG_E_MEMORY. */
int vg_settle_messages(const struct vg_settle_in *in, struct vg_arena *arena,
                       struct vg_settle_out *out, vg_result_of *result_of, struct vg_error *err);

#endif
