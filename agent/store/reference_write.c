/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References being captured.
 *
 * Owns the life of a version: capturing, then complete or failed; complete ones never change
 * again. At most one version of each of a dataset's references is active. Rows of a capture are
 * written hurriedly, as a capture that a crash ends is thrown away; what completes it is written
 * to last, and that makes all of it last. */
#include "agent/store/inner.h"
#include "pgvigil/store_turns.h"
#include "pgvigil/summary_pairs.h"

enum { BODY_MAX = 64 << 20, ROLLING_KEPT = 3 };
enum state { CAPTURING, COMPLETE, FAILED };

int vg_store_reference_begin(struct vg_store *store, const char *dataset,
                             const struct vg_reference *meta, int64_t *version,
                             struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference (dataset, spec, from_us, to_us, base_us, captured_us, row_count,"
        " resolution, columns, windows, state, active, structure, name, rolling, stands_for,"
        " given_by) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, 0, 0, 0, $8, $9, $10, $11, $12)"
        " RETURNING version";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(dataset), vg_p_text(meta->spec ? meta->spec : ""),
               vg_p_int(meta->from_us), vg_p_int(meta->to_us), vg_p_int(meta->base_us),
               vg_p_int(meta->captured_us), vg_p_int(meta->resolution), vg_p_text(meta->structure),
               vg_p_text(meta->name ? meta->name : "reference"), vg_p_int(meta->rolling),
               vg_p_text(meta->stands_for), vg_p_text(meta->given_by));
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

int vg_store_reference_pairs_put(struct vg_store *store, int64_t version,
                                 const struct vg_pairs *pairs, struct vg_error *err)
{
    static const char text[] = "INSERT INTO reference_pairs (version, body) VALUES ($1, $2)"
                               " ON CONFLICT (version) DO UPDATE SET body = excluded.body";
    struct vg_buf body;
    struct vg_scope scope;
    if (vg_scope_enter_hurried(store, &scope, err) < 0)
        return -1;
    vg_buf_init(&body, BODY_MAX);
    int rc = must_be_capturing(store, version, err);
    if (rc == 0)
        rc = vg_pairs_write(pairs, &body, err);
    if (rc == 0)
        rc = vg_sql_run(store, &VG_SQL(text, vg_p_int(version), vg_p_blob(body.data, body.len)),
                        err);
    vg_buf_free(&body);
    return vg_scope_leave(store, &scope, rc, err);
}

/* --- The end of a capture -------------------------------------------------------------- */

/* Of a rolling reference the version with the latest end is in use, whichever is captured last;
 * of those behind it some stay, for windows that are still to be judged. */
static int has_newer(struct vg_store *store, int64_t version, int64_t *newer, struct vg_error *err)
{
    static const char text[] =
        "SELECT count(*) FROM reference AS n JOIN reference AS m ON n.dataset = m.dataset"
        " AND n.name = m.name WHERE m.version = $1 AND m.rolling = 1 AND n.rolling = 1"
        " AND n.state = 1 AND n.to_us > m.to_us";
    *newer = 0;
    return vg_sql_int(store, &VG_SQL(text, vg_p_int(version)), newer, err);
}

/* Instead of the one in use. */
static int take_place(struct vg_store *store, int64_t version, int64_t now_us, struct vg_error *err)
{
    static const char note[] =
        "INSERT INTO reference_change (at_us, dataset, name, version, former, how, given_by)"
        " SELECT $1, m.dataset, m.name, m.version, coalesce((SELECT o.version FROM reference AS o"
        " WHERE o.dataset = m.dataset AND o.name = m.name AND o.active = 1), 0),"
        " CASE WHEN m.stands_for IS NULL THEN 0 ELSE 1 END, m.given_by"
        " FROM reference AS m WHERE m.version = $2";
    static const char leave[] =
        "UPDATE reference SET active = 0 WHERE active = 1 AND EXISTS (SELECT 1 FROM reference AS m"
        " WHERE m.version = $1 AND m.dataset = reference.dataset AND m.name = reference.name)";
    if (vg_sql_run(store, &VG_SQL(note, vg_p_int(now_us), vg_p_int(version)), err) < 0)
        return -1;
    return vg_sql_run(store, &VG_SQL(leave, vg_p_int(version)), err);
}

static int let_go(struct vg_store *store, int64_t version, struct vg_error *err)
{
    static const char text[] =
        "DELETE FROM reference WHERE version IN (SELECT o.version FROM reference AS o"
        " JOIN reference AS m ON o.dataset = m.dataset AND o.name = m.name WHERE m.version = $1"
        " AND o.version <> m.version AND m.rolling = 1 AND o.rolling = 1 AND o.state = 1"
        " AND o.active = 0 AND (SELECT count(DISTINCT n.to_us) FROM reference AS n"
        " WHERE n.dataset = o.dataset AND n.name = o.name AND n.rolling = 1 AND n.state = 1"
        " AND n.to_us > o.to_us) >= $2)";
    return vg_sql_run(store, &VG_SQL(text, vg_p_int(version), vg_p_int(ROLLING_KEPT)), err);
}

static int complete(struct vg_store *store, int64_t version, uint64_t rows, int64_t now_us,
                    struct vg_error *err)
{
    static const char finish[] =
        "UPDATE reference SET state = 1, active = $1, row_count = $2, captured_us = $3,"
        " columns = (SELECT count(*) FROM reference_column AS c"
        " WHERE c.version = reference.version),"
        " windows = (SELECT count(DISTINCT w.start_us) FROM reference_window AS w"
        " WHERE w.version = reference.version) WHERE version = $4";
    int64_t newer;
    if (has_newer(store, version, &newer, err) < 0 ||
        (!newer && take_place(store, version, now_us, err) < 0) ||
        vg_sql_run(store,
                   &VG_SQL(finish, vg_p_int(!newer), vg_p_count(rows), vg_p_int(now_us),
                           vg_p_int(version)),
                   err) < 0)
        return -1;
    return store->keeps_turns ? 0 : let_go(store, version, err);
}

void vg_store_keep_turns(struct vg_store *store)
{
    store->keeps_turns = true;
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
                   err) < 0 ||
        vg_sql_run(store,
                   &VG_SQL("DELETE FROM reference_pairs WHERE version = $1", vg_p_int(version)),
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
