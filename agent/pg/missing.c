/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table that is not there: says so, and which one may have been meant. The same name in another
 * schema or in other letters comes first, then the nearest by edit distance. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/pg/catalog.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

/* $1 table. */
static const char candidates_sql[] =
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
    " lower(c.relname) = lower($1)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema'"
    " AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE')"
    " ORDER BY 2 DESC, 1 LIMIT 10000";

/* The text of the hint, "" when no table is near. */
static void suggest(const PGresult *result, const struct vg_pg_name *name, char *out, size_t size)
{
    size_t n = (size_t)PQntuples(result);
    const char *best = NULL;
    out[0] = '\0';
    if (n == 0)
        return;
    if (*PQgetvalue(result, 0, 1) == 't') {
        best = PQgetvalue(result, 0, 0);
    } else {
        char given[2 * VG_PG_NAME_MAX + 2];
        const char **words = vg_array(n, sizeof *words);
        snprintf(given, sizeof given, "%s.%s", *name->schema ? name->schema : "public",
                 name->table);
        for (size_t i = 0; words && i < n; i++)
            words[i] = PQgetvalue(result, (int)i, 0);
        best = words ? vg_nearest(given, words, n) : NULL;
        free(words);
    }
    if (best)
        snprintf(out, size, "did you mean %.140s?", best);
}

int vg_pg_missing(struct vg_session *session, const char *written, const struct vg_pg_name *name,
                  struct vg_error *err)
{
    char hint[200] = "";
    PGresult *result = NULL;
    struct vg_error ignored;
    const char *const params[] = {name->table};
    struct vg_pg_statement st = {
        .sql = candidates_sql, .params = params, .nparams = 1, .timeout_us = session->timeout_us};
    if (vg_pg_exec(session, &st, &result, &ignored) == 0)
        suggest(result, name, hint, sizeof hint);
    PQclear(result);
    if (*name->schema)
        vg_fail(err, VG_E_NOT_FOUND, "there is no table %.200s", written);
    else
        vg_fail(err, VG_E_NOT_FOUND,
                "there is no table %.200s in the role's own schema or in public, where names "
                "without a schema are looked up",
                written);
    if (err)
        snprintf(err->sqlstate, sizeof err->sqlstate, "42P01");
    return vg_hint(err, "%s", *hint ? hint : "write schema.table");
}
