/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The source: a table of connections by name, a few idle ones of each for reuse, and the opening
 * and closing of sessions. The mutex guards table and idle list; nothing that blocks on a server is
 * done while it is held. */
#include "agent/pg/pg.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/session.h"
#include "pgvigil/log.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

enum { IDLE_PER_NAME = 2 };

struct target {
    char *name, *conninfo, *password_file; /* the last may be NULL */
    uint64_t version;                      /* another one whenever the target has changed */
    int64_t max_connections, max_lag_us;   /* 0: no limit */
};

struct idle {
    char *name;
    PGconn *conn;
};

struct pg_source {
    struct vg_source port;
    pthread_mutex_t mutex;
    struct vg_pg_slots slots; /* sessions that are open, by name */
    struct target *targets;
    size_t ntargets;
    uint64_t version; /* the newest of the targets' */
    struct idle *idle;
    size_t nidle, idle_size;
};

static void free_targets(struct target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(targets[i].name);
        if (targets[i].conninfo)
            explicit_bzero(targets[i].conninfo, strlen(targets[i].conninfo));
        free(targets[i].conninfo);
        free(targets[i].password_file);
    }
    free(targets);
}

/* 0, or -1 when out of memory. */
static int copy_target(const struct target *from, struct target *out)
{
    const char *password_file = from->password_file;
    out->name = strdup(from->name);
    out->conninfo = strdup(from->conninfo);
    out->password_file = password_file ? strdup(password_file) : NULL;
    out->version = from->version;
    out->max_connections = from->max_connections;
    out->max_lag_us = from->max_lag_us;
    return out->name && out->conninfo && (out->password_file || !password_file) ? 0 : -1;
}

static struct target *copy_targets(const struct vg_config *config)
{
    struct target *targets = vg_array(config->nconnections + 1, sizeof *targets);
    for (size_t i = 0; targets && i < config->nconnections; i++) {
        const struct vg_connection *from = &config->connections[i];
        const struct target as = {
            .name = (char *)(uintptr_t)from->name,
            .conninfo = (char *)(uintptr_t)from->conninfo,
            .password_file = (char *)(uintptr_t)from->password_file,
            .max_connections = from->max_connections,
            .max_lag_us = from->max_replica_lag_us,
        };
        if (copy_target(&as, &targets[i]) != 0) {
            free_targets(targets, config->nconnections);
            return NULL;
        }
    }
    return targets;
}

static const struct target *find_target(const struct target *targets, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (vg_streq(targets[i].name, name))
            return &targets[i];
    return NULL;
}

/* Takes an idle connection of this name off the list; NULL when there is none. */
static PGconn *take_idle(struct pg_source *source, const char *name)
{
    PGconn *conn = NULL;
    pthread_mutex_lock(&source->mutex);
    for (size_t i = source->nidle; i-- > 0 && !conn;) {
        if (!vg_streq(source->idle[i].name, name))
            continue;
        conn = source->idle[i].conn;
        free(source->idle[i].name);
        source->idle[i] = source->idle[--source->nidle];
    }
    pthread_mutex_unlock(&source->mutex);
    return conn;
}

/* Puts a session's connection on the list and takes over its name and conn, or refuses: there are
 * enough, or its name has come to mean something else. */
static bool keep_idle(struct pg_source *source, struct vg_session *session)
{
    size_t same = 0;
    pthread_mutex_lock(&source->mutex);
    for (size_t i = 0; i < source->nidle; i++)
        same += vg_streq(source->idle[i].name, session->name);
    const struct target *target = find_target(source->targets, source->ntargets, session->name);
    bool kept = target && target->version == session->version && same < IDLE_PER_NAME &&
                vg_grow((void **)&source->idle, &source->idle_size, source->nidle + 1,
                        sizeof *source->idle) == 0;
    if (kept)
        source->idle[source->nidle++] = (struct idle){session->name, session->conn};
    pthread_mutex_unlock(&source->mutex);
    return kept;
}

/* An idle server has nothing to say; what can be read is its farewell. */
static bool is_alive(PGconn *conn)
{
    struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};
    return PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE &&
           poll(&p, 1, 0) == 0;
}

