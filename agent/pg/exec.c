/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements: send, wait, collect, cancel, drain. Only PQsendQueryParams is used, which the server
 * reads as one statement, never two. The server's timeout is set to the caller's before each
 * statement that needs another one; the client waits a little longer and then cancels. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/pg/session.h"
#include "pgvigil/time.h"

/* How long a cancel, and what still comes after it, are waited for; less when asked to stop. */
#define CANCEL_US         (2 * VG_US)
#define DRAIN_US          (3 * VG_US)
#define CANCEL_HURRIED_US (300 * VG_US / 1000)
#define DRAIN_HURRIED_US  (400 * VG_US / 1000)

static int send_raw(struct vg_session *s, const struct vg_pg_statement *st, struct vg_error *err)
{
    if (s->cancelled || s->lost)
        return vg_fail(err, VG_E_CONNECT, "the session was given up after an earlier error");
    int n = (int)st->nparams;
    if (st->nparams > UINT16_MAX)
        return vg_fail(err, VG_E_INTERNAL, "%zu parameters", st->nparams);
    if (!PQsendQueryParams(s->conn, st->sql, n, NULL, st->params, NULL, NULL, 0))
        return vg_pg_fault(s->conn, NULL, err);
    return 0;
}

int vg_pg_next(struct vg_session *session, const struct vg_pg_wait *wait, struct pg_result **out,
               struct vg_error *err)
{
    *out = NULL;
    while (PQisBusy(session->conn))
        if (vg_pg_await(session->conn, wait, err) != 0)
            return -1;
    *out = PQgetResult(session->conn);
    return 0;
}

int vg_pg_judge(const struct vg_session *session, const struct pg_result *result,
                struct vg_error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_COMMAND_OK:
        return 0;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        /* It would wait for us for ever. */
        vg_fail(err, VG_E_QUERY, "COPY where a result is expected");
        return 1;
    default:
        return vg_pg_fault(session->conn, result, err);
    }
}

/* Reads results up to the end of the statement; the first fault counts. *out: the last one. */
static int collect(struct vg_session *s, const struct vg_pg_wait *wait, PGresult **out,
                   struct vg_error *err)
{
    PGresult *kept = NULL, *result;
    struct vg_error ignored; /* what follows the first fault */
    int rc = 0;
    for (;;) {
        int verdict = vg_pg_next(s, wait, &result, rc ? &ignored : err) == 0 ? 0 : 1;
        if (verdict == 0 && !result)
            break;
        if (verdict == 0 && rc == 0)
            rc = verdict = vg_pg_judge(s, result, err);
        PQclear(kept);
        kept = result;
        if (verdict > 0) {
            rc = -1;
            vg_pg_abandon(s);
            break;
        }
    }
    if (rc == 0 && out) {
        *out = kept;
        return 0;
    }
    PQclear(kept);
    return rc;
}

static int run_raw(struct vg_session *s, const struct vg_pg_statement *st, PGresult **out,
                   struct vg_error *err)
{
    struct vg_pg_wait wait = vg_pg_wait_for(st->timeout_us + VG_PG_GRACE_US, s->stop);
    if (send_raw(s, st, err) != 0)
        return -1;
    return collect(s, &wait, out, err);
}

static int limit_statement(struct vg_session *s, int64_t timeout_us, struct vg_error *err)
{
    char text[24];
    int64_t ms = vg_pg_timeout_ms(timeout_us);
    if (ms == s->statement_timeout_ms)
        return 0;
    snprintf(text, sizeof text, "%lld", (long long)ms);
    const char *const params[] = {text};
    struct vg_pg_statement st = {
        .sql = "SELECT pg_catalog.set_config('statement_timeout', $1, true)",
        .params = params,
        .nparams = 1,
        .timeout_us = s->timeout_us,
    };
    if (run_raw(s, &st, NULL, err) != 0)
        return -1;
    s->statement_timeout_ms = ms;
    return 0;
}

int vg_pg_send(struct vg_session *session, const struct vg_pg_statement *statement,
               struct vg_error *err)
{
    if (limit_statement(session, statement->timeout_us, err) != 0)
        return -1;
    return send_raw(session, statement, err);
}

int vg_pg_exec(struct vg_session *session, const struct vg_pg_statement *statement,
               struct pg_result **out, struct vg_error *err)
{
    struct vg_pg_wait wait = vg_pg_wait_for(statement->timeout_us + VG_PG_GRACE_US, session->stop);
    if (vg_pg_send(session, statement, err) != 0)
        return -1;
    return collect(session, &wait, out, err);
}

void vg_pg_recover(struct vg_session *session)
{
    if (session->cancelled || session->lost ||
        PQtransactionStatus(session->conn) != PQTRANS_INERROR)
        return;
    struct vg_pg_statement st = {.sql = "ROLLBACK TO SAVEPOINT pgvigil",
                                 .timeout_us = session->timeout_us};
    struct vg_error ignored;
    /* Where it fails the next statement says so: the transaction is still aborted. */
    if (run_raw(session, &st, NULL, &ignored) == 0)
        session->statement_timeout_ms = vg_pg_timeout_ms(session->timeout_us);
}

static void send_cancel(void *cancel)
{
    char reason[256];
    /* A cancel that does not arrive shows in the drain, which then does not end. */
    (void)PQcancel(cancel, reason, sizeof reason);
}

static void free_cancel(void *cancel)
{
    PQfreeCancel(cancel);
}

/* Throws away what the server still sends. Whether it has come to the end of the statement. */
static bool drain(struct vg_session *s, const struct vg_pg_wait *wait)
{
    struct vg_error ignored;
    for (;;) {
        char *row = NULL;
        PGresult *result = NULL;
        int n = PQgetCopyData(s->conn, &row, 1);
        if (n > 0) {
            PQfreemem(row);
            continue;
        }
        if (n == 0) {
            if (vg_pg_await(s->conn, wait, &ignored) != 0)
                return false;
            continue;
        }
        if (vg_pg_next(s, wait, &result, &ignored) != 0)
            return false;
        if (!result)
            return true;
        bool writing = PQresultStatus(result) == PGRES_COPY_IN;
        PQclear(result);
        if (writing)
            return false;
    }
}

void vg_pg_abandon(struct vg_session *session)
{
    struct vg_session *s = session;
    if (s->cancelled || s->lost)
        return;
    s->cancelled = true;
    s->lost = true;
    PGcancel *cancel = PQstatus(s->conn) == CONNECTION_OK ? PQgetCancel(s->conn) : NULL;
    if (!cancel)
        return;
    bool hurry = vg_pg_stopped(s->stop);
    struct vg_pg_wait wait = vg_pg_wait_for(hurry ? CANCEL_HURRIED_US : CANCEL_US, NULL);
    struct vg_pg_work work = {.run = send_cancel, .discard = free_cancel, .arg = cancel};
    if (vg_pg_aside(&work, &wait, NULL) != 0)
        return;
    free_cancel(cancel);
    wait = vg_pg_wait_for(hurry ? DRAIN_HURRIED_US : DRAIN_US, NULL);
    if (drain(s, &wait))
        s->lost = false;
}
