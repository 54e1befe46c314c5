/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements that answer for all rows and for each segment at once; layer 3, pure.
 *
 * Without splits nothing is written but what a statement about all rows has. With some, each group
 * has its split's number and its segment's value as sg and sv, as vg_asked.splits says. */
#ifndef PGVIGIL_ASK_SEGMENTS_H
#define PGVIGIL_ASK_SEGMENTS_H

#include "checks/ask_parts.h"

/* The value of a row that is a segment of its own, or NULL: text, compared byte by byte. */
void vg_ask_put_route(struct vg_buf *out, const struct vg_asked_split *split);
/* ", ... AS sg, ... AS sv" of a SELECT that is grouped by vg_ask_put_sets(). */
void vg_ask_put_segment(struct vg_buf *out, const struct vg_asked *asked);
/* "\nGROUP BY " these expressions, for all rows and for the rows of each segment. */
void vg_ask_put_sets(struct vg_buf *out, const struct vg_asked *asked, const char *expressions);
/* ", 0 AS sg, NULL AS sv", of an answer about all rows, and " WHERE sg = 0" of its groups. */
void vg_ask_put_no_segment(struct vg_buf *out, const struct vg_asked *asked);
void vg_ask_put_all_rows(struct vg_buf *out, const struct vg_asked *asked);

#endif
