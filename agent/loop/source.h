/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns of a dataset as its rules see them; layer 5. */
#ifndef PGVIGIL_LOOP_SOURCE_H
#define PGVIGIL_LOOP_SOURCE_H

#include "pgvigil/ports.h"
#include "pgvigil/summary.h"

/* The catalogue of the dataset's table or query, in the session's snapshot, with the columns that
 * the rule file computes, and with one column for each name of a long source: those that the
 * reference (or NULL) knows or the rule file lists. Errors as of the catalogue, VG_E_CONFIG where
 * the rule file does not fit it, VG_E_LIMIT. In arena. */
int vg_source_columns(struct vg_source *source, struct vg_session *session,
                      const struct vg_dataset *dataset, const struct vg_reference *reference,
                      struct vg_arena *arena, const struct vg_catalog **out, struct vg_error *err);
/* The same with the names that the rows themselves carry, for a new reference. `range` (or NULL):
 * of the time column; `filter` (or NULL): beyond the dataset's own. */
struct vg_source_rows {
    const char *table; /* another one with the same columns, or NULL */
    const struct vg_window *range;
    const char *filter;
    int64_t timeout_us;
};
int vg_source_captured(struct vg_source *source, struct vg_session *session,
                       const struct vg_dataset *dataset, const struct vg_source_rows *rows,
                       struct vg_arena *arena, const struct vg_catalog **out, struct vg_error *err);

/* Whether the server, or what stands before it, refused a statement for what it asks; not that it
 * was too slow. */
bool vg_source_refused(const struct vg_error *err);

#endif
