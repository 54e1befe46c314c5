/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The source of ports.h on PostgreSQL; layer 4.
 *
 * Every session is one REPEATABLE READ READ ONLY transaction, set up by SET LOCAL only, so that it
 * works through a pooler in transaction mode, and always ended by ROLLBACK. Statements travel by
 * the extended protocol alone: user text can never carry a second one. Thread-safe.
 */
#ifndef PGVIGIL_AGENT_PG_H
#define PGVIGIL_AGENT_PG_H

#include "pgvigil/error.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"

/* A source over the connections of a configuration, which it copies. Free it with its ops->free()
 * after the last session was closed. VG_E_MEMORY, VG_E_INTERNAL. */
int vg_pg_source_new(const struct vg_config *config, struct vg_source **out,
                     struct vg_error *err) VG_MUST_CHECK;
/* Whether libpq can parse a connection string; looks at no service file and resolves nothing.
 * VG_E_CONFIG with a hint; the message holds nothing of the string itself. */
int vg_pg_conninfo_check(const char *conninfo, struct vg_error *err);
/* Takes over the connections of another configuration. Open sessions go on; idle connections to a
 * changed target are closed. Out of memory the old ones stay, and the log says so. */
void vg_pg_source_reload(struct vg_source *source, const struct vg_config *config);

#endif
