/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue: what pg_catalog says of one relation in the session's snapshot. Names travel as
 * parameters; what is later put into SQL is quoted here, from what the server returned. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/catalog.h"
#include "agent/pg/decode.h"
#include "agent/pg/name.h"
#include "agent/pg/session.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

/* $1 table, $2 schema or NULL: then the role's own schema and public, in this order. Bytes and rows
 * are those of the relation and everything that inherits from it; the planner's estimate counts
 * where there is one (-1, and 0 before PostgreSQL 14, say that there is none). */
static const char relation_sql[] =
    "SELECT c.oid, c.relkind, n.nspname, c.relname,"
    " has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),"
    " coalesce(s.bytes, -1), coalesce(s.rows, -1)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
    " LATERAL (WITH RECURSIVE tree(oid) AS (SELECT c.oid"
    "   UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)"
    "  SELECT sum(CASE WHEN k.relkind IN ('r', 'm') THEN pg_table_size(k.oid) END) AS bytes,"
    "   sum(k.reltuples::float8) FILTER (WHERE k.relkind IN ('r', 'm', 'f') AND (k.reltuples > 0 OR"
    "    (k.reltuples = 0 AND current_setting('server_version_num')::int >= 140000))) AS rows"
    "  FROM tree JOIN pg_class k ON k.oid = tree.oid) s"
    " WHERE c.relname = $1::name AND n.nspname ="
    "  ANY (CASE WHEN $2::name IS NULL THEN ARRAY[current_user, 'public'] ELSE ARRAY[$2::name] END)"
    " ORDER BY n.nspname = 'public' LIMIT 1";
enum { REL_OID, REL_KIND, REL_SCHEMA, REL_NAME, REL_READABLE, REL_BYTES, REL_ROWS };

/* $1 oid. A domain is followed to its base type, at most 32 deep; it may forbid nulls on its way.
 */
static const char columns_sql[] =
    "WITH RECURSIVE chain(first, oid, typmod, depth, not_null) AS ("
    "  SELECT DISTINCT atttypid, atttypid, -1, 0, false FROM pg_attribute"
    "  WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped"
    " UNION ALL SELECT first, t.typbasetype, t.typtypmod, depth + 1, not_null OR t.typnotnull"
    "  FROM chain JOIN pg_type t ON t.oid = chain.oid WHERE t.typtype = 'd' AND depth < 32)"
    " SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull OR b.not_null, t.oid,"
    " t.typtype, EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
    "  JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree' WHERE i.indrelid = a.attrelid"
    "  AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum),"
    " NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT'),"
    " format_type(b.oid, CASE WHEN b.depth = 0 THEN a.atttypmod ELSE b.typmod END), l.collname,"
    " a.attgenerated, a.attidentity, pg_get_expr(d.adbin, d.adrelid),"
    " (SELECT string_agg(e.enumlabel, E'\\x1f' ORDER BY e.enumsortorder) FROM pg_enum e"
    "  WHERE e.enumtypid IN (t.oid, t.typelem)),"
    " CASE WHEN l.collprovider <> 'd' THEN l.collprovider::text" /* no such column before 15 */
    "  ELSE (SELECT coalesce(to_jsonb(y) ->> 'datlocprovider', 'c') FROM pg_database y"
    "   WHERE y.datname = current_database()) END"
    " FROM pg_attribute a CROSS JOIN LATERAL (SELECT c.* FROM chain c"
    "  WHERE c.first = a.atttypid ORDER BY depth DESC LIMIT 1) b JOIN pg_type t ON t.oid = b.oid"
    " LEFT JOIN pg_collation l ON l.oid = a.attcollation"
    " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
enum {
    COL_NAME,
    COL_TYPE,
    COL_NOT_NULL,
    COL_OID,
    COL_TYPTYPE,
    COL_INDEXED,
    COL_UNREADABLE,
    COL_BASE_TYPE,
    COL_COLLATION,
    COL_GENERATED,
    COL_IDENTITY,
    COL_VALUE,
    COL_LABELS,
    COL_PROVIDER
};

