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

static enum vg_budget_look look_numbers(const struct vg_budget_part *part,
                                        const struct vg_column_summary *s)
{
    if (!s->coarse || !s->grid_id)
        return VG_BUDGET_NOT_COUNTED;
    return s->grid_id == part->grid_id && s->coarse_cells == part->ncells ? VG_BUDGET_LOOKED
                                                                          : VG_BUDGET_OTHER_GRID;
}

static enum vg_budget_look read_numbers(const struct vg_budget_part *part,
                                        const struct vg_column_summary *s, size_t w,
                                        struct vg_recent *out)
{
    size_t width = part->ncells - 1;
    double below = 0, *cells = out->cells + w * width;
    enum vg_budget_look look = VG_BUDGET_LOOKED;
    if (!s || !vg_column_finite(s))
        return look;
    look = look_numbers(part, s);
    for (size_t j = 0; look == VG_BUDGET_LOOKED && j < width; j++) {
        below += (double)s->coarse[j];
        cells[j] = below;
    }
    if (look == VG_BUDGET_LOOKED) {
        out->rows[w] = below + (double)s->coarse[width];
        out->m2[w] = s->m2.hi;
    }
    return look;
}

static void read_nulls(const struct vg_column_summary *s, size_t w, struct vg_recent *out)
{
    if (!s)
        return;
    uint64_t nulls = s->nulls < s->rows ? s->nulls : s->rows;
    out->rows[w] = (double)s->rows;
    out->cells[2 * w] = (double)(s->rows - nulls);
    out->cells[2 * w + 1] = (double)nulls;
}

/* One window; *look says whether it can be looked back on. */
static int read_window(const struct vg_budget_part *part, enum vg_budget_kind kind, size_t w,
                       struct vg_recent *out, enum vg_budget_look *look)
{
    const struct vg_column_summary *s = out->windows[w];
    size_t width = out->series.width;
    *look = VG_BUDGET_LOOKED;
    switch (kind) {
    case VG_BUDGET_KS:
    case VG_BUDGET_SPREAD:
        *look = read_numbers(part, s, w, out);
        return 0;
    case VG_BUDGET_LEVELS:
        if (!s)
            return 0;
        return vg_categories_count(&part->categories, s, out->cells + w * width, &out->rows[w],
                                   look);
    default:
        read_nulls(s, w, out);
        return 0;
    }
}

static size_t find_width(const struct vg_budget_part *part, enum vg_budget_kind kind)
{
    if (kind == VG_BUDGET_KS || kind == VG_BUDGET_SPREAD)
        return part->ncells - 1;
    return kind == VG_BUDGET_NULLS ? 2 : vg_categories_levels(&part->categories);
}

int vg_recent_read(const struct vg_budget *budget, const struct vg_budget_part *part,
                   const struct vg_budget_recent *recent, enum vg_budget_kind kind,
                   struct vg_arena *arena, struct vg_recent *out)
{
    size_t width = find_width(part, kind);
    *out = (struct vg_recent){.n = recent->n < VG_BUDGET_LOOK ? recent->n : VG_BUDGET_LOOK};
    set_slots(budget, recent, out);
    out->cells = vg_arena_array(arena, out->n * width + 1, sizeof *out->cells);
    if (!out->cells)
        return -1;
    out->series.width = width;
    size_t first = out->n;
    for (size_t w = out->n; w-- > 0 && out->look == VG_BUDGET_LOOKED;) {
        enum vg_budget_look look;
        if (read_window(part, kind, w, out, &look) < 0)
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
