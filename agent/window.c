/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alignment of windows to the local wall clock, and ticks. Pure: a boundary is a wall-clock time
 * mapped to its first instant; those that fall inside a repeated span are no boundaries, and those
 * in a gap coincide. */
#include "agent/window.h"

#include <string.h>

#include "pgvigil/text.h"

/* 1970-01-01 was a Thursday; weeks begin on Monday. */
static const int64_t monday_us = -3 * VG_DAY_US;

bool vg_window_fits(int64_t width_us)
{
    if (width_us <= 0)
        return false;
    if (width_us <= VG_HOUR_US)
        return VG_HOUR_US % width_us == 0;
    return width_us == VG_WEEK_US || (width_us % VG_HOUR_US == 0 && VG_DAY_US % width_us == 0);
}

static int64_t find_boundary(int64_t width_us, int64_t local_us)
{
    int64_t anchor = width_us == VG_WEEK_US ? monday_us : 0;
    int64_t past = (local_us - anchor) % width_us;
    return local_us - past - (past < 0 ? width_us : 0);
}

/* The start of the repeated span that local lies strictly inside, or local. */
static int64_t leave_repeated(const struct vg_zone *zone, int64_t local_us)
{
    int64_t from, to;
    return vg_zone_repeated(zone, local_us, &from, &to) && local_us > from ? from : local_us;
}

static bool is_boundary(const struct vg_zone *zone, int64_t local_us)
{
    return leave_repeated(zone, local_us) == local_us;
}

void vg_window_at(const struct vg_zone *zone, int64_t width_us, int64_t us, struct vg_window *out)
{
    int64_t local = find_boundary(width_us, vg_zone_local(zone, us));
    while (!is_boundary(zone, local) || vg_zone_instant(zone, local) > us)
        local -= width_us;
    out->start_us = vg_zone_instant(zone, local);
    do
        local += width_us;
    while (!is_boundary(zone, local) || vg_zone_instant(zone, local) <= us);
    out->end_us = vg_zone_instant(zone, local);
    /* In the autumn the clock goes back: less wall-clock time passes than real time. */
    int64_t wall = vg_zone_local(zone, out->end_us) - vg_zone_local(zone, out->start_us);
    out->repeated = width_us <= VG_HOUR_US && wall < out->end_us - out->start_us;
}

void vg_window_next(const struct vg_zone *zone, int64_t width_us, const struct vg_window *window,
                    struct vg_window *out)
{
    vg_window_at(zone, width_us, window->end_us, out);
}

void vg_window_before(const struct vg_zone *zone, int64_t width_us, const struct vg_window *window,
                      struct vg_window *out)
{
    vg_window_at(zone, width_us, window->start_us - 1, out);
}

void vg_window_newest_due(const struct vg_dataset *dataset, int64_t now_us, struct vg_window *out)
{
    const struct vg_schedule *schedule = &dataset->schedule;
    struct vg_window open;
    vg_window_at(dataset->zone, schedule->window_us, now_us - schedule->delay_us, &open);
    vg_window_before(dataset->zone, schedule->window_us, &open, out);
}

int64_t vg_tick_after(const struct vg_dataset *dataset, int64_t us)
{
    int64_t every = dataset->schedule.every_us;
    int64_t phase = (int64_t)(vg_hash64(dataset->id, strlen(dataset->id)) % (uint64_t)every);
    int64_t past = (us - phase) % every;
    return us - past + (past < 0 ? 0 : every);
}

int64_t vg_catch_up_from(const struct vg_dataset *dataset, int64_t now_us)
{
    return now_us - dataset->schedule.catch_up_us;
}
