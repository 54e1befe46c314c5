/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pg_catalog says of a table as a whole: its constraints, whether policies choose the rows
 * that our role sees, and the ranges of its partitions. One statement; definitions are kept as
 * hashes, for they may hold values. */
#include <libpq-fe.h>
#include <string.h>

#include "agent/pg/catalog.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

/* $1 oid. A row of one kind each: 'r' the relation, 'k' a constraint, 'p' a partition. */
static const char table_sql[] =
    "WITH part AS (SELECT p.partrelid, a.attname FROM pg_catalog.pg_partitioned_table p"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]"
    "  WHERE p.partrelid = $1::oid AND p.partstrat = 'r' AND a.attnum > 0)"
    " SELECT 'r' AS what, (SELECT attname FROM part)::text AS name,"
    "  pg_catalog.row_security_active($1::oid)::text AS a, NULL::text, NULL::text, NULL::text"
    " UNION ALL SELECT 'k', k.conname, k.contype::text, k.convalidated::text,"
    "  pg_catalog.pg_get_constraintdef(k.oid),"
    "  (SELECT pg_catalog.string_agg(a.attname, E'\\x1f'"
    "    ORDER BY pg_catalog.array_position(k.conkey, a.attnum)) FROM pg_catalog.pg_attribute a"
    "    WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))"
    "  FROM pg_catalog.pg_constraint k WHERE k.conrelid = $1::oid"
    "  AND k.contype IN ('p', 'u', 'f', 'c', 'x')"
    " UNION ALL SELECT 'p', NULL, pg_catalog.pg_get_expr(x.relpartbound, x.oid), NULL, NULL, NULL"
    "  FROM part JOIN pg_catalog.pg_inherits i ON i.inhparent = part.partrelid"
    "  JOIN pg_catalog.pg_class x ON x.oid = i.inhrelid WHERE x.relpartbound IS NOT NULL"
    " ORDER BY what, name";
enum { WHAT, NAME, FIRST, VALID, DEFINITION, COLUMNS };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory for the catalogue");
}

int vg_pg_items(const PGresult *result, int row, int column, struct vg_arena *arena,
                struct vg_pg_items *out)
{
    *out = (struct vg_pg_items){0};
    if (PQgetisnull(result, row, column))
        return 0;
    char *p = vg_arena_strdup(arena, PQgetvalue(result, row, column));
    size_t n = 1;
    for (const char *q = p; q && *q; q++)
        n += *q == '\x1f';
    const char **items = vg_arena_array(arena, n, sizeof *items);
    if (!p || !items)
        return -1;
    for (; p; out->n++) {
        char *end = strchr(p, '\x1f');
        if (end)
            *end++ = '\0';
        items[out->n] = p;
        p = end;
    }
    out->items = items;
    return 0;
}

/* A constraint that is validated later is the same one. */
static uint64_t hash_definition(const char *text)
{
    static const char mark[] = " NOT VALID";
    size_t n = strlen(text), k = sizeof mark - 1;
    if (n > k && !strcmp(text + n - k, mark))
        n -= k;
    return vg_hash64(text, n);
}

static int read_constraint(const PGresult *result, int row, struct vg_arena *arena,
                           struct vg_catalog *out)
{
    if (PQgetisnull(result, row, DEFINITION)) /* dropped since the snapshot was taken */
        return 0;
    struct vg_pg_items columns;
    struct vg_catalog_constraint *constraint = &out->constraints[out->nconstraints++];
    constraint->name = vg_arena_strdup(arena, PQgetvalue(result, row, NAME));
    constraint->kind = *PQgetvalue(result, row, FIRST);
    constraint->valid = *PQgetvalue(result, row, VALID) == 't';
    constraint->hash = hash_definition(PQgetvalue(result, row, DEFINITION));
    if (!constraint->name || vg_pg_items(result, row, COLUMNS, arena, &columns) < 0)
        return -1;
    constraint->columns = columns.items;
    constraint->ncolumns = columns.n;
    return 0;
}

static int read_row(const PGresult *result, int row, struct vg_arena *arena, struct vg_catalog *out,
                    const char **bounds)
{
    const char *first = PQgetvalue(result, row, FIRST);
    switch (*PQgetvalue(result, row, WHAT)) {
    case 'k':
        return read_constraint(result, row, arena, out);
    case 'p':
        bounds[out->nbounds] = vg_arena_strdup(arena, first);
        return bounds[out->nbounds++] ? 0 : -1;
    default:
        out->row_security = *first == 't';
        if (PQgetisnull(result, row, NAME))
            return 0;
        out->range_column = vg_arena_strdup(arena, PQgetvalue(result, row, NAME));
        return out->range_column ? 0 : -1;
    }
}

int vg_pg_catalog_table(struct vg_session *session, struct vg_arena *arena,
                        struct vg_catalog *catalog, struct vg_error *err)
{
    const char *oid = vg_arena_printf(arena, "%u", catalog->oid);
    if (!oid)
        return fail_memory(err);
    PGresult *result = NULL;
    struct vg_pg_statement st = {
        .sql = table_sql, .params = &oid, .nparams = 1, .timeout_us = session->timeout_us};
    if (vg_pg_exec(session, &st, &result, err) != 0)
        return -1;
    size_t n = (size_t)PQntuples(result);
    const char **bounds = vg_arena_array(arena, n, sizeof *bounds);
    catalog->constraints = vg_arena_array(arena, n, sizeof *catalog->constraints);
    int rc = bounds && catalog->constraints ? 0 : -1;
    catalog->bounds = bounds;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_row(result, (int)i, arena, catalog, bounds);
    PQclear(result);
    return rc < 0 ? fail_memory(err) : 0;
}
