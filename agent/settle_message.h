/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a settled cycle: one grouped message per incident; layer 3, pure. */
#ifndef PGVIGIL_SETTLE_MESSAGE_H
#define PGVIGIL_SETTLE_MESSAGE_H

#include "agent/settle.h"

/* hash(agent, dataset, severity, due time of the opening cycle), as hex. */
void vg_incident_key(char key[VG_KEY_SIZE], const char *agent, const char *dataset,
                     enum vg_severity severity, int64_t due_us);

typedef const struct vg_result *vg_result_of(const struct vg_cycle *cycle,
                                             const struct vg_alert *alert);

/* Fills out->messages and out->receivers; marks incidents and alerts as told. While catching up
 * nothing is said. 0, or -1 VG_E_MEMORY. */
int vg_settle_messages(const struct vg_settle_in *in, struct vg_arena *arena,
                       struct vg_settle_out *out, vg_result_of *result_of, struct vg_error *err);

#endif
