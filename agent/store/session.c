/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store's lock and its transactions.
 *
 * One connection, one recursive mutex, held from begin to commit or rollback. A statement that
 * fails makes the transaction one that can only be rolled back, so nothing half done is committed.
 * After an I/O error the connection is closed, as the outcome is unknown, and the next call opens
 * it again.
 */
#include "agent/store/inner.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

static void lock_store(struct vg_store *store)
{
    if (pthread_mutex_lock(&store->mutex) != 0)
        BUG("the store's mutex cannot be locked");
    store->depth++;
}

/* The files are looked at behind the last lock, so that nobody waits for who waits for them. */
static void unlock_store(struct vg_store *store)
{
    bool last = --store->depth == 0;
    if (pthread_mutex_unlock(&store->mutex) != 0)
        BUG("the store's mutex is not held");
    if (last)
        vg_health_look(store);
}

/* Outside transactions only: draws the conclusion from what the driver noticed. */
static void heal(struct vg_store *store)
{
    if (!store->db || store->db->trouble == VG_DB_FINE)
        return;
    enum vg_db_trouble trouble = store->db->trouble;
    store->db->trouble = VG_DB_FINE;
    if (trouble == VG_DB_FULL) {
        if (store->mode == VG_STORE_DAEMON && vg_ballast_free(store->path))
            vg_log(VG_LOG_ERROR, "disk full: the ballast beside the state store has been freed",
                   "path", store->path, NULL);
        if (store->mode == VG_STORE_DAEMON)
            store->db->ops->spare(store->db, true);
        store->sparing = true;
        return;
    }
    if (trouble == VG_DB_DAMAGED)
        store->doubt = VG_DOUBT_GRAVE;
    store->db->ops->close(store->db);
    store->db = NULL;
}

void vg_store_relax(struct vg_store *store)
{
    lock_store(store);
    if (store->sparing && store->db && !store->in_transaction) {
        store->db->ops->spare(store->db, false);
        store->sparing = false;
    }
    unlock_store(store);
}

static int connect_store(struct vg_store *store, struct vg_error *err)
{
    struct vg_error local = {0};
    if (vg_store_connect(store, &local) == 0)
        return 0;
    vg_health_failed(store, &local);
    if (err)
        *err = local;
    return -1;
}

int vg_call_enter(struct vg_store *store, struct vg_error *err)
{
    lock_store(store);
    store->writing = false;
    if (store->in_transaction && store->failed) {
        vg_fail(err, store->first.code, "the transaction has failed already: %s", store->first.msg);
    } else if (store->db || connect_store(store, err) == 0) {
        return 0;
    }
    unlock_store(store);
    return -1;
}

/* Outside transactions: what has been written since the last time is stored. */
static void judge_writes(struct vg_store *store, int rc, const struct vg_error *err)
{
    if (rc < 0 && store->writing)
        vg_health_failed(store, err);
    else if (rc == 0 && store->writes != store->judged_writes)
        vg_health_wrote(store);
    store->judged_writes = store->writes;
}

/* A back end may have undone all of a transaction in which a statement failed. */
static void spoil(struct vg_store *store, const struct vg_error *err)
{
    if (!store->in_transaction || store->failed)
        return;
    store->failed = true;
    store->failed_writing = store->writing;
    if (err)
        store->first = *err;
    else
        vg_fail(&store->first, VG_E_INTERNAL, "a statement failed");
}

int vg_call_leave(struct vg_store *store, int rc, const struct vg_error *err)
{
    if (rc < 0)
        spoil(store, err);
    if (!store->in_transaction) {
        judge_writes(store, rc, err);
        heal(store);
    }
    unlock_store(store);
    return rc;
}

static int open_transaction(struct vg_store *store, enum vg_db_begin kind, struct vg_error *err)
{
    store->writing = kind == VG_DB_WRITE;
    if (store->db->ops->begin(store->db, kind, err) < 0)
        return -1;
    store->in_transaction = true;
    store->reads_only = kind == VG_DB_READ;
    store->failed = false;
    return 0;
}

