/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reminder rests on where the cycle that sends it read nothing; layer 5, for cycle*.c. */
#ifndef PGVIGIL_CYCLE_REMIND_H
#define PGVIGIL_CYCLE_REMIND_H

#include "agent/loop/cycle.h"

/* Inside the transaction: fills in window and rows of the newest window, and p-values and numbers
 * of rows of the newest results, as far as the message has none. Only of reminders. */
int vg_cycle_remind(const struct vg_cycle_env *env, struct vg_message *message,
                    struct vg_error *err);

#endif
