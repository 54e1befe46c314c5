/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the PostgreSQL source share; layer 4.
 *
 * libpq's types are named by their tags, so that its header stays in agent/pg/. Every function
 * that can block takes a deadline and a flag that ends the wait early.
 */
#ifndef PGVIGIL_AGENT_PG_SESSION_H
#define PGVIGIL_AGENT_PG_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/ports.h"

struct pg_conn;   /* PGconn */
struct pg_result; /* PGresult */

/* How long the client waits beyond the server's own statement_timeout. */
#define VG_PG_GRACE_US (5 * VG_US)

struct vg_pg_wait {
    int64_t until_us;        /* of vg_pg_now_us() */
    const atomic_bool *stop; /* or NULL */
};

/* How many sessions of one name are open. */
struct vg_pg_slot {
    struct vg_pg_slot *next;
    char *name;
    int64_t open;
};
struct vg_pg_slots {
    pthread_mutex_t mutex;
    pthread_cond_t left;      /* one has ended */
    struct vg_pg_slot *first; /* a slot stays as long as the source: names are few */
};

struct vg_session {
    struct vg_source *source;
    struct vg_pg_slot *slot; /* it takes one of */
    char *name;              /* of the connection, owned */
    uint64_t version;        /* of what the name stood for when the connection was made */
    struct pg_conn *conn;
    int64_t timeout_us;
    const atomic_bool *stop;      /* or NULL */
    int64_t statement_timeout_ms; /* in force on the server */
    bool cancelled;               /* a cancel may still be under way: no further statement */
    bool lost;                    /* the connection is of no use, not even for ROLLBACK */
    bool bulky;                   /* libpq's buffer has grown: do not keep the connection */
};

struct vg_pg_statement {
    const char *sql;
    const char *const *params; /* may hold NULLs */
    size_t nparams;
    int64_t timeout_us;
};

/* --- pg_wait.c -------------------------------------------------------------------------------- */
int64_t vg_pg_now_us(void); /* CLOCK_MONOTONIC */
struct vg_pg_wait vg_pg_wait_for(int64_t timeout_us, const atomic_bool *stop);
/* As statement_timeout wants it: whole milliseconds, at least 1. */
int64_t vg_pg_timeout_ms(int64_t timeout_us);
bool vg_pg_stopped(const atomic_bool *stop);
/* 0; VG_E_CANCELLED when stopped, VG_E_TIMEOUT past the deadline. */
int vg_pg_check(const struct vg_pg_wait *wait, struct vg_error *err);
/* Waits for any of poll()'s events on a socket; *ready may be 0 after a fraction of a second. */
int vg_pg_poll(int socket, short events, const struct vg_pg_wait *wait, short *ready,
               struct vg_error *err);
/* Sends what is pending and waits, a fraction of a second at most, for something to read; to be
 * called until what is awaited is there. VG_E_CONNECT too. */
int vg_pg_await(struct pg_conn *conn, const struct vg_pg_wait *wait, struct vg_error *err);

/* --- pg_aside.c ------------------------------------------------------------------------------- */
/* A call that blocks without a deadline, to be made in a thread of its own. */
struct vg_pg_work {
    void (*run)(void *arg);
    void (*discard)(void *arg);
    void *arg;
    atomic_bool *left; /* in arg, or NULL: set when nobody waits any more */
};
/* Runs the work and waits. 0: it has ended and arg is the caller's again. -1: not in time, or not
 * started; then discard(arg) is called, once run has ended. */
int vg_pg_aside(const struct vg_pg_work *work, const struct vg_pg_wait *wait, struct vg_error *err);

/* --- pg_fault.c ------------------------------------------------------------------------------- */
/* Error from a failed result or, if that is NULL, from the connection. Returns -1. */
int vg_pg_fault(const struct pg_conn *conn, const struct pg_result *result, struct vg_error *err);
/* Error from a connection that could not be made; `password` (or NULL) is kept out. Returns -1. */
int vg_pg_fault_connect(struct pg_conn *conn, const char *password, struct vg_error *err);
/* Sets the hint of an error that came from a deadline; returns -1. */
int vg_pg_hint_timeout(struct vg_error *err);

/* --- quoted.c --------------------------------------------------------------------------------- */
/* Takes out of a message of this SQLSTATE what may be the value of a row; is_cut: the end of the
 * message is missing. */
void vg_pg_hide_values(const char *sqlstate, char *text, bool is_cut);