static void end_transaction(struct vg_store *store)
{
    store->db->ops->rollback(store->db);
    if (store->failed && store->failed_writing)
        vg_health_failed(store, &store->first);
    store->judged_writes = store->writes;
    store->in_transaction = false;
    store->failed = false;
    heal(store);
}

static int commit_transaction(struct vg_store *store, struct vg_error *err)
{
    struct vg_error local = {0};
    int rc;
    if (store->failed)
        rc = vg_fail(&local, store->first.code, "nothing was committed: %s", store->first.msg);
    else
        rc = store->db->ops->commit(store->db, &local);
    store->writing = !store->reads_only && !(store->failed && !store->failed_writing);
    judge_writes(store, rc, &local);
    end_transaction(store);
    if (rc < 0 && err)
        *err = local;
    return rc;
}

int vg_store_begin(struct vg_store *store, const struct vg_claim *claim, struct vg_error *err)
{
    (void)claim; /* the flock makes this process the only owner; a shared back end compares it */
    if (vg_call_enter(store, err) < 0)
        return -1;
    int rc = store->in_transaction
                 ? vg_fail(err, VG_E_INTERNAL, "a transaction of the state store is already open")
                 : open_transaction(store, VG_DB_WRITE, err);
    if (rc < 0)
        return vg_call_leave(store, rc, err);
    return 0; /* still locked */
}

int vg_store_commit(struct vg_store *store, struct vg_error *err)
{
    lock_store(store);
    if (!store->in_transaction) {
        unlock_store(store);
        return vg_fail(err, VG_E_INTERNAL, "no transaction of the state store is open");
    }
    vg_failpoint("committing");
    int rc = commit_transaction(store, err);
    vg_failpoint("committed");
    unlock_store(store);
    unlock_store(store);
    return rc;
}

void vg_store_rollback(struct vg_store *store)
{
    lock_store(store);
    if (store->in_transaction) {
        end_transaction(store);
        unlock_store(store);
    }
    unlock_store(store);
}

int vg_scope_enter(struct vg_store *store, enum vg_db_begin kind, struct vg_scope *scope,
                   struct vg_error *err)
{
    if (vg_call_enter(store, err) < 0)
        return -1;
    *scope = (struct vg_scope){.writes = store->writes};
    if (store->in_transaction)
        return 0;
    if (open_transaction(store, kind, err) < 0)
        return vg_call_leave(store, -1, err);
    scope->own = true;
    return 0;
}

int vg_scope_enter_hurried(struct vg_store *store, struct vg_scope *scope, struct vg_error *err)
{
    if (vg_call_enter(store, err) < 0)
        return -1;
    *scope = (struct vg_scope){.writes = store->writes};
    if (store->in_transaction)
        return 0;
    const struct vg_db_ops *ops = store->db->ops;
    if (ops->durable(store->db, false, err) < 0)
        return vg_call_leave(store, -1, err);
    if (open_transaction(store, VG_DB_WRITE, err) < 0) {
        ops->durable(store->db, true, NULL);
        return vg_call_leave(store, -1, err);
    }
    scope->own = scope->hurried = true;
    return 0;
}

int vg_scope_leave(struct vg_store *store, const struct vg_scope *scope, int rc,
                   struct vg_error *err)
{
    if (!scope->own) {
        if (rc < 0 && store->writes != scope->writes)
            spoil(store, err);
        unlock_store(store);
        return rc;
    }
    if (rc < 0)
        end_transaction(store);
    else
        rc = commit_transaction(store, err);
    /* A connection that was closed meanwhile begins durable again. */
    if (scope->hurried && store->db && store->db->ops->durable(store->db, true, err) < 0)
        rc = -1;
    return vg_call_leave(store, rc, err);
}
