/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that are not there; part of the PostgreSQL source. */
#ifndef PGVIGIL_AGENT_PG_CATALOG_H
#define PGVIGIL_AGENT_PG_CATALOG_H

#include "agent/pg/name.h"
#include "agent/pg/session.h"

/* VG_E_NOT_FOUND for a table of this name, the nearest one as hint. Returns -1. */
int vg_pg_missing(struct vg_session *session, const char *written, const struct vg_pg_name *name,
                  struct vg_error *err);

#endif
