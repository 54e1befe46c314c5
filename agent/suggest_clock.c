/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of numbers that follow from when the row came: the hour or the weekday of the time column,
 * and running numbers without holes. Pure. */
#include <math.h>
#include <stdio.h>

#include "agent/sql.h"
#include "agent/suggest_parts.h"

enum { ROWS_LEAST = 1000, VALUES_LEAST = 3, WINDOWS_LEAST = 5 };
/* A sequence may miss as much of a window as it ever did and half a hundredth; one that misses more
 * than a hundredth is none. */
static const double holes_most = 0.01, holes_more = 0.005;

static const char *const parts[] = {
    [VG_PROFILE_HOUR] = "hour",
    [VG_PROFILE_MINUTE] = "minute",
    [VG_PROFILE_ISODOW] = "isodow",
    [VG_PROFILE_DOW] = "dow",
};

void vg_suggest_clock(const struct vg_profile *profile, const struct vg_profile_column *column,
                      struct vg_suggestions *list)
{
    const struct vg_catalog_column *time = profile->time;
    char why[VG_WHY_TEXT], rows[VG_COUNT_TEXT];
    unsigned part = 0;
    if (!time || !column->parts || column->parts_rows < ROWS_LEAST || column->nfew < VALUES_LEAST)
        return;
    while (!(column->parts >> part & 1))
        part++;
    bool naive = vg_sql_naive(time);
    const char *condition =
        vg_arena_printf(list->arena, "%s = extract(%s FROM %s%s%s%s)", column->column->quoted,
                        parts[part], time->quoted, naive ? "" : " AT TIME ZONE '",
                        naive ? "" : profile->zone->name, naive ? "" : "'");
    snprintf(why, sizeof why, "the %s of the time column in all %s rows", parts[part],
             vg_suggest_commas(column->parts_rows, rows));
    if (condition)
        vg_suggest_condition(column->column->name, time->name, condition, why, list);
    list->failed |= !condition;
}

void vg_suggest_sequence(const struct vg_suggesting *at)
{
    const struct vg_profile_share *holes = &at->column->holes;
    char why[VG_WHY_TEXT], most[2 * VG_COUNT_TEXT];
    if (!at->profile->time || holes->windows < WINDOWS_LEAST || holes->most > holes_most)
        return;
    double rows = (double)vg_profile_median(at->profile);
    double limit = ceil(rows * (holes->most + holes_more));
    snprintf(why, sizeof why, "running numbers: at most %s missing in one of %zu windows",
             vg_suggest_of(holes->hits, holes->rows, most), holes->windows);
    vg_suggest_add(at->list, at->column->column->name, false, why, "sequence: {fail: %llu}",
                   (unsigned long long)vg_suggest_count_up(limit));
}
