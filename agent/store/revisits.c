/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows that are to be read again, with their checksums, and tables that stand still.
 *
 * Owns the tables `checked_window`, whose rows go with the last revisit, and `standstill`. Knows
 * nothing of what checksums and texts say.
 */
#include "agent/store/inner.h"

static void read_checked(struct vg_sql_row *row, void *item)
{
    struct vg_checked *checked = item;
    size_t size;
    checked->window = vg_row_window(row);
    checked->checked_us = vg_row_int(row);
    checked->read_us = vg_row_int(row);
    checked->next_us = vg_row_int(row);
    checked->failures = (int)vg_row_int(row);
    const void *body = vg_row_blob(row, &size);
    char *copy = vg_arena_alloc(row->arena, size + 1);
    checked->body = copy;
    checked->size = copy ? size : 0;
    if (copy && size)
        memcpy(copy, body, size);
}

int vg_store_checked_put(struct vg_store *store, const char *dataset, const struct vg_checked *row,
                         struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO checked_window (dataset, start_us, end_us, repeated, checked_us, read_us,"
        " next_us, failures, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (dataset, start_us) DO UPDATE SET end_us = excluded.end_us,"
        " repeated = excluded.repeated, checked_us = excluded.checked_us,"
        " read_us = excluded.read_us, next_us = excluded.next_us, failures = excluded.failures,"
        " body = excluded.body";
    if (!row->next_us)
        return vg_sql_run(store,
                          &VG_SQL("DELETE FROM checked_window WHERE dataset = $1 AND start_us = $2",
                                  vg_p_text(dataset), vg_p_int(row->window.start_us)),
                          err);
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(dataset), vg_p_int(row->window.start_us), vg_p_int(row->window.end_us),
        vg_p_int(row->window.repeated), vg_p_int(row->checked_us), vg_p_int(row->read_us),
        vg_p_int(row->next_us), vg_p_int(row->failures), vg_p_blob(row->body, row->size));
    return vg_sql_run(store, &sql, err);
}

int vg_store_checked_due(struct vg_store *store, const char *dataset, int64_t now_us,
                         struct vg_arena *arena, struct vg_checked *out, bool *found,
                         struct vg_error *err)
{
    static const char text[] =
        "SELECT start_us, end_us, repeated, checked_us, read_us, next_us, failures, body"
        " FROM checked_window WHERE dataset = $1 AND next_us <= $2"
        " ORDER BY next_us, start_us LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_checked, arena};
    int rc = vg_sql_one(store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(now_us)), &shape, out,
                        found, err);
    if (rc == 0 && *found && !out->body)
        rc = vg_fail(err, VG_E_MEMORY, "out of memory");
    return rc;
}

int vg_store_checked_next(struct vg_store *store, const char *dataset, int64_t *next_us,
                          struct vg_error *err)
{
    static const char text[] =
        "SELECT coalesce(min(next_us), 0) FROM checked_window WHERE dataset = $1";
    *next_us = 0;
    return vg_sql_int(store, &VG_SQL(text, vg_p_text(dataset)), next_us, err);
}

struct standstill {
    const char *body;
    int64_t since_us;
};

static void read_standstill(struct vg_sql_row *row, void *item)
{
    struct standstill *standstill = item;
    standstill->body = vg_row_text(row);
    standstill->since_us = vg_row_int(row);
}

int vg_store_standstill(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                        const char **out, int64_t *since_us, struct vg_error *err)
{
    struct standstill standstill = {0};
    const struct vg_sql_shape shape = {sizeof standstill, read_standstill, arena};
    bool found;
    int rc = vg_sql_one(
        store,
        &VG_SQL("SELECT body, since_us FROM standstill WHERE dataset = $1", vg_p_text(dataset)),
        &shape, &standstill, &found, err);
    *out = standstill.body;
    *since_us = standstill.since_us;
    return rc;
}

int vg_store_standstill_put(struct vg_store *store, const char *dataset, const char *text,
                            int64_t now_us, struct vg_error *err)
{
    static const char upsert[] =
        "INSERT INTO standstill (dataset, body, since_us) VALUES ($1, $2, $3)"
        " ON CONFLICT (dataset) DO UPDATE SET body = excluded.body, since_us = excluded.since_us"
        " WHERE standstill.body <> excluded.body";
    if (!text)
        return vg_sql_run(
            store, &VG_SQL("DELETE FROM standstill WHERE dataset = $1", vg_p_text(dataset)), err);
    return vg_sql_run(store, &VG_SQL(upsert, vg_p_text(dataset), vg_p_text(text), vg_p_int(now_us)),
                      err);
}
