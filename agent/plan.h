/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan of one cycle: a dataset's rules bound to the catalogue and the reference; layer 3, pure.
 *
 * Rules of "*" become one rule per fitting column. A rule that cannot be evaluated (its column is
 * gone, or of a kind the check does not fit) keeps its place with the reason and is unknown: one
 * column's trouble leaves the others. The plan says what to scan and what the tally counts.
 */
#ifndef PGVIGIL_PLAN_H
#define PGVIGIL_PLAN_H

#include "agent/checksum.h"
#include "agent/sql.h"
#include "agent/tally.h"
#include "pgvigil/check.h"
#include "pgvigil/ports.h"

struct vg_bound {
    struct vg_rule rule;   /* a copy, its column named */
    const char *problem;   /* why it cannot be evaluated, or NULL */
    size_t variant;        /* of its `where`; 0: all rows */
    const char *condition; /* of VG_NEEDS_CONDITION: the expression in the scan, or NULL */
};

/* Expressions the server would not evaluate, and what it said. */
struct vg_reject {
    const char *expression, *why;
};
struct vg_rejects {
    const struct vg_reject *items;
    size_t n;
};

/* One column of `segments:` bound to what the database has and the reference knows. */
struct vg_plan_split {
    const struct vg_segment_spec *spec;
    struct vg_strings values;
    bool known;          /* its values are */
    size_t left;         /* values of the reference that are no segments, and so in other */
    bool scattered;      /* none is: they do not come again. No rule is judged by this split */
    const char *told;    /* what is left, in words, or NULL */
    const char *problem; /* why rows cannot be told apart by it, or NULL */
    size_t first;        /* its first segment in the plan */
};
/* A segment; those of a split stand together, other first. */
struct vg_plan_segment {
    const char *name, *value; /* "column=value"; value NULL: all others */
    size_t split, route;
    const struct vg_reference *reference; /* its rows in the reference, or NULL */
};
enum {
    VG_SEGMENT_BYTES = 8 << 20, /* most of all counts of segments */
    VG_SEGMENT_CATEGORIES = 1000,
    VG_SEGMENT_CATEGORIES_LEAST = 16, /* of a category in each segment */
    VG_VALUE_BYTES = 128              /* of one of them */
};

struct vg_plan {
    const struct vg_dataset *dataset;
    const struct vg_catalog *catalog;
    const struct vg_reference *reference; /* or NULL */
    struct vg_bound *bound;
    size_t nbound;
    const struct vg_catalog_column *time; /* NULL: no time column */
    const char *time_problem;             /* the time column cannot serve, or NULL */
    const char *const *items;
    size_t nitems;                 /* SELECT list: columns, then variants' conditions */
    struct vg_query_column *query; /* per item */
    size_t time_item;              /* index of the time column, or VG_TALLY_NONE */
    struct vg_tally_plan tally;
    size_t napart; /* the last columns of the tally: of vg_plan_count_apart() */
    struct vg_strings private_columns;
    struct vg_plan_split *splits; /* as in dataset->segments; NULL before the plan was made */
    size_t nsplits;
    struct vg_plan_segment *segments;
    size_t nsegments;
    size_t segment_bytes;    /* estimate of all counts of segments */
    uint32_t segment_values; /* of a category that are counted exactly in each; 0: none is */
    size_t *tallied;         /* per split of the plan: that of the tally, or VG_TALLY_NONE */
    struct vg_checksum_plan checksum; /* of windows that are to be read again; else no columns */
};

/* References of a dataset are needed for these columns: rules of checks that count cells. With "*"
 * or without catalogue the answer is all, NULL items with n 0. In arena; 0, or -1 no memory. */
int vg_plan_cells(const struct vg_dataset *dataset, struct vg_arena *arena, struct vg_strings *out,
                  bool *all);
/* rejects (or NULL): expressions to be left out; the rules that need them get the reason. */
int vg_plan_make(const struct vg_dataset *dataset, const struct vg_catalog *catalog,
                 const struct vg_reference *reference, const struct vg_rejects *rejects,
                 struct vg_arena *arena, struct vg_plan *out, struct vg_error *err);
/* Counts the columns of rules against another reference, apart[rule->against], on its grid too: as
 * columns of the same name behind all others. One entry per reference of the dataset; NULL: it is
 * not there. 0, or -1 out of memory. */
struct vg_plan_apart {
    const struct vg_reference *reference;
    const char *const *names; /* columns, and where the tally counts them */
    const size_t *at;
    size_t n;
};
int vg_plan_count_apart(struct vg_plan *plan, struct vg_plan_apart *apart, size_t n,
                        struct vg_arena *arena);
/* The expressions of users and checks in the scan: each `where` and condition, once. */
int vg_plan_expressions(const struct vg_plan *plan, struct vg_arena *arena, struct vg_strings *out);
/* The names of a long source in the order of their routes; *out NULL where it is none. 0, or -1
 * out of memory. */
int vg_plan_routes(const struct vg_catalog *catalog, struct vg_arena *arena,
                   const struct vg_routes **out);
/* Which columns each variant but the first counts: those of its rules (plan_variants.c). 0, or -1
 * out of memory. */
int vg_plan_variants(const struct vg_plan *plan, struct vg_tally_variant *variants,
                     struct vg_arena *arena);
/* The rows a window's scan reads. */
struct vg_rows_of vg_plan_rows(const struct vg_plan *plan, const struct vg_window *window,
                               double sample_percent);

#endif