/* --- pg_connect.c ----------------------------------------------------------------------------- */
/* A new connection, ready for statements. password_file may be NULL. */
int vg_pg_connect(const char *conninfo, const char *password_file, const struct vg_pg_wait *wait,
                  struct pg_conn **out, struct vg_error *err);

/* --- pg_exec.c -------------------------------------------------------------------------------- */
/* Sends a statement and sees to the timeout on the server; results are for the caller to read. */
int vg_pg_send(struct vg_session *session, const struct vg_pg_statement *statement,
               struct vg_error *err);
/* The next result, NULL after the last one; to be cleared. Its status is for the caller to judge.
 */
int vg_pg_next(struct vg_session *session, const struct vg_pg_wait *wait, struct pg_result **out,
               struct vg_error *err);
/* 0: rows or a completed command. -1: the server's fault, in err. 1: a COPY, which has to be
 * abandoned, also in err. */
int vg_pg_judge(const struct vg_session *session, const struct pg_result *result,
                struct vg_error *err);
/* Sends a statement and waits for its end. *out: its rows, to be cleared, or NULL. */
int vg_pg_exec(struct vg_session *session, const struct vg_pg_statement *statement,
               struct pg_result **out, struct vg_error *err);
/* After an error the server has reported: back to the savepoint, so that the session goes on in
 * the same snapshot. */
void vg_pg_recover(struct vg_session *session);
/* Ends a running statement: cancels, and drains what is still coming. The session is then good for
 * closing only. */
void vg_pg_abandon(struct vg_session *session);

/* --- slots.c ---------------------------------------------------------------------------------- */
int vg_pg_slots_init(struct vg_pg_slots *slots); /* 0 or -1 */
void vg_pg_slots_free(struct vg_pg_slots *slots);
/* Waits until fewer than `most` (0: any number) sessions of this name are open, and counts one
 * more. VG_E_TIMEOUT with a hint, VG_E_CANCELLED, VG_E_MEMORY. */
int vg_pg_slot_enter(struct vg_pg_slots *slots, const char *name, int64_t most,
                     const struct vg_pg_wait *wait, struct vg_pg_slot **out, struct vg_error *err);
void vg_pg_slot_leave(struct vg_pg_slots *slots, struct vg_pg_slot *slot); /* NULL is fine */

/* --- replica.c -------------------------------------------------------------------------------- */
/* VG_E_BLIND when the server is a standby that is, or may be, further behind than max_lag_us. */
int vg_pg_replica_check(struct vg_session *session, int64_t max_lag_us, struct vg_error *err);

/* --- pg_begin.c ------------------------------------------------------------------------------- */
/* Begins the transaction and its settings in one round trip. */
int vg_pg_begin(struct vg_session *session, struct vg_error *err);
/* Ends it. Whether the connection may serve another session. */
bool vg_pg_end(struct vg_session *session);

/* --- pg.c ------------------------------------------------------------------------------------- */
/* A session on a new connection, without any transaction; closed as every session is. */
int vg_pg_dial(struct vg_source *self, const char *connection,
               const struct vg_limits_of_session *limits, struct vg_session **out,
               struct vg_error *err);

/* --- the operations of ports.h ---------------------------------------------------------------- */
int vg_pg_catalog(struct vg_session *session, const char *table, struct vg_arena *arena,
                  const struct vg_catalog **out, struct vg_error *err);
int vg_pg_scan(struct vg_session *session, const struct vg_query *query,
               int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
               void *arg, struct vg_error *err);
int vg_pg_rows(struct vg_session *session, const char *sql, const char *const *params,
               size_t nparams, struct vg_arena *arena, struct vg_rows *out, struct vg_error *err);
int vg_pg_ask(struct vg_session *session, const char *sql, int64_t timeout_us,
              struct vg_arena *arena, struct vg_rows *out, struct vg_error *err);

int vg_pg_write_begin(struct vg_source *self, const char *connection,
                      const struct vg_limits_of_session *limits, int64_t idle_us,
                      struct vg_session **out, struct vg_error *err);
int vg_pg_write(struct vg_session *session, const char *sql, const char *const *params,
                size_t nparams, uint64_t *changed, struct vg_error *err);
int vg_pg_write_commit(struct vg_session *session, struct vg_error *err);

int vg_pg_describe(struct vg_session *session, const char *select, struct vg_arena *arena,
                   struct vg_described **out, size_t *n, struct vg_error *err);

#endif
