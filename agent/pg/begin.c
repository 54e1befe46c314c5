/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of every session: BEGIN, settings and a savepoint in one round trip, ROLLBACK at the
 * end. All settings are local to the transaction: through a pooler the connection is another's
 * before and after. What the server answers is checked, for a pooler may drop what it dislikes. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "agent/pg/session.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* How long ROLLBACK is waited for before the connection is dropped instead. */
#define END_US (2 * VG_US)

/* Parameters: statement_timeout and client_encoding. A lock is waited for one second only: who
 * waits for a lock makes others wait behind him. A backslash in quotes is itself: conditions were
 * looked at so, for whether they stay in their parentheses. */
static const char settings_sql[] =
    "SELECT pg_catalog.set_config('statement_timeout', $1, true),"
    " pg_catalog.set_config('lock_timeout', '1s', true),"
    " pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),"
    " pg_catalog.set_config('search_path', 'pg_catalog', true),"
    " pg_catalog.set_config('client_encoding', $2, true),"
    " pg_catalog.set_config('TimeZone', 'UTC', true),"
    " pg_catalog.set_config('DateStyle', 'ISO, MDY', true),"
    " pg_catalog.set_config('extra_float_digits', '1', true),"
    " pg_catalog.set_config('jit', 'off', true),"
    " pg_catalog.set_config('standard_conforming_strings', 'on', true),"
    " pg_catalog.current_setting('transaction_isolation'),"
    " pg_catalog.current_setting('transaction_read_only'),"
    " pg_catalog.current_setting('search_path')";
enum { ISOLATION = 10, READ_ONLY, SEARCH_PATH };

static int send_begin(struct vg_session *s, struct vg_error *err)
{
    char timeout[24];
    s->statement_timeout_ms = vg_pg_timeout_ms(s->timeout_us);
    snprintf(timeout, sizeof timeout, "%lld", (long long)s->statement_timeout_ms);
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    /* One invalid byte in a SQL_ASCII database would fail every statement that has to convert. */
    bool ascii = encoding && strcmp(encoding, "SQL_ASCII") == 0;
    const char *const params[] = {timeout, ascii ? "SQL_ASCII" : "UTF8"};
    const struct {
        const char *sql;
        int nparams;
    } steps[] = {{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0},
                 {settings_sql, 2},
                 {"SAVEPOINT pgvigil", 0}};
    if (!PQenterPipelineMode(s->conn))
        return vg_pg_fault(s->conn, NULL, err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!PQsendQueryParams(s->conn, steps[i].sql, steps[i].nparams, NULL, params, NULL, NULL,
                               0))
            return vg_pg_fault(s->conn, NULL, err);
    return PQpipelineSync(s->conn) ? 0 : vg_pg_fault(s->conn, NULL, err);
}

static int check_settings(const PGresult *result, struct vg_error *err)
{
    if (strcmp(PQgetvalue(result, 0, ISOLATION), "repeatable read") == 0 &&
        strcmp(PQgetvalue(result, 0, READ_ONLY), "on") == 0 &&
        strcmp(PQgetvalue(result, 0, SEARCH_PATH), "pg_catalog") == 0)
        return 0;
    vg_fail(err, VG_E_CONNECT, "the transaction is not set up as asked for: %s, read only %s",
            PQgetvalue(result, 0, ISOLATION), PQgetvalue(result, 0, READ_ONLY));
    return vg_hint(err, "a pooler between pgvigil and the server may have to be in transaction or "
                        "session mode");
}

/* Reads all results up to the synchronisation; the first fault counts. */
static int read_begin(struct vg_session *s, struct vg_error *err)
{
    struct vg_pg_wait wait = vg_pg_wait_for(s->timeout_us + VG_PG_GRACE_US, s->stop);
    int rc = 0;
    struct vg_error ignored; /* what follows the first fault */
    for (bool synced = false; !synced;) {
        PGresult *result;
        struct vg_error *sink = rc ? &ignored : err;
        if (vg_pg_next(s, &wait, &result, sink) != 0)
            return -1;
        if (!result && PQstatus(s->conn) == CONNECTION_BAD)
            return vg_pg_fault(s->conn, NULL, sink);
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
        synced = status == PGRES_PIPELINE_SYNC;
        if (status == PGRES_TUPLES_OK && rc == 0)
            rc = check_settings(result, err);
        else if (status != PGRES_COMMAND_OK && !synced && rc == 0)
            rc = vg_pg_fault(s->conn, result, err);
        PQclear(result);
    }
    return rc;
}

int vg_pg_begin(struct vg_session *session, struct vg_error *err)
{
    if (send_begin(session, err) != 0 || read_begin(session, err) != 0)
        return -1;
    return PQexitPipelineMode(session->conn) ? 0 : vg_pg_fault(session->conn, NULL, err);
}

static bool run_to_end(struct vg_session *s, const char *sql)
{
    struct vg_pg_wait wait = vg_pg_wait_for(END_US, NULL);
    struct vg_error ignored;
    if (!PQsendQueryParams(s->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
        return false;
    bool fine = true;
    for (;;) {
        PGresult *result;
        if (vg_pg_next(s, &wait, &result, &ignored) != 0)
            return false;
        if (!result)
            return fine;
        fine &= PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
}

bool vg_pg_end(struct vg_session *session)
{
    if (session->lost || PQstatus(session->conn) != CONNECTION_OK)
        return false;
    if (!run_to_end(session, "ROLLBACK") || PQtransactionStatus(session->conn) != PQTRANS_IDLE)
        return false;
    if (session->cancelled || session->bulky)
        return false;
    /* Conditions of the rule files may have called functions that outlive a rollback. */
    return run_to_end(session, "DISCARD ALL");
}
