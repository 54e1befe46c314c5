/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rules cost in a scan, measured on rows of it; layer 5. */
#ifndef PGVIGIL_BACKTEST_COST_H
#define PGVIGIL_BACKTEST_COST_H

#include "agent/backtest.h"
#include "agent/loop/cycle.h"

enum { VG_BACKTEST_COST_ROWS = 256 };       /* fewest rows that tell */
extern const double vg_backtest_unmeasured; /* NAN */

/* Counts the batch again and again for each rule alone, less what reading it without any rule
 * takes, into row_ns of the rules of `out`. Rules of one column share in what is then counted once.
 * `bound`: a plan and what it was made from. VG_E_MEMORY, VG_E_INTERNAL. */
int vg_backtest_cost(const struct vg_work *bound, const struct vg_batch *batch,
                     int64_t (*elapsed_ns)(void), struct vg_backtest *out, struct vg_error *err);

#endif
