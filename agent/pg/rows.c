/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements with a small result, as text. Rows are taken one at a time, so that a result that is
 * larger than allowed is cancelled, not collected. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/session.h"
#include "pgvigil/mem.h"
#include "pgvigil/time.h"

enum { ROWS_MAX = 10000, BYTES_MAX = 16 << 20, BULKY_BYTES = 256 << 10 };

struct collection {
    struct vg_arena *arena;
    const char **cells; /* on the heap while it grows */
    size_t ncells, size;
    size_t nrows, ncols, bytes;
};

static int add_row(struct collection *c, const PGresult *result, int row, struct vg_error *err)
{
    if (c->nrows == ROWS_MAX)
        return vg_fail(err, VG_E_LIMIT, "the result has more than %d rows", ROWS_MAX);
    if (vg_grow((void **)&c->cells, &c->size, c->ncells + c->ncols + 1, sizeof *c->cells) != 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a result");
    for (int col = 0; col < (int)c->ncols; col++) {
        const char *cell = NULL;
        if (!PQgetisnull(result, row, col)) {
            size_t n = (size_t)PQgetlength(result, row, col);
            c->bytes += n + 1;
            if (c->bytes > BYTES_MAX)
                return vg_fail(err, VG_E_LIMIT, "the result has more than %d bytes", BYTES_MAX);
            cell = vg_arena_strndup(c->arena, PQgetvalue(result, row, col), n);
            if (!cell)
                return vg_fail(err, VG_E_MEMORY, "out of memory for a result");
        }
        c->cells[c->ncells++] = cell;
    }
    c->nrows++;
    return 0;
}

static int add_result(struct collection *c, const PGresult *result, struct vg_error *err)
{
    c->ncols = (size_t)PQnfields(result);
    for (int row = 0; row < PQntuples(result); row++)
        if (add_row(c, result, row, err) != 0)
            return -1;
    return 0;
}

/* -1: the server's fault; 1: the rest of the result must be abandoned. */
static int collect_rows(struct vg_session *s, const struct vg_pg_wait *wait, struct collection *c,
                        struct vg_error *err)
{
    int rc = 0;
    struct vg_error ignored; /* what follows the first fault */
    for (;;) {
        PGresult *result;
        if (vg_pg_next(s, wait, &result, rc ? &ignored : err) != 0)
            return 1;
        if (!result)
            return rc;
        int verdict = rc == 0 ? vg_pg_judge(s, result, err) : 0;
        if (verdict == 0 && rc == 0 && PQresultStatus(result) != PGRES_COMMAND_OK)
            verdict = add_result(c, result, err) == 0 ? 0 : 1;
        PQclear(result);
        if (verdict > 0)
            return 1;
        rc = rc ? rc : verdict;
    }
}

static int hand_out(const struct collection *c, struct vg_rows *out, struct vg_error *err)
{
    const char **cells = vg_arena_array(c->arena, c->ncells + 1, sizeof *cells);
    if (!cells)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a result");
    if (c->ncells)
        memcpy(cells, c->cells, c->ncells * sizeof *cells);
    *out = (struct vg_rows){.nrows = c->nrows, .ncols = c->ncols, .cells = cells};
    return 0;
}

static int ask(struct vg_session *session, const struct vg_pg_statement *st, struct vg_arena *arena,
               struct vg_rows *out, struct vg_error *err)
{
    struct collection c = {.arena = arena};
    struct vg_pg_wait wait = vg_pg_wait_for(st->timeout_us + VG_PG_GRACE_US, session->stop);
    int rc = vg_pg_send(session, st, err);
    if (rc == 0 && !PQsetSingleRowMode(session->conn))
        rc = vg_fail(err, VG_E_INTERNAL, "libpq refuses single-row mode");
    if (rc == 0)
        rc = collect_rows(session, &wait, &c, err);
    if (rc > 0)
        vg_pg_abandon(session);
    else if (rc < 0)
        vg_pg_recover(session);
    session->bulky |= c.bytes > BULKY_BYTES;
    rc = rc == 0 ? hand_out(&c, out, err) : -1;
    free(c.cells);
    return rc;
}

int vg_pg_rows(struct vg_session *session, const char *sql, const char *const *params,
               size_t nparams, struct vg_arena *arena, struct vg_rows *out, struct vg_error *err)
{
    struct vg_pg_statement st = {
        .sql = sql, .params = params, .nparams = nparams, .timeout_us = session->timeout_us};
    return ask(session, &st, arena, out, err);
}

int vg_pg_ask(struct vg_session *session, const char *sql, int64_t timeout_us,
              struct vg_arena *arena, struct vg_rows *out, struct vg_error *err)
{
    struct vg_pg_statement st = {.sql = sql, .timeout_us = timeout_us};
    return ask(session, &st, arena, out, err);
}