/* A connection that was kept, with a transaction begun on it; false when there is none that works.
 */
static bool reuse_connection(struct pg_source *source, struct vg_session *session)
{
    struct vg_error ignored;
    PGconn *conn;
    while ((conn = take_idle(source, session->name))) {
        session->conn = conn;
        if (is_alive(conn) && vg_pg_begin(session, &ignored) == 0)
            return true;
        PQfinish(conn);
        session->conn = NULL;
    }
    return false;
}

static int copy_target_of(struct pg_source *source, const char *name, struct target *out,
                          struct vg_error *err)
{
    pthread_mutex_lock(&source->mutex);
    const struct target *found = find_target(source->targets, source->ntargets, name);
    int rc = found ? copy_target(found, out) : 1;
    pthread_mutex_unlock(&source->mutex);
    if (rc > 0)
        return vg_fail(err, VG_E_CONFIG, "there is no connection named \"%s\"", name);
    return rc == 0 ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory for a connection");
}

static void close_session(struct vg_session *session)
{
    if (!session)
        return;
    struct pg_source *source = (struct pg_source *)session->source;
    struct vg_pg_slot *slot = session->slot;
    bool reusable = vg_pg_end(session);
    if (!reusable || !keep_idle(source, session)) {
        PQfinish(session->conn);
        free(session->name);
    }
    free(session);
    vg_pg_slot_leave(&source->slots, slot); /* the server has one less, or an idle one to reuse */
}

/* Those that are kept count, where the server is to see no more than the limit. */
static void close_idle(struct pg_source *source, const char *name)
{
    PGconn *conn;
    while ((conn = take_idle(source, name)))
        PQfinish(conn);
}

static int connect_session(struct vg_session *session, const struct target *target,
                           struct vg_error *err)
{
    struct vg_pg_wait wait = vg_pg_wait_for(session->timeout_us, session->stop);
    return vg_pg_connect(target->conninfo, target->password_file, &wait, &session->conn, err);
}

/* A snapshot, on a connection that may have been used before. */
static int begin_reading(struct pg_source *source, struct vg_session *session,
                         const struct target *target, struct vg_error *err)
{
    if (!reuse_connection(source, session) &&
        (connect_session(session, target, err) != 0 || vg_pg_begin(session, err) != 0))
        return -1;
    return target->max_lag_us ? vg_pg_replica_check(session, target->max_lag_us, err) : 0;
}

static int enter_slot(struct pg_source *source, struct vg_session *session, int64_t most,
                      struct vg_error *err)
{
    struct vg_pg_wait wait = vg_pg_wait_for(session->timeout_us, session->stop);
    return vg_pg_slot_enter(&source->slots, session->name, most, &wait, &session->slot, err);
}

/* To read: with a snapshot. Else a new connection, and no transaction yet. */
static int open_any(struct vg_source *self, const char *connection,
                    const struct vg_limits_of_session *limits, bool reads, struct vg_session **out,
                    struct vg_error *err)
{
    struct pg_source *source = (struct pg_source *)self;
    struct target target = {0};
    int rc = -1;
    struct vg_session *session = calloc(1, sizeof *session);
    if (!session || !(session->name = strdup(connection))) {
        vg_fail(err, VG_E_MEMORY, "out of memory for a session");
        goto out;
    }
    session->source = self;
    session->timeout_us = limits->timeout_us;
    session->stop = limits->stop;
    rc = copy_target_of(source, connection, &target, err);
    session->version = target.version;
    if (rc == 0)
        rc = enter_slot(source, session, target.max_connections, err);
    if (rc == 0 && !reads && target.max_connections)
        close_idle(source, session->name);
    if (rc == 0)
        rc = reads ? begin_reading(source, session, &target, err)
                   : connect_session(session, &target, err);
    if (rc != 0) {
        vg_where(err, "connection %s", connection);
        goto out;
    }
    *out = session;
    session = NULL;
out:
    if (session) {
        PQfinish(session->conn);
        free(session->name);
        vg_pg_slot_leave(&source->slots, session->slot);
        free(session);
    }
    free(target.name);
    if (target.conninfo)
        explicit_bzero(target.conninfo, strlen(target.conninfo));
    free(target.conninfo);
    free(target.password_file);
    return rc;
}

