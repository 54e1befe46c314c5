/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of a capture that are read by one statement; layer 5, for capture*.c only. */
#ifndef PGVIGIL_CAPTURE_GROUP_H
#define PGVIGIL_CAPTURE_GROUP_H

#include "agent/loop/capture_scan.h"

/* The columns first .. first + n - 1 of the capture, and with them time and names. What several of
 * them read is read once. */
struct vg_capture_group {
    struct vg_capture *capture;
    size_t first, n;
    struct vg_query_column *query;
    const char **items;
    size_t *source; /* item of each column */
    size_t *split;  /* item of each column that tells segments apart */
    size_t nitems, time_item, names_item;
};

/* The statement's items, of the capture and of first and n. VG_E_MEMORY. */
int vg_capture_group_open(struct vg_capture_group *group, struct vg_error *err);
/* Streams the rows, in order of time if asked for; errors as of the source. */
int vg_capture_group_scan(struct vg_capture_group *group, bool ordered,
                          int (*each)(void *, const struct vg_batch *, struct vg_error *),
                          void *arg, struct vg_error *err);

#endif
