/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns of a dataset while they are put together; layer 5, for source*.c only. */
#ifndef PGVIGIL_LOOP_SOURCE_LOOK_H
#define PGVIGIL_LOOP_SOURCE_LOOK_H

#include "agent/loop/source.h"
#include "agent/sql.h"
#include "pgvigil/text.h"

enum { VG_LOOK_STATEMENT_MAX = 1 << 20 };

struct vg_look {
    struct vg_source *source;
    struct vg_session *session;
    const struct vg_dataset *dataset;
    struct vg_arena *arena;
    struct vg_catalog *catalog; /* a copy with room for what is computed */
    size_t most;                /* columns that there is room for */
};

/* The text of a buffer in the arena, NULL without memory; the buffer is freed. */
const char *vg_look_keep(const struct vg_look *look, struct vg_buf *buf);
int vg_look_describe(const struct vg_look *look, const char *select, struct vg_described **out,
                     size_t *n, struct vg_error *err);
/* A new column, in the place of one of the same name if there is one. */
struct vg_catalog_column *vg_look_put(struct vg_look *look, const char *name);

/* The columns with `expr`. */
size_t vg_look_count_expressions(const struct vg_dataset *dataset);
int vg_look_expressions(struct vg_look *look, struct vg_error *err);
/* The names of a long source as columns; `asked` (or NULL): rows whose names count too. */
int vg_look_names(struct vg_look *look, const struct vg_reference *reference,
                  const struct vg_source_rows *asked, struct vg_error *err);

#endif
