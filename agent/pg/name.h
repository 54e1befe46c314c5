/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name of a table as a rule file writes it; part of the PostgreSQL source. Pure. */
#ifndef PGVIGIL_AGENT_PG_NAME_H
#define PGVIGIL_AGENT_PG_NAME_H

#include "pgvigil/error.h"

enum { VG_PG_NAME_MAX = 63 }; /* bytes of an identifier */

struct vg_pg_name {
    char schema[VG_PG_NAME_MAX + 1]; /* "" when none was written */
    char table[VG_PG_NAME_MAX + 1];
};

/* Parses `table` or `schema.table` as SQL reads them: parts in double quotes stand for themselves,
 * others are folded to lower case (ASCII). VG_E_CONFIG with a hint. */
int vg_pg_name_parse(const char *text, struct vg_pg_name *out, struct vg_error *err);

#endif
