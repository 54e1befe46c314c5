/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References being captured, put in use and dropped.
 *
 * Owns the life of a version: capturing, then complete or failed; complete ones never change again.
 * At most one version of a dataset is active. Rows of a capture are written hurriedly, as a capture
 * that a crash ends is thrown away; what completes it is written to last, and that makes all of it
 * last.
 */
#include "agent/store/inner.h"

enum { BODY_MAX = 64 << 20 };
enum state { CAPTURING, COMPLETE, FAILED };

int vg_store_reference_begin(struct vg_store *store, const char *dataset,
                             const struct vg_reference *meta, int64_t *version,
                             struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference (dataset, spec, from_us, to_us, base_us, captured_us, row_count,"
        " resolution, columns, windows, state, active, structure)"
        " VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, 0, 0, 0, $8) RETURNING version";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(dataset), vg_p_text(meta->spec ? meta->spec : ""),
               vg_p_int(meta->from_us), vg_p_int(meta->to_us), vg_p_int(meta->base_us),
               vg_p_int(meta->captured_us), vg_p_int(meta->resolution), vg_p_text(meta->structure));
    struct vg_scope scope;
    *version = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, vg_sql_made(store, &sql, version, err), err);
}

/* The state of a version, -1 when there is none. */
static int state_of(struct vg_store *store, int64_t version, int64_t *state, struct vg_error *err)
{
    *state = -1;
    return vg_sql_int(store,
                      &VG_SQL("SELECT state FROM reference WHERE version = $1", vg_p_int(version)),
                      state, err);
}

static int must_be_capturing(struct vg_store *store, int64_t version, struct vg_error *err)
{
    int64_t state;
    if (state_of(store, version, &state, err) < 0)
        return -1;
    if (state < 0)
        return vg_fail(err, VG_E_NOT_FOUND, "there is no reference of version %lld",
                       (long long)version);
    if (state != CAPTURING)
        return vg_fail(err, VG_E_USAGE, "reference version %lld is complete and cannot change",
                       (long long)version);
    return 0;
}

static int write_column(struct vg_store *store, int64_t version, size_t position,
                        const struct vg_reference_column *column, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference_column (version, position, name, type, kind, not_null, total, fine,"
        " computed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (version, position) DO "
        "UPDATE SET"
        " name = excluded.name, type = excluded.type, kind = excluded.kind,"
        " not_null = excluded.not_null, total = excluded.total, fine = excluded.fine,"
        " computed = excluded.computed";
    struct vg_buf total, fine;
    int rc = 0;
    vg_buf_init(&total, BODY_MAX);
    vg_buf_init(&fine, BODY_MAX);
    if (column->total)
        rc = vg_column_write(column->total, &total, err);
    if (rc == 0 && column->fine)
        rc = vg_distribution_write(column->fine, &fine, err);
    if (rc == 0) {
        const struct vg_sql sql = VG_SQL(
            text, vg_p_int(version), vg_p_count(position), vg_p_text(column->name),
            vg_p_text(column->type ? column->type : ""), vg_p_int((int64_t)column->kind),
            vg_p_int(column->not_null), vg_p_blob(column->total ? total.data : NULL, total.len),
            vg_p_blob(column->fine ? fine.data : NULL, fine.len), vg_p_int(column->computed));
        rc = vg_sql_run(store, &sql, err);
    }
    vg_buf_free(&total);
    vg_buf_free(&fine);
    return rc;
}

int vg_store_reference_column(struct vg_store *store, int64_t version, size_t position,
                              const struct vg_reference_column *column, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter_hurried(store, &scope, err) < 0)
        return -1;
    int rc = must_be_capturing(store, version, err);
    if (rc == 0)
        rc = write_column(store, version, position, column, err);
    return vg_scope_leave(store, &scope, rc, err);
}

static int write_window(struct vg_store *store, int64_t version, const struct vg_window *base,
                        const struct vg_column_summary *column, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference_window (version, column_name, start_us, end_us, repeated, body)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (version, column_name, start_us)"
        " DO UPDATE SET end_us = excluded.end_us, repeated = excluded.repeated,"
        " body = excluded.body";
    struct vg_buf body;
    vg_buf_init(&body, BODY_MAX);
    int rc = vg_column_write(column, &body, err);
    if (rc == 0) {
        const struct vg_sql sql = VG_SQL(text, vg_p_int(version), vg_p_text(column->name),
                                         vg_p_int(base->start_us), vg_p_int(base->end_us),
                                         vg_p_int(base->repeated), vg_p_blob(body.data, body.len));
        rc = vg_sql_run(store, &sql, err);
    }
    vg_buf_free(&body);
    return rc;
}