static int open_session(struct vg_source *self, const char *connection,
                        const struct vg_limits_of_session *limits, struct vg_session **out,
                        struct vg_error *err)
{
    return open_any(self, connection, limits, true, out, err);
}

int vg_pg_dial(struct vg_source *self, const char *connection,
               const struct vg_limits_of_session *limits, struct vg_session **out,
               struct vg_error *err)
{
    return open_any(self, connection, limits, false, out, err);
}

/* Gives a target that is as it was its old version, any other a new one. */
static void set_versions(struct pg_source *source, struct target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct target *is = &targets[i];
        const struct target *was = find_target(source->targets, source->ntargets, is->name);
        bool same = was && vg_streq(was->conninfo, is->conninfo) &&
                    vg_streq(was->password_file, is->password_file);
        is->version = same ? was->version : ++source->version;
    }
}

/* Closes the idle connections whose target `targets` does not have in the same version. */
static void close_changed(struct pg_source *source, const struct target *targets, size_t n)
{
    for (size_t i = source->nidle; i-- > 0;) {
        struct idle *idle = &source->idle[i];
        const struct target *was = find_target(source->targets, source->ntargets, idle->name);
        const struct target *is = find_target(targets, n, idle->name);
        if (was && is && was->version == is->version)
            continue;
        PQfinish(idle->conn);
        free(idle->name);
        source->idle[i] = source->idle[--source->nidle];
    }
}

void vg_pg_source_reload(struct vg_source *source, const struct vg_config *config)
{
    struct pg_source *self = (struct pg_source *)source;
    struct target *targets = copy_targets(config);
    if (!targets) {
        vg_log(VG_LOG_ERROR, "connections not reloaded", "reason", "out of memory", NULL);
        return;
    }
    pthread_mutex_lock(&self->mutex);
    set_versions(self, targets, config->nconnections);
    close_changed(self, targets, config->nconnections);
    struct target *old = self->targets;
    size_t nold = self->ntargets;
    self->targets = targets;
    self->ntargets = config->nconnections;
    pthread_mutex_unlock(&self->mutex);
    free_targets(old, nold);
}

static void free_source(struct vg_source *self)
{
    if (!self)
        return;
    struct pg_source *source = (struct pg_source *)self;
    close_changed(source, NULL, 0);
    free(source->idle);
    free_targets(source->targets, source->ntargets);
    vg_pg_slots_free(&source->slots);
    pthread_mutex_destroy(&source->mutex);
    free(source);
}

static const struct vg_source_ops pg_ops = {
    .open = open_session,
    .catalog = vg_pg_catalog,
    .scan = vg_pg_scan,
    .rows = vg_pg_rows,
    .ask = vg_pg_ask,
    .close = close_session,
    .free = free_source,
    .describe = vg_pg_describe,
    .begin = vg_pg_write_begin,
    .write = vg_pg_write,
    .commit = vg_pg_write_commit,
};

int vg_pg_source_new(const struct vg_config *config, struct vg_source **out, struct vg_error *err)
{
    struct pg_source *source = calloc(1, sizeof *source);
    if (!source)
        return vg_fail(err, VG_E_MEMORY, "out of memory for the source");
    source->port.ops = &pg_ops;
    source->ntargets = config->nconnections;
    source->targets = copy_targets(config);
    bool fine = source->targets && vg_pg_slots_init(&source->slots) == 0;
    if (!fine || pthread_mutex_init(&source->mutex, NULL) != 0) {
        if (fine)
            vg_pg_slots_free(&source->slots);
        free_targets(source->targets, source->targets ? source->ntargets : 0);
        free(source);
        return vg_fail(err, VG_E_MEMORY, "out of memory for the source");
    }
    set_versions(source, source->targets, source->ntargets);
    *out = &source->port;
    return 0;
}
