/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits that a cycle reaches; layer 5, for cycle*.c only. */
#ifndef PGVIGIL_CYCLE_LIMITS_H
#define PGVIGIL_CYCLE_LIMITS_H

#include "agent/loop/cycle.h"

/* VG_E_LIMIT: more columns than limits.columns; more rows than limits.rows; more cost than
 * limits.cost for this SELECT. Noted in the cycle. */
int vg_cycle_limits_columns(struct vg_work *work, struct vg_error *err);
int vg_cycle_limits_rows(struct vg_work *work, uint64_t rows, struct vg_error *err);
int vg_cycle_limits_cost(struct vg_work *work, const char *select, struct vg_error *err);
/* After the scan: what was left out of segments and categories, noted and logged. */
void vg_cycle_limits_scanned(struct vg_work *work);

#endif