static const char readable_kinds[] = "rpvmf";

static bool is_true(const PGresult *result, int row, int column)
{
    return *PQgetvalue(result, row, column) == 't';
}

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory for the catalogue");
}

static uint32_t read_oid(const PGresult *result, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(result, row, column), NULL, 10);
}

/* The name as an identifier of SQL, in the arena. */
static int quote_name(struct vg_session *s, const char *name, struct vg_arena *arena,
                      const char **out, struct vg_error *err)
{
    char *quoted = PQescapeIdentifier(s->conn, name, strlen(name));
    if (!quoted)
        return vg_fail(err, VG_E_DATA, "a name is invalid in the connection's encoding");
    *out = vg_arena_strdup(arena, quoted);
    PQfreemem(quoted);
    return *out ? 0 : fail_memory(err);
}

static int quote_relation(struct vg_session *s, const PGresult *result, struct vg_arena *arena,
                          const char **out, struct vg_error *err)
{
    const char *schema = "", *table = "";
    if (quote_name(s, PQgetvalue(result, 0, REL_SCHEMA), arena, &schema, err) != 0 ||
        quote_name(s, PQgetvalue(result, 0, REL_NAME), arena, &table, err) != 0)
        return -1;
    *out = vg_arena_printf(arena, "%s.%s", schema, table);
    return *out ? 0 : fail_memory(err);
}

static const char *name_relkind(char relkind)
{
    switch (relkind) {
    case 'i':
    case 'I':
        return "an index";
    case 'S':
        return "a sequence";
    case 'c':
        return "a composite type";
    default:
        return "no table";
    }
}

/* Whether the relation can be read at all, from its one row. */
static int check_relation(const PGresult *result, const char *table, struct vg_error *err)
{
    char relkind = *PQgetvalue(result, 0, REL_KIND);
    if (!relkind || !strchr(readable_kinds, relkind))
        return vg_fail(err, VG_E_NOT_FOUND, "%.120s is %s", table, name_relkind(relkind));
    if (is_true(result, 0, REL_READABLE))
        return 0;
    vg_fail(err, VG_E_PERMISSION, "the role may not read %.120s", table);
    memcpy(err->sqlstate, "42501", 6);
    return vg_hint(err, "GRANT USAGE ON SCHEMA %.60s, and SELECT ON TABLE %.60s, to the role",
                   PQgetvalue(result, 0, REL_SCHEMA), PQgetvalue(result, 0, REL_NAME));
}

static int find_relation(struct vg_session *s, const char *table, struct vg_arena *arena,
                         struct vg_catalog *out, struct vg_error *err)
{
    struct vg_pg_name name;
    PGresult *result = NULL;
    if (vg_pg_name_parse(table, &name, err) != 0)
        return -1;
    const char *const params[] = {name.table, *name.schema ? name.schema : NULL};
    struct vg_pg_statement st = {
        .sql = relation_sql, .params = params, .nparams = 2, .timeout_us = s->timeout_us};
    if (vg_pg_exec(s, &st, &result, err) != 0)
        return -1;
    int rc = -1;
    if (PQntuples(result) == 0)
        vg_pg_missing(s, table, &name, err);
    else if (check_relation(result, table, err) == 0)
        rc = quote_relation(s, result, arena, &out->quoted, err);
    if (rc == 0) {
        out->oid = read_oid(result, 0, REL_OID);
        out->relkind = *PQgetvalue(result, 0, REL_KIND);
        out->bytes = strtoll(PQgetvalue(result, 0, REL_BYTES), NULL, 10);
        out->rows_estimate = strtod(PQgetvalue(result, 0, REL_ROWS), NULL);
    }
    PQclear(result);
    return rc;
}

