/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Past windows of a dataset judged in one pass over its rows; layer 5.
 *
 * One COPY in the order of time is cut into windows as it comes; each is judged and committed by
 * the functions of a live cycle, on a virtual clock, into a store that is thrown away afterwards.
 * What a live agent judges at ticks, or by statements of its own, is left out, and said.
 */
#ifndef PGVIGIL_BACKTEST_RUN_H
#define PGVIGIL_BACKTEST_RUN_H

#include "agent/backtest.h"
#include "agent/loop/cycle.h"

struct vg_backtest_task {
    struct vg_cycle_env env; /* a store of its own, with the reference; a virtual clock */
    const struct vg_dataset *dataset;
    int64_t from_us, to_us; /* all windows that lie between */
    const struct vg_injection *injections;
    size_t ninjections;
    bool lookups; /* ask what rules look up, window by window */
    int64_t (*elapsed_ns)(void);
    void (*progress)(const char *dataset, double done); /* 0 .. 1; may be NULL */
};

/* *out is open already. VG_E_USAGE: a change that does not fit, no window between the times; as
 * reading a table, as the store; VG_E_CANCELLED. */
int vg_backtest_run(const struct vg_backtest_task *task, struct vg_backtest *out,
                    struct vg_error *err);
/* The version of a reference in use, with its calibration, out of one store into another; *version:
 * its number in the first, 0: there is none. */
int vg_backtest_reference(struct vg_store *from, struct vg_store *to,
                          const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                          int64_t *version, struct vg_error *err);
/* Captures and calibrates the versions of rolling references that judge the windows of the task.
 * One that cannot be captured is logged, and its windows have none. */
void vg_backtest_turns(const struct vg_backtest_task *task);

#endif
