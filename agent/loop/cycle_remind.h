/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What alerts rest on that the cycle which tells of them did not judge; layer 5, for cycle*.c. */
#ifndef PGVIGIL_CYCLE_REMIND_H
#define PGVIGIL_CYCLE_REMIND_H

#include "agent/loop/cycle.h"

/* Inside the transaction, of reminders and updates: what stands and was not looked at now, or could
 * not be judged, gets value, p-value and numbers of rows of the newest look that could; a reminder
 * also the window and the rows of the look that its title speaks of. In arena. */
int vg_cycle_remind(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                    struct vg_message *message, struct vg_arena *arena, struct vg_error *err);

#endif