/* What of a column is structure beside its type; expressions and labels only as hashes. */
static int read_structure(const PGresult *result, int row, struct vg_arena *arena,
                          struct vg_catalog_column *out)
{
    const char *value = PQgetvalue(result, row, COL_VALUE);
    out->generated = *PQgetvalue(result, row, COL_GENERATED);
    out->identity = *PQgetvalue(result, row, COL_IDENTITY);
    if (*value)
        out->value_hash = vg_hash64(value, strlen(value));
    out->base_type = vg_arena_strdup(arena, PQgetvalue(result, row, COL_BASE_TYPE));
    if (!PQgetisnull(result, row, COL_COLLATION)) {
        out->collation = vg_arena_strdup(arena, PQgetvalue(result, row, COL_COLLATION));
        if (!out->collation)
            return -1;
        out->collation_provider = *PQgetvalue(result, row, COL_PROVIDER);
    }
    struct vg_pg_items labels;
    if (vg_pg_items(result, row, COL_LABELS, arena, &labels) < 0)
        return -1;
    uint64_t *hashes = vg_arena_array(arena, labels.n, sizeof *hashes);
    for (size_t i = 0; hashes && i < labels.n; i++)
        hashes[i] = vg_hash64(labels.items[i], strlen(labels.items[i]));
    out->labels = hashes;
    out->nlabels = labels.n;
    return out->base_type && hashes ? 0 : -1;
}

static int read_column(struct vg_session *s, const PGresult *result, int row,
                       struct vg_arena *arena, struct vg_catalog_column *out, struct vg_error *err)
{
    out->name = vg_arena_strdup(arena, PQgetvalue(result, row, COL_NAME));
    out->type = vg_arena_strdup(arena, PQgetvalue(result, row, COL_TYPE));
    if (!out->name || !out->type)
        return fail_memory(err);
    out->not_null = is_true(result, row, COL_NOT_NULL);
    out->indexed_first = is_true(result, row, COL_INDEXED);
    out->unreadable = is_true(result, row, COL_UNREADABLE);
    out->wire_oid = read_oid(result, row, COL_OID);
    bool is_enum = *PQgetvalue(result, row, COL_TYPTYPE) == 'e';
    out->kind = is_enum ? VG_KIND_TEXT : vg_wire_kind(out->wire_oid);
    if (read_structure(result, row, arena, out) < 0)
        return fail_memory(err);
    return quote_name(s, out->name, arena, &out->quoted, err);
}

static int read_columns(struct vg_session *s, struct vg_arena *arena, struct vg_catalog *out,
                        struct vg_error *err)
{
    const char *oid = vg_arena_printf(arena, "%u", out->oid);
    if (!oid)
        return fail_memory(err);
    PGresult *result = NULL;
    struct vg_pg_statement st = {
        .sql = columns_sql, .params = &oid, .nparams = 1, .timeout_us = s->timeout_us};
    if (vg_pg_exec(s, &st, &result, err) != 0)
        return -1;
    int rc = 0;
    out->n = (size_t)PQntuples(result);
    out->columns = vg_arena_array(arena, out->n + 1, sizeof *out->columns);
    if (!out->columns)
        rc = fail_memory(err);
    for (size_t i = 0; rc == 0 && out->columns && i < out->n; i++)
        rc = read_column(s, result, (int)i, arena, &out->columns[i], err);
    PQclear(result);
    return rc;
}

int vg_pg_catalog(struct vg_session *session, const char *table, struct vg_arena *arena,
                  const struct vg_catalog **out, struct vg_error *err)
{
    struct vg_catalog *catalog = vg_arena_alloc(arena, sizeof *catalog);
    if (!catalog)
        return fail_memory(err);
    int version = PQserverVersion(session->conn);
    const char *encoding = PQparameterStatus(session->conn, "server_encoding");
    catalog->server_version = version > 0 ? (uint32_t)version : 0;
    catalog->server_encoding = vg_arena_strdup(arena, encoding ? encoding : "unknown");
    if (!catalog->server_encoding)
        return fail_memory(err);
    if (find_relation(session, table, arena, catalog, err) != 0 ||
        read_columns(session, arena, catalog, err) != 0 ||
        vg_pg_catalog_table(session, arena, catalog, err) != 0) {
        vg_pg_recover(session);
        return -1;
    }
    *out = catalog;
    return 0;
}
