/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the budget has learnt from a reference, and the new values it has told of.
 *
 * Owns the tables `calibration`, `calibration_part` and `told_value`; all go with their version of
 * the reference. A calibration becomes complete in one transaction, in which those before it go, so
 * that a reader finds a whole one or none. Knows nothing of what is in the blobs.
 */
#include "agent/store/inner.h"

int vg_store_calibration_begin(struct vg_store *store, int64_t version, const char *inputs,
                               int64_t now_us, int64_t *id, struct vg_error *err)
{
    struct vg_scope scope;
    *id = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_sql_run(
        store,
        &VG_SQL("DELETE FROM calibration WHERE version = $1 AND body IS NULL", vg_p_int(version)),
        err);
    if (rc == 0)
        rc = vg_sql_made(store,
                         &VG_SQL("INSERT INTO calibration (version, inputs, at_us)"
                                 " VALUES ($1, $2, $3) RETURNING id",
                                 vg_p_int(version), vg_p_text(inputs), vg_p_int(now_us)),
                         id, err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_calibration_part(struct vg_store *store, int64_t id, const char *column,
                              const void *body, size_t size, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO calibration_part (calibration, column_name, body) VALUES ($1, $2, $3)"
        " ON CONFLICT (calibration, column_name) DO UPDATE SET body = excluded.body";
    struct vg_scope scope;
    if (vg_scope_enter_hurried(store, &scope, err) < 0)
        return -1;
    int rc = vg_sql_run(store,
                        &VG_SQL(text, vg_p_int(id), vg_p_text(column), vg_p_blob(body, size)), err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_calibration_done(struct vg_store *store, int64_t id, const void *body, size_t size,
                              struct vg_error *err)
{
    struct vg_scope scope;
    int64_t changed = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_sql_change(store,
                           &VG_SQL("UPDATE calibration SET body = $1 WHERE id = $2",
                                   vg_p_blob(body, size), vg_p_int(id)),
                           &changed, err);
    if (rc == 0 && !changed)
        rc = vg_fail(err, VG_E_NOT_FOUND, "the reference was dropped while it was calibrated");
    if (rc == 0)
        rc = vg_sql_run(store,
                        &VG_SQL("DELETE FROM calibration WHERE id <> $1 AND version ="
                                " (SELECT version FROM calibration WHERE id = $1)",
                                vg_p_int(id)),
                        err);
    return vg_scope_leave(store, &scope, rc, err);
}

/* A copy in the arena. */
static const void *copy_blob(struct vg_sql_row *row, size_t *size)
{
    const void *body = vg_row_blob(row, size);
    void *copy = body ? vg_arena_alloc(row->arena, *size + 1) : NULL;
    if (copy) {
        memcpy(copy, body, *size);
    } else if (body && !row->failed) {
        row->failed = true;
        vg_fail(row->err, VG_E_MEMORY, "out of memory");
    }
    return copy;
}

static void read_calibration(struct vg_sql_row *row, void *item)
{
    struct vg_calibration *out = item;
    out->id = vg_row_int(row);
    out->at_us = vg_row_int(row);
    out->inputs = vg_row_text(row);
    out->body = copy_blob(row, &out->size);
}

int vg_store_calibration(struct vg_store *store, int64_t version, struct vg_arena *arena,
                         struct vg_calibration *out, bool *found, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_calibration, arena};
    return vg_sql_one(store,
                      &VG_SQL("SELECT id, at_us, inputs, body FROM calibration"
                              " WHERE version = $1 AND body IS NOT NULL ORDER BY id DESC LIMIT 1",
                              vg_p_int(version)),
                      &shape, out, found, err);
}

static void read_part(struct vg_sql_row *row, void *item)
{
    struct vg_calibration *out = item;
    out->body = copy_blob(row, &out->size);
}

int vg_store_calibration_column(struct vg_store *store, int64_t id, const char *column,
                                struct vg_arena *arena, const void **body, size_t *size,
                                struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof(struct vg_calibration), read_part, arena};
    struct vg_calibration part = {0};
    bool found;
    int rc = vg_sql_one(store,
                        &VG_SQL("SELECT body FROM calibration_part"
                                " WHERE calibration = $1 AND column_name = $2",
                                vg_p_int(id), vg_p_text(column)),
                        &shape, &part, &found, err);
    *body = part.body;
    *size = part.size;
    return rc;
}

/* --- New values, each told once --------------------------------------------------------------- */

int vg_store_told_put(struct vg_store *store, int64_t version, const char *column, uint64_t hash,
                      int64_t now_us, struct vg_error *err)
{
    return vg_sql_run(store,
                      &VG_SQL("INSERT INTO told_value (version, column_name, hash, at_us)"
                              " VALUES ($1, $2, $3, $4)"
                              " ON CONFLICT (version, column_name, hash) DO NOTHING",
                              vg_p_int(version), vg_p_text(column), vg_p_int((int64_t)hash),
                              vg_p_int(now_us)),
                      err);
}

static void read_hash(struct vg_sql_row *row, void *item)
{
    *(uint64_t *)item = (uint64_t)vg_row_int(row);
}

int vg_store_told(struct vg_store *store, int64_t version, const char *column,
                  struct vg_arena *arena, uint64_t **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof(uint64_t), read_hash, arena};
    void *items;
    int rc = vg_sql_list(store,
                         &VG_SQL("SELECT hash FROM told_value"
                                 " WHERE version = $1 AND column_name = $2",
                                 vg_p_int(version), vg_p_text(column)),
                         &shape, &items, n, err);
    *out = items;
    return rc;
}
