/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tally: from batches of rows to summaries; layer 3, pure.
 *
 * One tally counts the rows of one window. It holds one summary per variant: variant 0 is all rows,
 * each other one the rows on which a boolean condition column of the same COPY is true (a rule's
 * `where`); beneath each variant rows are split by the values of columns, its segments, counted on
 * the coarse grid alone. Several windows in one scan are several tallies, the caller routing
 * runs of rows with vg_tally_add_range(). Rows are never kept. Memory depends on the plan alone.
 */
#ifndef PGVIGIL_AGENT_TALLY_H
#define PGVIGIL_AGENT_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/tally_route.h"
#include "pgvigil/batch.h"
#include "pgvigil/error.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

#define VG_TALLY_NONE SIZE_MAX /* no such column */

/* Every index called `source`, `condition`, `time` or `keys` is that of a column of the batch. */

/* One column to be counted. Nulls, NaN, infinities, minimum, maximum, moments, text lengths are
 * always counted, as far as they fit the kind; a kind OTHER has rows and nulls only. */
struct vg_tally_column {
    const char *name; /* of the column in the summary; copied */
    size_t source;
    enum vg_kind kind;            /* must be the batch's */
    uint32_t route;               /* of a long source: counts rows of this name; 0: all rows */
    const struct vg_grid *grid;   /* fine cells of NUMBER, TIME, BOOL on this grid; NULL: no cells.
                                 * Borrowed by the tally and by the summaries it yields. */
    const struct vg_grid *coarse; /* the same for segments */
    struct vg_part_sizes segment; /* the parts of segments, instead of those below */
    bool distinct;                /* HyperLogLog; any kind but OTHER */
    bool top;                     /* counts per value; TEXT and BOOL only */
    uint32_t values;              /* of `top`, at most; 0: VG_TOP_EXACT */
    bool quantiles;               /* NUMBER and TIME only */
    bool gaps;                    /* with `grid`: where values lie between its thresholds */
};

/* Rows broken by one rule. The predicate's id is rule->id, "#warn" added when warn is set.
 * type->offends(rule, cell, warn) decides. For a type with VG_BOUNDS_ON_ROWS on a NUMBER or TIME it
 * is asked only for nulls, NaN, infinities and values outside the rule's (warn) bounds: values
 * inside must be "tested, fine" (0) to such a type. */
struct vg_tally_predicate {
    const struct vg_rule *rule;
    bool warn;
    size_t source;  /* the column it looks at */
    size_t variant; /* the rows it looks at, and the summary it stands in */
    uint32_t route; /* of a long source: rows of this name only; 0: all rows */
    bool unrouted;  /* offending are the rows whose name has no route; `offends` is not asked */
};

struct vg_tally_variant {
    size_t condition;      /* BOOL column that must be true; VG_TALLY_NONE: all rows */
    const size_t *columns; /* indices into plan->columns, in the order of the summary; */
    size_t ncolumns;       /* NULL and 0: all of them */
    bool none;             /* count no column here (predicates only) */
};

/* Rows told apart by the value of a column: one segment for each value, and one, the first, for all
 * others. */
struct vg_tally_split {
    size_t source; /* a TEXT or BOOL column */
    const struct vg_routes *values;
};

/* A NUMBER whose ranks are counted with those of the others, of all rows of variant 0; values that
 * are not finite have no rank. */
struct vg_tally_rank {
    const char *name; /* of the column in the pairs; copied */
    size_t source;
    const struct vg_grid *grid;
    const int16_t *ranks; /* of its cells, by vg_ranks_make() */
};

/* What to count. The tally borrows the plan and all it points to until vg_tally_free(). */
struct vg_tally_plan {
    const struct vg_tally_column *columns;
    size_t ncolumns;
    const struct vg_tally_predicate *predicates;
    size_t npredicates;
    const struct vg_tally_variant *variants;
    size_t nvariants; /* at least 1 */
    const size_t *keys;
    size_t nkeys;     /* key columns; none: no offending keys are kept */
    size_t max_keys;  /* kept per predicate; 0: none */
    int64_t until_us; /* the window's end, or now: until_us of the cells that predicates see */
    size_t time;      /* time column or VG_TALLY_NONE. Rows whose time is null or
                      * infinite are counted in null_times and infinite_times of
                      * every variant whose condition they meet, nowhere else. */
    const struct vg_routes *routes;      /* of a long source; NULL: it is none */
    size_t names;                        /* with routes: the TEXT column of names */
    const struct vg_tally_split *splits; /* none with routes */
    size_t nsplits;
    const struct vg_tally_rank *ranked; /* at most VG_PAIRS_COLUMNS; none with routes */
    size_t nranked;
};

struct vg_tally;

/* VG_E_MEMORY, or VG_E_INTERNAL for a plan that contradicts itself. */
int vg_tally_new(const struct vg_tally_plan *plan, struct vg_tally **out,
                 struct vg_error *err) VG_MUST_CHECK;
/* Counts all rows of a batch. VG_E_MEMORY, or VG_E_INTERNAL when the batch does not fit the plan;
 * after an error the tally is good for freeing only. */
int vg_tally_add(struct vg_tally *tally, const struct vg_batch *batch,
                 struct vg_error *err) VG_MUST_CHECK;
/* Counts rows first .. first + n - 1 of a batch. Errors as above. */
int vg_tally_add_range(struct vg_tally *tally, const struct vg_batch *batch, size_t first, size_t n,
                       struct vg_error *err) VG_MUST_CHECK;
/* The summary of one variant, handed over: free it with vg_summary_free(). To be called once per
 * variant, after the last row; columns and predicates are in the plan's order. Never NULL. */
struct vg_summary *vg_tally_take(struct vg_tally *tally, size_t variant);
/* The same of a segment of a variant: route 0 is that of all other values. Its columns and
 * predicates are those of the variant; it keeps no keys. */
struct vg_summary *vg_tally_take_segment(struct vg_tally *tally, size_t variant, size_t split,
                                         size_t route);
/* Frees the tally and the summaries not taken; NULL is fine. */
void vg_tally_free(struct vg_tally *tally);

/* Whether one row of a column offends: -1 it is not tested, 0, 1. By the type's `offends`, or its
 * `blames`. until_us as of the plan. */
int vg_tally_offends(const struct vg_rule *rule, bool warn, const struct vg_column *column,
                     size_t row, int64_t until_us);

#endif
