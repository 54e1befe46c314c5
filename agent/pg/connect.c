/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting. All of it runs in a thread of its own, because libpq resolves names without any
 * deadline. The password is read at every connect, handed to libpq as a parameter and wiped here.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/pg.h"
#include "agent/pg/session.h"
#include "agent/secret.h"

enum { OLDEST_SERVER = 100000 };

struct dial {
    char *conninfo;          /* owned */
    struct vg_secret secret; /* empty without a password_file */
    int64_t until_us;
    PGconn *conn;
    struct vg_error err;
    bool failed;
    atomic_bool left; /* nobody waits for it any more */
};

static void free_dial(void *arg)
{
    struct dial *dial = arg;
    if (dial->conn)
        PQfinish(dial->conn);
    vg_secret_free(&dial->secret);
    if (dial->conninfo)
        explicit_bzero(dial->conninfo, strlen(dial->conninfo));
    free(dial->conninfo);
    free(dial);
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* What stands before dbname are our defaults, which the conninfo overrides; what stands after it
 * is in force. */
static PGconn *start_connection(const struct dial *dial)
{
    const char *const keys[] = {"keepalives",       "keepalives_idle",  "keepalives_interval",
                                "keepalives_count", "tcp_user_timeout", "fallback_application_name",
                                "dbname",           "password",         NULL};
    const char *const values[] = {
        "1", "5", "2", "3", "10000", "pgvigil/" VG_VERSION, dial->conninfo, dial->secret.text,
        NULL};
    return PQconnectStartParams(keys, values, 1);
}

static int poll_connection(struct dial *dial)
{
    struct vg_pg_wait wait = {.until_us = dial->until_us, .stop = &dial->left};
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        short ready = 0, events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        while (!ready)
            if (vg_pg_poll(PQsocket(dial->conn), events, &wait, &ready, &dial->err) != 0)
                return -1;
        state = PQconnectPoll(dial->conn);
        if (state == PGRES_POLLING_FAILED)
            return vg_pg_fault_connect(dial->conn, dial->secret.text, &dial->err);
    }
    return 0;
}

static int dial_server(struct dial *dial)
{
    dial->conn = start_connection(dial);
    if (!dial->conn)
        return vg_fail(&dial->err, VG_E_MEMORY, "out of memory for a connection");
    PQsetNoticeReceiver(dial->conn, ignore_notice, NULL);
    if (PQstatus(dial->conn) == CONNECTION_BAD)
        return vg_pg_fault_connect(dial->conn, dial->secret.text, &dial->err);
    PQsetErrorVerbosity(dial->conn, PQERRORS_VERBOSE);
    if (poll_connection(dial) != 0)
        return -1;
    PQsetErrorVerbosity(dial->conn, PQERRORS_DEFAULT);
    if (PQserverVersion(dial->conn) < OLDEST_SERVER)
        return vg_fail(&dial->err, VG_E_CONNECT, "PostgreSQL %d is too old, 10 is the oldest known",
                       PQserverVersion(dial->conn) / 10000);
    if (PQsetnonblocking(dial->conn, 1) != 0)
        return vg_pg_fault_connect(dial->conn, dial->secret.text, &dial->err);
    return 0;
}

static void run_dial(void *arg)
{
    struct dial *dial = arg;
    dial->failed = dial_server(dial) != 0;
}

/* libpq quotes what it cannot parse, which may be a piece of a password: only what stands before
 * the first quote and after the last is shown. */
static void shorten_reason(const char *reason, char *out, size_t size)
{
    size_t n = strcspn(reason, "\"\n");
    const char *last = strrchr(reason, '"');
    const char *rest = last ? last + 1 : "";
    snprintf(out, size, "%.*s%s%.*s", (int)n, reason, last ? "\"...\"" : "",
             (int)strcspn(rest, "\n"), rest);
}

int vg_pg_conninfo_check(const char *conninfo, struct vg_error *err)
{
    char *reason = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &reason);
    if (options) {
        PQconninfoFree(options);
        return 0;
    }
    char kind[120] = "out of memory";
    if (reason) {
        shorten_reason(reason, kind, sizeof kind);
        explicit_bzero(reason, strlen(reason));
        PQfreemem(reason);
    }
    vg_fail(err, VG_E_CONFIG, "the conninfo cannot be parsed: %s", kind);
    return vg_hint(err, "it is pairs like host=db port=5432, values with spaces in single quotes, "
                        "or postgresql://user@host/db");
}

int vg_pg_connect(const char *conninfo, const char *password_file, const struct vg_pg_wait *wait,
                  struct pg_conn **out, struct vg_error *err)
{
    if (vg_pg_conninfo_check(conninfo, err) != 0)
        return -1;
    struct dial *dial = calloc(1, sizeof *dial);
    if (!dial || !(dial->conninfo = strdup(conninfo))) {
        free(dial);
        return vg_fail(err, VG_E_MEMORY, "out of memory for a connection");
    }
    dial->until_us = wait->until_us;
    if (password_file && vg_secret_read(password_file, &dial->secret, err) != 0) {
        free_dial(dial);
        /* To the caller this is one more reason why there is no connection. */
        if (err && err->code != VG_E_MEMORY)
            err->code = VG_E_CONNECT;
        return -1;
    }
    struct vg_pg_work work = {
        .run = run_dial, .discard = free_dial, .arg = dial, .left = &dial->left};
    if (vg_pg_aside(&work, wait, err) != 0) {
        if (err && err->code == VG_E_TIMEOUT) {
            vg_fail(err, VG_E_CONNECT, "no connection in time");
            vg_hint(err, "check host, port and name resolution, or raise `timeout`");
        }
        return -1;
    }
    int rc = dial->failed ? -1 : 0;
    if (rc == 0) {
        *out = dial->conn;
        dial->conn = NULL;
    } else if (err) {
        *err = dial->err;
        if (err->code == VG_E_TIMEOUT)
            err->code = VG_E_CONNECT;
    }
    free_dial(dial);
    return rc;
}
