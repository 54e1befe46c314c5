/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look-backs over a series, and the rows of a reference by slot. Pure. Every look-back is summed
 * anew, so that no rounding adds up along the series. */
#include <math.h>

#include "agent/budget/parts.h"

struct vg_series vg_series_part(const struct vg_series *series, size_t from, size_t to)
{
    struct vg_series part = *series;
    part.n = to - from;
    part.slot += from;
    part.rows += from;
    part.cells = series->cells ? series->cells + from * series->width : NULL;
    part.m2 = series->m2 ? series->m2 + from : NULL;
    return part;
}

double vg_series_rows(const struct vg_series *series, size_t w, uint32_t scale)
{
    double n = 0;
    for (size_t i = w + 1 - scale; i <= w; i++)
        n += series->rows[i];
    return n;
}

int vg_basis_fit(const struct vg_series *series, const struct vg_calendar *calendar,
                 struct vg_arena *arena, struct vg_basis *out)
{
    *out = (struct vg_basis){.calendar = *calendar};
    out->slot_rows = vg_arena_array(arena, calendar->nslots, sizeof *out->slot_rows);
    out->slot_windows = vg_arena_array(arena, calendar->nslots, sizeof *out->slot_windows);
    if (!out->slot_rows || !out->slot_windows)
        return -1;
    for (size_t w = 0; w < series->n; w++) {
        double filled = series->rows[w] > 0;
        out->slot_rows[series->slot[w]] += series->rows[w];
        out->slot_windows[series->slot[w]] += filled;
        out->rows += series->rows[w];
        out->windows += filled;
    }
    return 0;
}

struct vg_noise vg_basis_noise(const struct vg_basis *basis, const struct vg_series *series,
                               size_t w, uint32_t scale)
{
    double n = 0, sum = 0;
    for (size_t i = w + 1 - scale; i <= w; i++) {
        double rows = series->rows[i], m = basis->slot_rows[series->slot[i]];
        n += rows;
        sum += rows * rows / (m > 0 ? m : basis->rows);
    }
    if (!basis->calendar.types)
        sum = n * n / basis->rows;
    double r = sum * vg_calendar_repeats(&basis->calendar, scale) / fmax(n, 1);
    return (struct vg_noise){n, r};
}

double vg_basis_others(const struct vg_basis *basis, const struct vg_series *series, size_t w,
                       uint32_t scale)
{
    double own = basis->calendar.types ? vg_calendar_repeats(&basis->calendar, scale) : scale;
    double windows = fmax(basis->slot_windows[series->slot[w]], 1);
    return 1 - fmin(own / windows, 0.75);
}
