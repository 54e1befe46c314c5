/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands ask of the daemon, the last good rule files, and the groups on the Pushgateway.
 *
 * Owns `control`, `rule_file` and `pushed`. A command inserts a row and waits for its answer; only
 * the daemon acts.
 */
#include "agent/store/inner.h"

/* --- Control --------------------------------------------------------------------------- */

int vg_store_control_put(struct vg_store *store, const struct vg_control *row, int64_t *id,
                         struct vg_error *err)
{
    static const char text[] = "INSERT INTO control (verb, argument, given_by, at_us)"
                               " VALUES ($1, $2, $3, $4) RETURNING id";
    const struct vg_sql sql = VG_SQL(text, vg_p_text(row->verb), vg_p_text(row->argument),
                                     vg_p_text(row->by), vg_p_int(row->at_us));
    struct vg_scope scope;
    int64_t made = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_scope_leave(store, &scope, vg_sql_made(store, &sql, &made, err), err);
    if (id)
        *id = made;
    return rc;
}

static void read_control(struct vg_sql_row *row, void *item)
{
    struct vg_control *control = item;
    control->id = vg_row_int(row);
    control->verb = vg_row_text(row);
    control->argument = vg_row_text(row);
    control->by = vg_row_text(row);
    control->at_us = vg_row_int(row);
}

int vg_store_control_pending(struct vg_store *store, struct vg_arena *arena,
                             struct vg_control **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT id, verb, argument, given_by, at_us FROM control"
                               " WHERE done_us IS NULL ORDER BY id";
    const struct vg_sql_shape shape = {sizeof **out, read_control, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL_PLAIN(text), &shape, &items, n, err);
    *out = items;
    return rc;
}

static int fail_missing(int64_t id, struct vg_error *err)
{
    return vg_fail(err, VG_E_NOT_FOUND, "there is no control row %lld", (long long)id);
}

int vg_store_control_done(struct vg_store *store, int64_t id, const char *answer, int64_t now_us,
                          struct vg_error *err)
{
    const struct vg_sql sql =
        VG_SQL("UPDATE control SET answer = $1, done_us = $2 WHERE id = $3",
               vg_p_text(answer ? answer : ""), vg_p_int(now_us), vg_p_int(id));
    int64_t changed = 0;
    if (vg_sql_change(store, &sql, &changed, err) < 0)
        return -1;
    return changed ? 0 : fail_missing(id, err);
}

static void read_text(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

int vg_store_control_answer(struct vg_store *store, int64_t id, struct vg_arena *arena,
                            const char **out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_text, arena};
    bool found;
    if (vg_sql_one(store, &VG_SQL("SELECT answer FROM control WHERE id = $1", vg_p_int(id)), &shape,
                   out, &found, err) < 0)
        return -1;
    return found ? 0 : fail_missing(id, err);
}

/* --- Rule files ------------------------------------------------------------------------ */

int vg_store_file_put(struct vg_store *store, const char *path, const char *text, int64_t now_us,
                      struct vg_error *err)
{
    /* A file that is loaded again unchanged costs no write. */
    static const char upsert[] = "INSERT INTO rule_file (path, body, at_us) VALUES ($1, $2, $3)"
                                 " ON CONFLICT (path) DO UPDATE SET body = excluded.body,"
                                 " at_us = excluded.at_us WHERE rule_file.body <> excluded.body";
    return vg_sql_run(store, &VG_SQL(upsert, vg_p_text(path), vg_p_text(text), vg_p_int(now_us)),
                      err);
}

int vg_store_file(struct vg_store *store, const char *path, struct vg_arena *arena,
                  const char **out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_text, arena};
    bool found;
    return vg_sql_one(store, &VG_SQL("SELECT body FROM rule_file WHERE path = $1", vg_p_text(path)),
                      &shape, out, &found, err);
}

int vg_store_file_delete(struct vg_store *store, const char *path, struct vg_error *err)
{
    return vg_sql_run(store, &VG_SQL("DELETE FROM rule_file WHERE path = $1", vg_p_text(path)),
                      err);
}

int vg_store_files(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                   struct vg_error *err)
{
    return vg_sql_strings(store, &VG_SQL_PLAIN("SELECT path FROM rule_file ORDER BY path"), arena,
                          out, err);
}

/* --- Groups on the Pushgateway --------------------------------------------------------- */

int vg_store_pushed_put(struct vg_store *store, const char *dataset, const char *url,
                        struct vg_error *err)
{
    static const char text[] = "INSERT INTO pushed (dataset, url) VALUES ($1, $2)"
                               " ON CONFLICT (dataset) DO UPDATE SET url = excluded.url"
                               " WHERE pushed.url <> excluded.url";
    return vg_sql_run(store, &VG_SQL(text, vg_p_text(dataset), vg_p_text(url)), err);
}

static void read_pushed(struct vg_sql_row *row, void *item)
{
    struct vg_pushed *pushed = item;
    pushed->dataset = vg_row_text(row);
    pushed->url = vg_row_text(row);
}

int vg_store_pushed(struct vg_store *store, struct vg_arena *arena, struct vg_pushed **out,
                    size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_pushed, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL_PLAIN("SELECT dataset, url FROM pushed ORDER BY dataset"),
                         &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_pushed_delete(struct vg_store *store, const char *dataset, struct vg_error *err)
{
    return vg_sql_run(store, &VG_SQL("DELETE FROM pushed WHERE dataset = $1", vg_p_text(dataset)),
                      err);
}
