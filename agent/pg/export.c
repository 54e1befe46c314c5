/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one thing that pgvigil ever writes in a database: a transaction on a connection that the
 * user has named for it. Its connection is made for it alone and closed after it; nothing of it is
 * shared with the sessions that read. search_path stays as the role has it, for the triggers of the
 * user's table; what is written by pgvigil qualifies its names. */
#include <libpq-fe.h>
#include <stdio.h>

#include "agent/pg/session.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* Parameters: statement_timeout, idle_in_transaction_session_timeout, client_encoding. */
static const char settings_sql[] =
    "SELECT pg_catalog.set_config('statement_timeout', $1, true),"
    " pg_catalog.set_config('lock_timeout', '10s', true),"
    " pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true),"
    " pg_catalog.set_config('client_encoding', $3, true),"
    " pg_catalog.set_config('TimeZone', 'UTC', true),"
    " pg_catalog.set_config('DateStyle', 'ISO, MDY', true),"
    " pg_catalog.current_setting('transaction_read_only')";
enum { READ_ONLY = 6 };

static int run(struct vg_session *session, const char *sql, struct vg_error *err)
{
    struct vg_pg_statement st = {.sql = sql, .timeout_us = session->timeout_us};
    return vg_pg_exec(session, &st, NULL, err);
}

static int set_up(struct vg_session *s, int64_t idle_us, struct vg_error *err)
{
    char timeout[24], idle[24];
    PGresult *result = NULL;
    snprintf(timeout, sizeof timeout, "%lld", (long long)s->statement_timeout_ms);
    snprintf(idle, sizeof idle, "%lld", (long long)vg_pg_timeout_ms(idle_us + VG_PG_GRACE_US));
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    bool ascii = vg_streq(encoding, "SQL_ASCII");
    const char *const params[] = {timeout, idle, ascii ? "SQL_ASCII" : "UTF8"};
    struct vg_pg_statement st = {
        .sql = settings_sql, .params = params, .nparams = 3, .timeout_us = s->timeout_us};
    if (vg_pg_exec(s, &st, &result, err) != 0)
        return -1;
    bool fine =
        result && PQntuples(result) == 1 && vg_streq(PQgetvalue(result, 0, READ_ONLY), "off");
    PQclear(result);
    if (fine)
        return 0;
    vg_fail(err, VG_E_PERMISSION, "the connection is read only");
    return vg_hint(err, "a standby, or default_transaction_read_only of the role");
}

int vg_pg_write_begin(struct vg_source *self, const char *connection,
                      const struct vg_limits_of_session *limits, int64_t idle_us,
                      struct vg_session **out, struct vg_error *err)
{
    struct vg_session *session = NULL;
    if (vg_pg_dial(self, connection, limits, &session, err) != 0)
        return -1;
    session->bulky = true; /* never handed to a session that reads */
    session->statement_timeout_ms = vg_pg_timeout_ms(session->timeout_us);
    if (run(session, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", err) != 0 ||
        set_up(session, idle_us, err) != 0) {
        self->ops->close(session);
        return vg_where(err, "connection %s", connection);
    }
    *out = session;
    return 0;
}

int vg_pg_write(struct vg_session *session, const char *sql, const char *const *params,
                size_t nparams, uint64_t *changed, struct vg_error *err)
{
    PGresult *result = NULL;
    int64_t n = 0;
    struct vg_pg_statement st = {
        .sql = sql, .params = params, .nparams = nparams, .timeout_us = session->timeout_us};
    if (vg_pg_exec(session, &st, &result, err) != 0)
        return -1;
    if (changed)
        *changed =
            result && vg_parse_int64(PQcmdTuples(result), &n) == 0 && n > 0 ? (uint64_t)n : 0;
    PQclear(result);
    return 0;
}

int vg_pg_write_commit(struct vg_session *session, struct vg_error *err)
{
    return run(session, "COMMIT", err);
}
