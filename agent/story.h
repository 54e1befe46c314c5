/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The story of a drift: in which direction, which part of the distribution, which segment, how many
 * rows, since when; from summaries alone. Layer 3, pure.
 *
 * Values are told of as check results tell of means and extremes: not of private columns, whose
 * parts are named by their place in the reference. Categories are named where the rule file exposes
 * values. */
#ifndef PGVIGIL_AGENT_STORY_H
#define PGVIGIL_AGENT_STORY_H

#include "pgvigil/mem.h"
#include "pgvigil/result.h"
#include "pgvigil/summary.h"

struct vg_story_segment {
    const char *name; /* "column=value" */
    const struct vg_column_summary *now;
    const struct vg_reference_column *then;
};
struct vg_story_past {
    struct vg_window window;
    const struct vg_column_summary *column; /* coarse, or with top values */
    /* Where `then` is what is expected at the hours of `now`: what is usual at the hours of this
     * window, the shares of the coarse cells, values, or NULLs; NULL: as in `then`. */
    const double *usual;
    const struct vg_top *usual_values;
    double usual_rows; /* of usual_values */
    bool has_usual_nulls;
    double usual_nulls; /* their share */
};
struct vg_story_of {
    bool nulls; /* of the share of NULLs, not of values */
    /* Where `then` is what is expected at the hours of `now`: the reference at all hours, as those
     * of segments are; else NULL. What a segment shows at these hours is not known. The season of
     * all rows is taken for this segment's alone, and it is named for what it moved beyond that. */
    const struct vg_reference_column *all_hours;
    const uint64_t *tested; /* the value of a category that the verdict is of; NULL: none alone */
    /* Values that were tested together, "the rare values together", or NULL; unseen: those that the
     * reference never saw. Their shares then and now. */
    const char *together;
    bool unseen;
    double together_then, together_now;
    const struct vg_column_summary *now;
    const struct vg_reference_column *then;
    const struct vg_story_segment *segments;
    size_t nsegments;
    const struct vg_window *window;   /* of `now`; NULL: no time column */
    const struct vg_story_past *past; /* windows before it, oldest first */
    size_t npast;
    uint64_t past_grid_id; /* of their coarse counts; 0: that of `then` */
    bool is_private, shows_values;
};

/* 1: told; 0: the counts say nothing; -1: out of memory. `out` borrows names of segments; labels
 * are in the arena. */
int vg_story_tell(const struct vg_story_of *of, struct vg_arena *arena, struct vg_story *out);
/* The same as one sentence without its capital and full stop: "values are higher: median 12.1, was
 * 7.02; 38% of the rows are above 15.2, were 10%; at least 28% of the rows concerned; most in
 * origin=ORD, 45%; since ...". */
void vg_story_write(const struct vg_story *story, struct vg_buf *out);

/* The window in which what `now` has of `then` began: the k for which the rows of windows k ..
 * npast (the last being `now`) speak most for the shares of `now` and against those of `then`. Each
 * row scores (p_now - p_then) / (p_now + p_then) of its level, bounded, a linearised likelihood
 * ratio; what counts is the sum over the rows of its excess over the midpoint of both means (Page
 * 1954, Biometrika 41:100-115, backwards in time). `now` and `then` have n levels, `past` n for
 * each window. Returns 0 .. npast. */
size_t vg_story_since(const double *then, const double *now, size_t n, const double *past,
                      size_t npast);

#endif
