/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is noted of one column while its rows are counted; layer 3, for profile*.c only. */
#ifndef PGVIGIL_AGENT_PROFILE_WATCH_H
#define PGVIGIL_AGENT_PROFILE_WATCH_H

#include "agent/profile.h"

struct vg_watch {
    const struct vg_profile *profile;
    struct vg_profile_column *out;
    int64_t until; /* end of the open window, as cells of the column have it */
    struct vg_window window;
    double *kept; /* values of the open window, a fair sample if there are many; NULL: none kept */
    size_t nkept;
    uint64_t seen, random;
    double last_max;
    bool fell; /* some window did not lie above the one before */
    struct vg_points *points;
    size_t npoints, size;
};

/* VG_E_MEMORY; to be emptied by vg_watch_end() in any case. */
int vg_watch_begin(struct vg_watch *watch, const struct vg_profile *profile,
                   struct vg_profile_column *out, struct vg_error *err);
bool vg_watch_wants_top(const struct vg_watch *watch);
void vg_watch_open(struct vg_watch *watch, const struct vg_window *window);
void vg_watch_rows(struct vg_watch *watch, const struct vg_column *rows, size_t first, size_t n);
/* Takes what is needed out of the window's summary, which is good for freeing only afterwards.
 * before: windows closed before it; scarce: it has less than half of the rows they had. */
struct vg_watch_past {
    size_t before;
    bool scarce;
};
int vg_watch_close(struct vg_watch *watch, struct vg_column_summary *window,
                   struct vg_watch_past past, struct vg_error *err);
int vg_watch_finish(struct vg_watch *watch, struct vg_arena *arena, struct vg_error *err);
void vg_watch_end(struct vg_watch *watch);
size_t vg_watch_bytes(size_t windows);

/* Whether a number repeats a part of the time column: `parts` of a column of the profile. */
void vg_clock_begin(struct vg_profile_column *column);
void vg_clock_rows(const struct vg_profile *profile, struct vg_profile_column *column,
                   const struct vg_column *numbers, const struct vg_column *times, size_t first,
                   size_t n);
/* Pairs of the first n columns of the profile. 0, or -1 out of memory. */
int vg_pairs_begin(struct vg_profile *profile, size_t n, struct vg_arena *arena);
/* source: of each column, in the batch. */
void vg_pairs_rows(struct vg_profile *profile, const size_t *source, const struct vg_batch *batch,
                   size_t first, size_t n);

#endif
