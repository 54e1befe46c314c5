/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the catalogue, and tables that are not there; part of the PostgreSQL source. */
#ifndef PGVIGIL_AGENT_PG_CATALOG_H
#define PGVIGIL_AGENT_PG_CATALOG_H

#include <libpq-fe.h>

#include "agent/pg/name.h"
#include "agent/pg/session.h"
#include "pgvigil/catalog.h"

/* VG_E_NOT_FOUND for a table of this name, the nearest one as hint. Returns -1. */
int vg_pg_missing(struct vg_session *session, const char *written, const struct vg_pg_name *name,
                  struct vg_error *err);

/* One cell that holds a list, joined with \x1f, as texts in the arena; NULL holds none. 0, or -1
 * out of memory. */
struct vg_pg_items {
    const char *const *items;
    size_t n;
};
int vg_pg_items(const PGresult *result, int row, int column, struct vg_arena *arena,
                struct vg_pg_items *out);

/* Constraints, row-level security and partitions of catalog->oid, in one statement. */
int vg_pg_catalog_table(struct vg_session *session, struct vg_arena *arena,
                        struct vg_catalog *catalog, struct vg_error *err);

#endif
