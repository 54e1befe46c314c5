/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alert state machine: a table, printed by the program itself; layer 3, pure. */
#ifndef PGVIGIL_ALERT_H
#define PGVIGIL_ALERT_H

#include <stdio.h>

#include "pgvigil/event.h"

enum vg_alert_input {
    VG_IN_GOOD,
    VG_IN_GOOD_PLUS,
    VG_IN_BAD,
    VG_IN_BAD_PLUS,
    VG_IN_BLIND,
    VG_IN_BLIND_PLUS,
    VG_IN_SKIP,
    VG_INPUTS
};
const char *vg_alert_input_name(enum vg_alert_input input);

struct vg_transition {
    enum vg_alert_state to;
    unsigned emits;
};
struct vg_transition vg_alert_transition(enum vg_alert_state from, enum vg_alert_input input);

/* Feeds one result to its alert: streaks, state, severity, onset. Text fields of the alert point
 * into the result. Returns the emitted bits. */
unsigned vg_alert_step(struct vg_alert *alert, const struct vg_result *result,
                       const struct vg_cycle *cycle);
/* The rule is gone: what its end emits. The alert is to be deleted. */
unsigned vg_alert_retire(struct vg_alert *alert, int64_t now_us);
/* A new alert in state new for a result. */
void vg_alert_init(struct vg_alert *alert, const struct vg_result *result, const char *dataset,
                   int64_t now_us);
/* Whether the alert keeps its incident open. */
bool vg_alert_active(enum vg_alert_state state);
/* The table as `pgvigil states` prints it. */
void vg_alert_print_table(FILE *out);

#endif
