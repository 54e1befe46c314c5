/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the outbox share: the states of its rows, how one is read, and which may be
 * sent. Known inside agent/store/ only. */
#ifndef AGENT_STORE_OUTBOX_H
#define AGENT_STORE_OUTBOX_H

#include "agent/store/inner.h"

/* States of a row; in SQL these stand as numbers. */
enum { VG_ROW_WAITING, VG_ROW_SENT, VG_ROW_DEAD, VG_ROW_STANDING };
/* And two that C never reads. Chosen to be dropped: none is between two transactions. Gone: another
 * row says it, or nobody needs it any more. */
#define VG_ROW_CHOSEN "4"
#define VG_ROW_GONE   "5"

#define VG_OUTBOX_COLUMNS                                                                          \
    "o.id, o.sink_kind, o.sink, o.key, o.kind, o.body, o.created_us, o.next_us, o.attempts,"       \
    " o.last_error, o.step, o.state, k.body, o.went_to, o.digest, o.severity, o.turn_us"
/* What is kept for the row's key, as k. */
#define VG_OUTBOX_KEPT                                                                             \
    " LEFT JOIN kept AS k ON k.sink_kind = o.sink_kind AND k.sink = o.sink AND k.key = o.key"
/* No older row of the same sink and key waits before it. */
#define VG_OUTBOX_IS_FIRST                                                                         \
    " NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.state = 0 AND e.sink_kind = o.sink_kind"       \
    " AND e.sink = o.sink AND e.key = o.key AND e.id < o.id)"
/* A row that stands gives way to the next of its key. In this form, so that an index serves it. */
#define VG_OUTBOX_MAY_GO                                                                           \
    " o.state IN (0, 3) AND (o.state = 3 OR" VG_OUTBOX_IS_FIRST                                    \
    ") AND (o.state = 0 OR NOT EXISTS (SELECT 1 FROM outbox AS l WHERE l.state = 0"                \
    " AND l.sink_kind = o.sink_kind AND l.sink = o.sink AND l.key = o.key))"

/* Reads the columns above into a struct vg_outgoing. */
void vg_outbox_read(struct vg_sql_row *row, void *item);

#endif
