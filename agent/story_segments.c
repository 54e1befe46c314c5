/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which segment's rows have changed most, by counts of both in the same cells, or by their NULLs.
 * What the hours explain of it is known of all rows only. Pure. */
#include "agent/story_parts.h"

#include <math.h>

enum { SEGMENT_ROWS = 30 };
static const double chance = 1.75; /* of a largest difference of shares, in standard errors */

/* By how much the hours alone move all rows; infinite where it was not counted. */
static double find_season(const struct vg_story_of *of)
{
    if (!of->all_hours)
        return 0;
    const struct vg_column_summary *all = of->all_hours->total, *then = of->then->total;
    if (!all || !then)
        return INFINITY;
    if (of->nulls)
        return fabs(vg_column_null_ratio(then) - vg_column_null_ratio(all));
    const struct vg_distribution *fine = of->then->fine;
    size_t n = fine ? 2 * (size_t)fine->grid->n + 1 : 0;
    if (!n || !all->coarse || all->coarse_cells != n)
        return INFINITY;
    struct vg_story_cells cells = vg_story_make_cells(all->coarse, fine->cells, n);
    if (!(cells.m > 0) || !(cells.rows > 0))
        return INFINITY;
    return fmax(vg_story_find_run(&cells, 1).share, vg_story_find_run(&cells, -1).share);
}

/* By how much at least its rows have changed, beyond what they do if the season of all rows is
 * theirs alone; 0: few rows, or no more than that and chance. */
static double find_segment(const struct vg_story_of *of, const struct vg_story_segment *segment,
                           double season, double *share)
{
    const struct vg_column_summary *all = of->all_hours ? of->all_hours->total : NULL;
    double m, n, of_all = 0;
    if (of->nulls) {
        const struct vg_column_summary *then = segment->then ? segment->then->total : NULL;
        if (!then || !segment->now)
            return 0;
        m = (double)then->rows;
        n = (double)segment->now->rows;
        of_all = all ? (double)all->rows : 0;
        *share = fabs(vg_column_null_ratio(segment->now) - vg_column_null_ratio(then));
    } else {
        struct vg_story_cells cells;
        if (!vg_story_find_cells(segment->now, segment->then, &cells))
            return 0;
        m = cells.m;
        n = cells.rows;
        of_all = all ? (double)vg_column_finite(all) : 0;
        *share = fmax(vg_story_find_run(&cells, 1).share, vg_story_find_run(&cells, -1).share);
    }
    if (m < SEGMENT_ROWS || n < SEGMENT_ROWS)
        return 0;
    double by_hours = season > 0 ? season * fmax(of_all / m, 1) : 0;
    return fmax(*share - chance * sqrt(1 / m + 1 / n) - by_hours, 0);
}

void vg_story_tell_segments(const struct vg_story_of *of, struct vg_story *out)
{
    double most = 0, season = of->nsegments ? find_season(of) : 0;
    for (size_t i = 0; i < of->nsegments; i++) {
        double share = 0, least = find_segment(of, &of->segments[i], season, &share);
        if (least <= most)
            continue;
        most = least;
        out->segment = of->segments[i].name;
        out->segment_share = share;
    }
}
