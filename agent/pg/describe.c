/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server says of the columns of a SELECT: names, types, kinds. The statement is parsed and
 * planned, never run: LIMIT 0 asks for no row. Types are named by a second statement. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/decode.h"
#include "agent/pg/session.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

enum { COLUMNS_MAX = 1600, LIST_BYTES = 64 << 10 };

/* $1 types, $2 modifiers: one row for each, in their order. Results of statements are of base types
 * already, whatever domains they come from. */
static const char types_sql[] =
    "SELECT format_type(t.oid, g.modifier), t.typtype"
    " FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS g(oid, modifier, place)"
    " JOIN pg_type t ON t.oid = g.oid ORDER BY g.place";
enum { TYPE_NAME, TYPE_KIND };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory for a description");
}

static int read_names(struct vg_session *s, const PGresult *result, struct vg_arena *arena,
                      struct vg_described *out, struct vg_error *err)
{
    for (int i = 0; i < PQnfields(result); i++) {
        const char *name = PQfname(result, i);
        char *quoted = PQescapeIdentifier(s->conn, name, strlen(name));
        if (!quoted)
            return vg_fail(err, VG_E_DATA, "a name is invalid in the connection's encoding");
        out[i].name = vg_arena_strdup(arena, name);
        out[i].quoted = vg_arena_strdup(arena, quoted);
        out[i].oid = PQftype(result, i);
        PQfreemem(quoted);
        if (!out[i].name || !out[i].quoted)
            return fail_memory(err);
    }
    return 0;
}

/* The types and modifiers as two arrays of SQL, then their names. */
static int read_types(struct vg_session *s, const PGresult *result, struct vg_arena *arena,
                      struct vg_described *out, struct vg_error *err)
{
    struct vg_buf oids, modifiers;
    PGresult *types = NULL;
    int n = PQnfields(result), rc = -1;
    vg_buf_init(&oids, LIST_BYTES);
    vg_buf_init(&modifiers, LIST_BYTES);
    for (int i = 0; i < n; i++) {
        vg_buf_printf(&oids, "%s%u", i ? "," : "{", PQftype(result, i));
        vg_buf_printf(&modifiers, "%s%d", i ? "," : "{", PQfmod(result, i));
    }
    vg_buf_putc(&oids, '}');
    vg_buf_putc(&modifiers, '}');
    if (oids.failed || modifiers.failed) {
        fail_memory(err);
        goto out;
    }
    const char *const params[] = {oids.data, modifiers.data};
    struct vg_pg_statement st = {
        .sql = types_sql, .params = params, .nparams = 2, .timeout_us = s->timeout_us};
    if (vg_pg_exec(s, &st, &types, err) != 0)
        goto out;
    if (PQntuples(types) != n) {
        vg_fail(err, VG_E_DATA, "%d of %d types are known to the server", PQntuples(types), n);
        goto out;
    }
    rc = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        bool is_enum = *PQgetvalue(types, i, TYPE_KIND) == 'e';
        out[i].kind = is_enum ? VG_KIND_TEXT : vg_wire_kind(out[i].oid);
        out[i].type = vg_arena_strdup(arena, PQgetvalue(types, i, TYPE_NAME));
        rc = out[i].type ? 0 : fail_memory(err);
    }
out:
    PQclear(types);
    vg_buf_free(&oids);
    vg_buf_free(&modifiers);
    return rc;
}

int vg_pg_describe(struct vg_session *session, const char *select, struct vg_arena *arena,
                   struct vg_described **out, size_t *n, struct vg_error *err)
{
    PGresult *result = NULL;
    int rc = -1;
    const char *sql = vg_arena_printf(arena, "%s\nLIMIT 0", select);
    if (!sql)
        return fail_memory(err);
    struct vg_pg_statement st = {.sql = sql, .timeout_us = session->timeout_us};
    if (vg_pg_exec(session, &st, &result, err) != 0)
        goto out;
    int columns = PQnfields(result);
    if (columns < 1 || columns > COLUMNS_MAX) {
        vg_fail(err, VG_E_LIMIT, "a statement of %d columns", columns);
        goto out;
    }
    *n = (size_t)columns;
    *out = vg_arena_array(arena, *n, sizeof **out);
    rc = *out ? read_names(session, result, arena, *out, err) : fail_memory(err);
    if (rc == 0)
        rc = read_types(session, result, arena, *out, err);
out:
    PQclear(result);
    if (rc != 0)
        vg_pg_recover(session);
    return rc;
}
