/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the profile of a table: its catalogue, a few small statements, and one COPY of its rows
 * in the order of time, all in one snapshot; layer 5. Tables too wide for the memory are read in
 * groups of columns. */
#ifndef PGVIGIL_LOOP_PROFILE_H
#define PGVIGIL_LOOP_PROFILE_H

#include "agent/loop/cycle.h"
#include "agent/profile.h"

struct vg_profile_ask {
    const char *connection, *table, *dataset;
    const char *time_column; /* NULL: one is chosen; "": the table is a state */
    int64_t from_us, to_us;  /* INT64_MIN, VG_NEVER: open */
    const char *timezone;    /* or NULL: UTC */
    const struct vg_zone *zone;
};

/* VG_E_NOT_FOUND for the table or the time column, VG_E_CONFIG for a column that is no time, or a
 * range without time column, VG_E_DATA without rows, and the errors of the source. All in the
 * arena but the totals: vg_profile_clear() frees them, in any case. */
int vg_profile_read(const struct vg_cycle_env *env, const struct vg_profile_ask *ask,
                    struct vg_arena *arena, struct vg_profile *out, struct vg_error *err);

#endif