int vg_store_reference_window(struct vg_store *store, int64_t version, const struct vg_window *base,
                              const struct vg_column_summary *column, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter_hurried(store, &scope, err) < 0)
        return -1;
    int rc = must_be_capturing(store, version, err);
    if (rc == 0)
        rc = write_window(store, version, base, column, err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_reference_segment(struct vg_store *store, int64_t version, const char *segment,
                               const struct vg_column_summary *column, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference_segment (version, segment, column_name, total)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (version, segment, column_name)"
        " DO UPDATE SET total = excluded.total";
    struct vg_buf body;
    struct vg_scope scope;
    if (vg_scope_enter_hurried(store, &scope, err) < 0)
        return -1;
    vg_buf_init(&body, BODY_MAX);
    int rc = must_be_capturing(store, version, err);
    if (rc == 0)
        rc = vg_column_write(column, &body, err);
    if (rc == 0) {
        const struct vg_sql sql = VG_SQL(text, vg_p_int(version), vg_p_text(segment),
                                         vg_p_text(column->name), vg_p_blob(body.data, body.len));
        rc = vg_sql_run(store, &sql, err);
    }
    vg_buf_free(&body);
    return vg_scope_leave(store, &scope, rc, err);
}

/* --- The end of a capture -------------------------------------------------------------- */

static int complete(struct vg_store *store, int64_t version, uint64_t rows, int64_t now_us,
                    struct vg_error *err)
{
    if (vg_sql_run(store,
                   &VG_SQL("UPDATE reference SET active = 0 WHERE active = 1 AND dataset ="
                           " (SELECT dataset FROM reference WHERE version = $1)",
                           vg_p_int(version)),
                   err) < 0)
        return -1;
    return vg_sql_run(
        store,
        &VG_SQL("UPDATE reference SET state = 1, active = 1, row_count = $1, captured_us = $2,"
                " columns = (SELECT count(*) FROM reference_column AS c"
                " WHERE c.version = reference.version),"
                " windows = (SELECT count(DISTINCT w.start_us) FROM reference_window AS w"
                " WHERE w.version = reference.version) WHERE version = $3",
                vg_p_count(rows), vg_p_int(now_us), vg_p_int(version)),
        err);
}

/* The row stays, so that people and the next attempt see why; what was captured goes. */
static int record_failure(struct vg_store *store, int64_t version, const char *failure,
                          int64_t now_us, struct vg_error *err)
{
    if (vg_sql_run(store,
                   &VG_SQL("DELETE FROM reference_column WHERE version = $1", vg_p_int(version)),
                   err) < 0 ||
        vg_sql_run(store,
                   &VG_SQL("DELETE FROM reference_window WHERE version = $1", vg_p_int(version)),
                   err) < 0)
        return -1;
    if (vg_sql_run(store,
                   &VG_SQL("DELETE FROM reference_segment WHERE version = $1", vg_p_int(version)),
                   err) < 0)
        return -1;
    return vg_sql_run(store,
                      &VG_SQL("UPDATE reference SET state = 2, error = $1, captured_us = $2"
                              " WHERE version = $3",
                              vg_p_text(failure), vg_p_int(now_us), vg_p_int(version)),
                      err);
}

int vg_store_reference_done(struct vg_store *store, int64_t version, uint64_t rows,
                            const char *failure, int64_t now_us, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = must_be_capturing(store, version, err);
    if (rc == 0 && failure)
        rc = record_failure(store, version, failure, now_us, err);
    else if (rc == 0)
        rc = complete(store, version, rows, now_us, err);
    return vg_scope_leave(store, &scope, rc, err);
}

/* --- Choosing and dropping ------------------------------------------------------------- */

struct standing { /* of one version of a dataset */
    bool found, active;
    int64_t state, others; /* other complete versions of the dataset */
};

static void read_standing(struct vg_sql_row *row, void *item)
{
    struct standing *standing = item;
    standing->found = true;
    standing->state = vg_row_int(row);
    standing->active = vg_row_bool(row);
    standing->others = vg_row_int(row);
}

static int look_up(struct vg_store *store, const char *dataset, int64_t version,
                   struct standing *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT state, active, (SELECT count(*) FROM reference AS o WHERE o.dataset = r.dataset"
        " AND o.version <> r.version AND o.state = 1)"
        " FROM reference AS r WHERE r.version = $1 AND r.dataset = $2";
    const struct vg_sql_shape shape = {sizeof *out, read_standing, NULL};
    bool found;
    if (vg_sql_one(store, &VG_SQL(text, vg_p_int(version), vg_p_text(dataset)), &shape, out, &found,
                   err) < 0)
        return -1;
    if (found)
        return 0;
    vg_fail(err, VG_E_NOT_FOUND, "%s has no reference of version %lld", dataset,
            (long long)version);
    return vg_hint(err, "pgvigil reference list %s shows those it has", dataset);
}

static int use_version(struct vg_store *store, const char *dataset, int64_t version,
                       struct vg_error *err)
{
    struct standing standing;
    if (look_up(store, dataset, version, &standing, err) < 0)
        return -1;
    if (standing.state != COMPLETE)
        return vg_fail(
            err, VG_E_USAGE, "reference version %lld of %s %s", (long long)version, dataset,
            standing.state == FAILED ? "was not captured: it failed" : "is still being captured");
    if (standing.active)
        return 0;
    if (vg_sql_run(store,
                   &VG_SQL("UPDATE reference SET active = 0 WHERE dataset = $1 AND active = 1",
                           vg_p_text(dataset)),
                   err) < 0)
        return -1;
    return vg_sql_run(
        store, &VG_SQL("UPDATE reference SET active = 1 WHERE version = $1", vg_p_int(version)),
        err);
}

int vg_store_reference_use(struct vg_store *store, const char *dataset, int64_t version,
                           struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, use_version(store, dataset, version, err), err);
}

static int drop_version(struct vg_store *store, const char *dataset, int64_t version,
                        struct vg_error *err)
{
    struct standing standing;
    if (look_up(store, dataset, version, &standing, err) < 0)
        return -1;
    if (standing.state == CAPTURING)
        return vg_fail(err, VG_E_USAGE, "reference version %lld of %s is still being captured",
                       (long long)version, dataset);
    if (standing.active && standing.others > 0) {
        vg_fail(err, VG_E_USAGE, "reference version %lld of %s is in use, and there are others",
                (long long)version, dataset);
        return vg_hint(err, "pgvigil reference use another version first; only a dataset's last "
                            "version can be dropped while it is in use");
    }
    return vg_sql_run(store, &VG_SQL("DELETE FROM reference WHERE version = $1", vg_p_int(version)),
                      err);
}

int vg_store_reference_drop(struct vg_store *store, const char *dataset, int64_t version,
                            struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, drop_version(store, dataset, version, err), err);
}
