/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows of a backtest are judged with; layer 5, for backtest_run.c only.
 *
 * Catalogue, session and most of the plan are the same for all windows. The part of a reference
 * that holds the same hour and the version of one that rolls are not: they follow the window, as in
 * a live cycle. */
#ifndef PGVIGIL_BACKTEST_BESIDE_H
#define PGVIGIL_BACKTEST_BESIDE_H

#include "agent/loop/cycle.h"

/* Why a rule is not replayed, or NULL. */
const char *vg_backtest_why_not(const struct vg_bound *bound, bool lookups);

struct vg_beside {
    const struct vg_work *bound; /* as the first window's time found it */
    struct vg_work now;          /* what the window is judged with, where that changes */
    bool lookups, rolls, apart;
};
/* After the rules of bound were chosen; no memory is taken. */
void vg_beside_begin(struct vg_beside *beside, const struct vg_work *bound, bool lookups);
/* *out: catalogue, plan and references for this window, valid until the next call. As the store;
 * VG_E_CONFIG where another version asks for other columns of the table. */
int vg_beside_at(struct vg_beside *beside, const struct vg_window *window,
                 const struct vg_work **out, struct vg_error *err);
void vg_beside_end(struct vg_beside *beside);

#endif
