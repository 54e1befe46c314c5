/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calendar columns: date parts, serial numbers, timestamps. They move with time by their nature, so
 * a comparison with the past says nothing. Pure. */
#include <math.h>

#include "agent/budget/parts.h"

void vg_calendar_column_begin(struct vg_calendar_column *column, size_t windows)
{
    *column = (struct vg_calendar_column){
        .windows = windows, .half = windows - windows / 2, .one_each = true, .ranged = true};
}

void vg_calendar_column_add(struct vg_calendar_column *column, size_t window, double rows,
                            double lo, double hi)
{
    if (!(rows > 0))
        return;
    size_t half = window >= column->half;
    if (!column->any)
        column->first = lo;
    column->any = true;
    column->several |= lo != hi || lo != column->first;
    if (rows >= VG_BUDGET_THIN) {
        column->full = true;
        column->one_each &= lo == hi;
    }
    column->lo[half] = column->has[half] ? fmin(column->lo[half], lo) : lo;
    column->hi[half] = column->has[half] ? fmax(column->hi[half], hi) : hi;
    column->has[half] = true;
}

bool vg_calendar_column_is(const struct vg_calendar_column *column)
{
    if (column->several && column->full && column->one_each)
        return true;
    bool apart = column->hi[0] < column->lo[1] || column->hi[1] < column->lo[0];
    return column->ranged && column->has[0] && column->has[1] && apart;
}
