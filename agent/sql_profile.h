/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements that a profile needs beside its scan; layer 3, pure. */
#ifndef PGVIGIL_SQL_PROFILE_H
#define PGVIGIL_SQL_PROFILE_H

#include "agent/sql.h"

/* One bigint, microseconds as vg_sql_instant() takes them: the first or last finite time of the
 * rows' range; an end of it may be INT64_MIN or VG_NEVER: open. No row: there is none. NULL: out of
 * memory, as below. */
const char *vg_sql_edge(const struct vg_rows_of *rows, bool last, struct vg_arena *arena);
/* A bigint for each hour of the range that has rows: how many. */
const char *vg_sql_hours(const struct vg_rows_of *rows, struct vg_arena *arena);
/* The columns of each unique index without condition and expressions, with a unit separator
 * between; that of fewest columns first. */
const char *vg_sql_unique_indexes(const struct vg_catalog *catalog, struct vg_arena *arena);

#endif
