/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column's last base windows, as one kind of stream sees them; layer 3, pure. */
#ifndef PGVIGIL_AGENT_BUDGET_RECENT_H
#define PGVIGIL_AGENT_BUDGET_RECENT_H

#include "agent/budget/learn.h"

/* --- counted.c: one window -------------------------------------------------------------------- */

struct vg_counted {
    enum vg_budget_look look; /* whether it can be looked back on; if not, all else is 0 */
    double rows, m2;          /* those with a value; of numbers */
};
struct vg_budget_counts {
    struct vg_counted of;
    bool known;     /* all its values were counted and are in the reference */
    double cells[]; /* numbers: rows below each place of the curve; a category: of each level */
};
/* How many cells a window of numbers, or else of a category, has. */
size_t vg_counted_width(const struct vg_budget_part *part);
/* `cells` are zero before; of numbers NULL: they are not asked for. 0, or -1 out of memory. */
int vg_counted_read(const struct vg_budget_part *part, const struct vg_column_summary *window,
                    double *cells, struct vg_counted *out);

/* --- recent.c: the last ones ------------------------------------------------------------------ */

struct vg_recent {
    size_t n;
    uint32_t slot[VG_BUDGET_LOOK];
    const struct vg_column_summary *windows[VG_BUDGET_LOOK];
    double rows[VG_BUDGET_LOOK], m2[VG_BUDGET_LOOK];
    double *cells;            /* in the arena */
    struct vg_series series;  /* the windows after the last that cannot be looked back on */
    enum vg_budget_look look; /* why that one cannot */
};
/* Points into itself: not to be copied. Of spread without cells. 0, or -1 out of memory. */
int vg_recent_read(const struct vg_budget *budget, const struct vg_budget_part *part,
                   const struct vg_budget_recent *recent, enum vg_budget_kind kind,
                   struct vg_arena *arena, struct vg_recent *out);

#endif
