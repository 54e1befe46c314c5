/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two passes of a capture; layer 5, for capture*.c only. */
#ifndef PGVIGIL_CAPTURE_SCAN_H
#define PGVIGIL_CAPTURE_SCAN_H

#include "agent/loop/capture.h"
#include "agent/tally_route.h"

struct vg_capture_column {
    const struct vg_catalog_column *column;
    bool is_private;
    struct vg_grid *coarse;          /* of what segments count; else NULL */
    struct vg_grid *grid;            /* of numbers with finite values; else NULL */
    struct vg_column_summary *total; /* fine until stored */
};

/* A column of `segments:` that tells rows apart. */
struct vg_capture_split {
    const struct vg_segment_spec *spec;
    const struct vg_catalog_column *column;
    struct vg_column_summary top; /* its values, counted in the first pass unless they are listed */
    struct vg_strings values;
    struct vg_routes routes;
};

struct vg_capture {
    const struct vg_cycle_env *env;
    const struct vg_dataset *dataset;
    struct vg_arena *arena;
    struct vg_session *session;
    const struct vg_catalog *catalog;
    const struct vg_routes *routes;       /* of a long source, else NULL */
    const struct vg_catalog_column *time; /* NULL: one base window */
    struct vg_window range;               /* with a time column */
    const char *filter;
    struct vg_capture_column *columns;
    size_t ncolumns;
    struct vg_capture_split *splits;
    size_t nsplits;
    size_t nsegments;        /* of all splits, once their values are known */
    uint32_t segment_values; /* of a category that are kept in each */
    uint32_t resolution;
    int64_t base_us, timeout_us;
    bool patient; /* a person asked for it: whatever it costs */
    const struct vg_capture_how *how;
    uint64_t rows;
    size_t windows;
    int64_t version;
};

/* Pass 1: the grids of all numbers, and base_us by the 200-row rule where it is not given. */
int vg_capture_grids(struct vg_capture *capture, struct vg_error *err);
/* Pass 2: counts every base window, stores it, and adds it to the totals. */
int vg_capture_counts(struct vg_capture *capture, struct vg_error *err);

#endif
