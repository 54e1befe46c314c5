/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers that only repeat a part of the time column: the hour, the minute, the day of the week. A
 * column that one row tells apart from all of these costs nothing from then on. */
#include <math.h>

#include "agent/profile_watch.h"
#include "agent/sql.h"

enum { MONDAY = 4 }; /* 1970-01-05, in days since 1970-01-01 */

/* The part as PostgreSQL's extract() has it. */
static int find_part(enum vg_profile_part part, int64_t local_us)
{
    int64_t of_day = local_us % VG_DAY_US;
    of_day += of_day < 0 ? VG_DAY_US : 0;
    int weekday = (int)(((local_us - of_day) / VG_DAY_US - MONDAY) % 7);
    weekday += weekday < 0 ? 7 : 0;
    switch (part) {
    case VG_PROFILE_HOUR:
        return (int)(of_day / VG_HOUR_US);
    case VG_PROFILE_MINUTE:
        return (int)(of_day / VG_MINUTE_US % 60);
    case VG_PROFILE_DOW:
        return (weekday + 1) % 7;
    default:
        return weekday + 1;
    }
}

void vg_clock_begin(struct vg_profile_column *column)
{
    column->parts = column->column->kind == VG_KIND_NUMBER ? (1u << VG_PROFILE_PARTS) - 1 : 0;
}

static void look_at_row(const struct vg_profile *profile, struct vg_profile_column *column,
                        double number, double time)
{
    int64_t us = llround(time);
    int64_t local = vg_sql_naive(profile->time) ? us : vg_zone_local(profile->zone, us);
    for (unsigned part = 0; part < VG_PROFILE_PARTS; part++) {
        if (column->parts >> part & 1 && number != find_part((enum vg_profile_part)part, local))
            column->parts &= ~(1u << part);
    }
    column->parts_rows++;
}

void vg_clock_rows(const struct vg_profile *profile, struct vg_profile_column *column,
                   const struct vg_column *numbers, const struct vg_column *times, size_t first,
                   size_t n)
{
    for (size_t row = first; row < first + n && column->parts; row++) {
        if (numbers->state[row] == VG_CELL_NULL)
            continue;
        if (numbers->state[row] != VG_CELL_VALUE)
            column->parts = 0;
        else if (times->state[row] == VG_CELL_VALUE)
            look_at_row(profile, column, numbers->num[row], times->num[row]);
    }
}
