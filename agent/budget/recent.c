/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column's last base windows as series. Pure. A window on another grid, or without counts, ends
 * what can be looked back on: what comes after it is judged at once, longer look-backs warm up. */
#include "agent/budget/recent.h"

#include <math.h>
#include <string.h>

static void set_slots(const struct vg_budget *budget, const struct vg_budget_recent *recent,
                      struct vg_recent *out)
{
    size_t skip = recent->n - out->n;
    for (size_t i = 0; i < out->n; i++) {
        struct vg_budget_place place =
            vg_budget_place(recent->zone, budget->base_us, recent->starts[skip + i]);
        out->slot[i] = vg_budget_slot(budget, place);
        out->windows[i] = recent->windows[skip + i];
    }
}

static void read_nulls(const struct vg_column_summary *s, size_t w, struct vg_recent *out)
{
    uint64_t nulls = s->nulls < s->rows ? s->nulls : s->rows;
    out->rows[w] = (double)s->rows;
    out->cells[2 * w] = (double)(s->rows - nulls);
    out->cells[2 * w + 1] = (double)nulls;
}

/* One window with its values; *look says whether it can be looked back on. */
static int read_values(const struct vg_budget_part *part, const struct vg_budget_counts *counts,
                       size_t w, struct vg_recent *out, enum vg_budget_look *look)
{
    struct vg_counted of = {.look = VG_BUDGET_LOOKED};
    size_t width = out->series.width;
    double *cells = width ? out->cells + w * width : NULL;
    if (counts)
        of = counts->of;
    else if (vg_counted_read(part, out->windows[w], cells, &of) < 0)
        return -1;
    if (counts && cells)
        memcpy(cells, counts->cells, width * sizeof *cells);
    *look = of.look;
    out->rows[w] = of.rows;
    out->m2[w] = of.m2;
    return 0;
}

int vg_recent_read(const struct vg_budget *budget, const struct vg_budget_part *part,
                   const struct vg_budget_recent *recent, enum vg_budget_kind kind,
                   struct vg_arena *arena, struct vg_recent *out)
{
    size_t width = kind == VG_BUDGET_NULLS    ? 2
                   : kind == VG_BUDGET_SPREAD ? 0
                                              : vg_counted_width(part);
    *out = (struct vg_recent){.n = recent->n < VG_BUDGET_LOOK ? recent->n : VG_BUDGET_LOOK};
    set_slots(budget, recent, out);
    out->cells = vg_arena_array(arena, out->n * width + 1, sizeof *out->cells);
    if (!out->cells)
        return -1;
    out->series.width = width;
    size_t first = out->n, skip = recent->n - out->n;
    for (size_t w = out->n; w-- > 0 && out->look == VG_BUDGET_LOOKED;) {
        enum vg_budget_look look = VG_BUDGET_LOOKED;
        const struct vg_budget_counts *counts = recent->counts ? recent->counts[skip + w] : NULL;
        if (out->windows[w] && kind == VG_BUDGET_NULLS)
            read_nulls(out->windows[w], w, out);
        else if (out->windows[w] && read_values(part, counts, w, out, &look) < 0)
            return -1;
        if (look == VG_BUDGET_LOOKED)
            first = w;
        else
            out->look = look;
    }
    struct vg_series all = {.n = out->n,
                            .slot = out->slot,
                            .rows = out->rows,
                            .cells = out->cells,
                            .width = width,
                            .m2 = out->m2};
    out->series = vg_series_part(&all, first, out->n);
    return 0;
}
