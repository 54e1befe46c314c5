/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window and its reference in the same cells of a grid: which run of them holds more. Pure. */
#include "agent/story_parts.h"

#include <math.h>

static const double next_to_nothing = 0.02;

struct vg_story_cells vg_story_make_cells(const uint64_t *then, const uint64_t *now, size_t n)
{
    struct vg_story_cells cells = {then, now, n, 0, 0};
    for (size_t i = 0; i < n; i++) {
        cells.m += (double)then[i];
        cells.rows += (double)now[i];
    }
    return cells;
}

bool vg_story_find_cells(const struct vg_column_summary *now,
                         const struct vg_reference_column *then, struct vg_story_cells *out)
{
    const struct vg_distribution *fine = then ? then->fine : NULL;
    if (!now || !fine || !now->fine || now->grid_id != fine->grid->id)
        return false;
    *out = vg_story_make_cells(fine->cells, now->fine, 2 * (size_t)fine->grid->n + 1);
    return out->m > 0 && out->rows > 0;
}

static double add_shares(const struct vg_story_cells *cells, size_t first, size_t end)
{
    double then = 0, now = 0;
    for (size_t i = first; i < end; i++) {
        then += (double)cells->then[i] / cells->m;
        now += (double)cells->now[i] / cells->rows;
    }
    return fmax(then, now);
}

/* What is left of the line beside it, if next to nothing, is told as part of it. Cells at its ends
 * that hold nothing are none of it. */
static void extend(const struct vg_story_cells *cells, struct vg_story_run *run)
{
    while (run->first < run->last && !cells->now[run->first] && !cells->then[run->first])
        run->first++;
    if (run->first == run->last && run->first % 2)
        return; /* one value alone */
    if (add_shares(cells, 0, run->first) <= next_to_nothing)
        run->first = 0;
    if (add_shares(cells, run->last + 1, cells->n) <= next_to_nothing)
        run->last = cells->n - 1;
}

struct vg_story_run vg_story_find_run(const struct vg_story_cells *cells, double sign)
{
    struct vg_story_run best = {0, 0, 0}, at = {0, 0, 0};
    for (size_t i = 0; i < cells->n; i++) {
        double more =
            sign * ((double)cells->now[i] / cells->rows - (double)cells->then[i] / cells->m);
        if (at.share <= 0)
            at = (struct vg_story_run){i, i, 0};
        at.share += more;
        at.last = i;
        if (at.share > best.share)
            best = at;
    }
    extend(cells, &best);
    return best;
}
