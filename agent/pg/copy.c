/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan: COPY ... TO STDOUT (FORMAT binary), read without blocking and fed to the decoder row by
 * row. Succeeds only when the server has said that the COPY is complete, the stream had its
 * trailer, and both agree on the number of rows: half of a table is never taken for all of it. */
#include <libpq-fe.h>
#include <stdlib.h>

#include "agent/pg/decode.h"
#include "agent/pg/session.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

enum { BULKY_BYTES = 256 << 10 };

struct scan {
    struct vg_session *session;
    const struct vg_query *query;
    struct vg_decoder *decoder;
    struct vg_pg_wait wait;
    int64_t progress_us; /* when to report next */
};

static void report_progress(struct scan *scan)
{
    int64_t now = vg_pg_now_us();
    if (!scan->query->progress || now < scan->progress_us)
        return;
    scan->progress_us = now + VG_US;
    scan->query->progress(scan->query->progress_arg, vg_decoder_rows(scan->decoder));
}

/* As vg_pg_next(), with reports on the way: a server may sort for long before the first row. */
static int await_result(struct scan *scan, PGresult **out, struct vg_error *err)
{
    while (PQisBusy(scan->session->conn)) {
        report_progress(scan);
        if (vg_pg_await(scan->session->conn, &scan->wait, err) != 0)
            return -1;
    }
    *out = PQgetResult(scan->session->conn);
    return 0;
}

/* -1: the server's fault; 1: no stream that could be read. */
static int judge_start(const struct scan *scan, const PGresult *result, struct vg_error *err)
{
    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
        return vg_pg_fault(scan->session->conn, result, err);
    if (PQresultStatus(result) != PGRES_COPY_OUT || !PQbinaryTuples(result)) {
        vg_fail(err, VG_E_INTERNAL, "the scan's statement is no binary COPY");
        return 1;
    }
    if ((size_t)PQnfields(result) != scan->query->ncolumns) {
        vg_fail(err, VG_E_INTERNAL, "the scan has %d columns where %zu are due", PQnfields(result),
                scan->query->ncolumns);
        return 1;
    }
    return 0;
}

/* Waits for the answer to begin. -1: the server's fault; 1: abandon. */
static int start_copy(struct scan *scan, struct vg_error *err)
{
    int rc = 0;
    struct vg_error ignored;
    for (;;) {
        PGresult *result;
        if (await_result(scan, &result, rc ? &ignored : err) != 0)
            return 1;
        if (!result)
            return rc ? rc : vg_fail(err, VG_E_INTERNAL, "the scan's statement is empty");
        int verdict = rc == 0 ? judge_start(scan, result, err) : 0;
        PQclear(result);
        if (rc == 0 && verdict >= 0)
            return verdict;
        rc = -1;
    }
}

/* Reads to the end of the stream. -1: the connection's fault; 1: abandon. */
static int pump_rows(struct scan *scan, struct vg_error *err)
{
    PGconn *conn = scan->session->conn;
    for (;;) {
        char *row = NULL;
        int n = PQgetCopyData(conn, &row, 1);
        if (n > 0) {
            int rc = vg_decoder_feed(scan->decoder, row, (size_t)n, err);
            PQfreemem(row);
            if (rc != 0)
                return 1;
        } else if (n == 0) {
            report_progress(scan);
            if (vg_pg_await(conn, &scan->wait, err) != 0)
                return PQstatus(conn) == CONNECTION_BAD ? -1 : 1;
        } else {
            return n == -1 ? 0 : vg_pg_fault(conn, NULL, err);
        }
    }
}

/* What the server says after the stream. -1: its fault; 1: abandon. */
static int end_copy(struct scan *scan, struct vg_error *err)
{
    struct vg_session *s = scan->session;
    int rc = 0;
    int64_t rows = -1;
    struct vg_error ignored; /* what follows the first fault */
    for (;;) {
        PGresult *result;
        if (await_result(scan, &result, rc ? &ignored : err) != 0)
            return 1;
        if (!result)
            break;
        if (rc == 0 && PQresultStatus(result) != PGRES_COMMAND_OK)
            rc = vg_pg_fault(s->conn, result, err);
        else if (rc == 0 && vg_parse_int64(PQcmdTuples(result), &rows) != 0)
            rows = -1;
        PQclear(result);
    }
    if (rc != 0 || vg_decoder_finish(scan->decoder, err) != 0)
        return -1;
    if (rows < 0 || (uint64_t)rows != vg_decoder_rows(scan->decoder))
        return vg_fail(err, VG_E_DATA, "%llu rows came of %lld the server says it sent",
                       (unsigned long long)vg_decoder_rows(scan->decoder), (long long)rows);
    return 0;
}

static int run_copy(struct scan *scan, struct vg_error *err)
{
    struct vg_pg_statement st = {.sql = scan->query->sql, .timeout_us = scan->query->timeout_us};
    if (vg_pg_send(scan->session, &st, err) != 0)
        return -1;
    scan->wait = vg_pg_wait_for(st.timeout_us + VG_PG_GRACE_US, scan->session->stop);
    scan->progress_us = vg_pg_now_us() + VG_US;
    int rc = start_copy(scan, err);
    if (rc == 0)
        rc = pump_rows(scan, err);
    return rc == 0 ? end_copy(scan, err) : rc;
}

int vg_pg_scan(struct vg_session *session, const struct vg_query *query,
               int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
               void *arg, struct vg_error *err)
{
    struct scan scan = {.session = session, .query = query};
    if (vg_decoder_new(query->columns, query->ncolumns, each, arg, &scan.decoder, err) != 0)
        return -1;
    int rc = run_copy(&scan, err);
    if (rc > 0)
        vg_pg_abandon(session);
    else if (rc < 0)
        vg_pg_recover(session);
    session->bulky |= vg_decoder_largest(scan.decoder) > BULKY_BYTES;
    vg_decoder_free(scan.decoder);
    return rc == 0 ? 0 : -1;
}
