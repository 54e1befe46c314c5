/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coarse summaries of base windows, one row per (dataset, base window, column).
 *
 * Owns the tables `summary` and `summary_part`. Windows shorter than the base are added to what is
 * stored; of those that are to be read again the parts are kept, as minima and distinct values
 * cannot be taken out of a sum. Cells of another grid, or a column of another kind, begin anew: two
 * grids are never compared.
 */
#include "agent/store/inner.h"
#include "pgvigil/log.h"

enum { BODY_MAX = 16 << 20 };

struct place { /* of one column's summary */
    const char *dataset;
    const struct vg_window *base;
    const struct vg_column_summary *column;
};

struct stored {
    struct vg_column_summary *column; /* NULL: none, or not readable */
    struct vg_error fault;
};

static void read_stored(struct vg_sql_row *row, void *item)
{
    struct stored *stored = item;
    size_t size;
    const void *body = vg_row_blob(row, &size);
    if (vg_column_read(body, size, &stored->column, &stored->fault) < 0)
        stored->column = NULL;
}

static int load_stored(struct vg_store *store, const struct place *place, struct stored *out,
                       struct vg_error *err)
{
    static const char text[] = "SELECT body FROM summary"
                               " WHERE dataset = $1 AND start_us = $2 AND column_name = $3";
    const struct vg_sql_shape shape = {sizeof *out, read_stored, NULL};
    bool found;
    if (vg_sql_one(store,
                   &VG_SQL(text, vg_p_text(place->dataset), vg_p_int(place->base->start_us),
                           vg_p_text(place->column->name)),
                   &shape, out, &found, err) < 0)
        return -1;
    if (out->fault.code == VG_E_MEMORY)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return 0;
}

int vg_store_summary(struct vg_store *store, const char *dataset, const struct vg_window *base,
                     const char *column, struct vg_column_summary **out, struct vg_error *err)
{
    static const char text[] = "SELECT body FROM summary WHERE dataset = $1 AND start_us = $2"
                               " AND column_name = $3 AND end_us = $4";
    const struct vg_sql_shape shape = {sizeof(struct stored), read_stored, NULL};
    struct stored stored = {.column = NULL};
    bool found;
    *out = NULL;
    if (vg_sql_one(store,
                   &VG_SQL(text, vg_p_text(dataset), vg_p_int(base->start_us), vg_p_text(column),
                           vg_p_int(base->end_us)),
                   &shape, &stored, &found, err) < 0)
        return -1;
    if (stored.fault.code == VG_E_MEMORY)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    *out = stored.column; /* one that cannot be read counts as none */
    return 0;
}

int vg_store_summary_put(struct vg_store *store, const char *dataset, const struct vg_window *base,
                         const struct vg_summary_body *body, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO summary (dataset, start_us, end_us, column_name, body)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (dataset, start_us, column_name)"
        " DO UPDATE SET end_us = excluded.end_us, body = excluded.body";
    return vg_sql_run(store,
                      &VG_SQL(text, vg_p_text(dataset), vg_p_int(base->start_us),
                              vg_p_int(base->end_us), vg_p_text(body->column),
                              vg_p_blob(body->data, body->size)),
                      err);
}

static int write_column(struct vg_store *store, const struct place *place,
                        const struct vg_column_summary *column, struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, BODY_MAX);
    int rc = vg_column_write(column, &buf, err);
    const struct vg_summary_body body = {column->name, buf.data, buf.len};
    if (rc == 0)
        rc = vg_store_summary_put(store, place->dataset, place->base, &body, err);
    vg_buf_free(&buf);
    return rc;
}

/* What is lost is a part of one base window, and the loss shows in its number of rows; stopping the
 * dataset's cycles over it would lose more. */
static void tell_replaced(const struct place *place, const char *why)
{
    vg_log(VG_LOG_WARN, "a stored summary could not be added to and is replaced", "dataset",
           place->dataset, "column", place->column->name, "why", why, NULL);
}

static int add_column(struct vg_store *store, const struct place *place, struct vg_error *err)
{
    struct stored stored = {.column = NULL};
    struct vg_error fault = {.code = VG_OK};
    const struct vg_column_summary *sum = place->column;
    int rc = load_stored(store, place, &stored, err);
    if (rc == 0 && stored.fault.code)
        tell_replaced(place, stored.fault.msg);
    struct vg_column_summary *old = stored.column;
    if (rc == 0 && old && old->grid_id == sum->grid_id && old->kind == sum->kind) {
        if (vg_column_merge(old, sum, &fault) == 0)
            sum = old;
        else if (fault.code == VG_E_MEMORY)
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
        else
            tell_replaced(place, fault.msg);
    }
    if (rc == 0)
        rc = write_column(store, place, sum, err);
    vg_column_free(stored.column);
    return rc;
}

int vg_store_summary_add(struct vg_store *store, const char *dataset, const struct vg_window *base,
                         const struct vg_summary *summary, struct vg_error *err)
{
    struct vg_scope scope;
    int rc = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < summary->ncolumns; i++) {
        const struct place place = {dataset, base, &summary->columns[i]};
        rc = add_column(store, &place, err);
    }
    return vg_scope_leave(store, &scope, rc, err);
}

/* --- Windows that are read again -------------------------------------------------------------- */

struct part {
    int64_t start_us;
    struct stored stored;
};

static void read_part(struct vg_sql_row *row, void *item)
{
    struct part *part = item;
    part->start_us = vg_row_int(row);
    read_stored(row, &part->stored);
}

static int put_part(struct vg_store *store, const struct place *place,
                    const struct vg_window *window, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO summary_part (dataset, base_us, column_name, start_us, end_us, body)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset, base_us, column_name, start_us)"
        " DO UPDATE SET end_us = excluded.end_us, body = excluded.body";
    struct vg_buf body;
    vg_buf_init(&body, BODY_MAX);
    int rc = vg_column_write(place->column, &body, err);
    if (rc == 0)
        rc = vg_sql_run(store,
                        &VG_SQL(text, vg_p_text(place->dataset), vg_p_int(place->base->start_us),
                                vg_p_text(place->column->name), vg_p_int(window->start_us),
                                vg_p_int(window->end_us), vg_p_blob(body.data, body.len)),
                        err);
    vg_buf_free(&body);
    return rc;
}

/* The sum of all parts of the base window, in order, the window's own being the new column. 1: they
 * were not all kept; *sum is then NULL. */
static int sum_parts(const struct place *place, const struct vg_window *window, struct part *parts,
                     size_t n, struct vg_column_summary **sum)
{
    struct vg_error fault = {.code = VG_OK};
    *sum = NULL;
    for (size_t i = 0; i < n; i++) {
        bool own = parts[i].start_us == window->start_us;
        const struct vg_column_summary *next = own ? place->column : parts[i].stored.column;
        if (!next || next->grid_id != place->column->grid_id || next->kind != place->column->kind)
            return 1;
        if (!*sum && !own) { /* the first part becomes the sum */
            *sum = parts[i].stored.column;
            parts[i].stored.column = NULL;
        } else if (!*sum) {
            struct vg_buf body;
            vg_buf_init(&body, BODY_MAX);
            int rc = vg_column_write(next, &body, &fault);
            if (rc == 0)
                rc = vg_column_read(body.data, body.len, sum, &fault);
            vg_buf_free(&body);
            if (rc < 0)
                return -1;
        } else if (vg_column_merge(*sum, next, &fault) < 0) {
            return fault.code == VG_E_MEMORY ? -1 : 1;
        }
    }
    return *sum ? 0 : 1;
}

/* Whether the parts are all that the stored sum is made of. */
static int check_parts(struct vg_store *store, const struct place *place, const struct part *parts,
                       size_t n, bool *whole, struct vg_error *err)
{
    struct stored stored = {.column = NULL};
    uint64_t rows = 0;
    if (load_stored(store, place, &stored, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        rows += parts[i].stored.column ? parts[i].stored.column->rows : 0;
    *whole = stored.column && stored.column->rows == rows;
    vg_column_free(stored.column);
    return 0;
}

static int replace_part(struct vg_store *store, const struct place *place,
                        const struct vg_window *window, struct vg_arena *arena,
                        struct vg_error *err)
{
    static const char text[] = "SELECT start_us, body FROM summary_part WHERE dataset = $1"
                               " AND base_us = $2 AND column_name = $3 ORDER BY start_us";
    const struct vg_sql_shape shape = {sizeof(struct part), read_part, arena};
    struct vg_column_summary *sum = NULL;
    void *items = NULL;
    size_t n = 0;
    bool whole = false;
    int rc = vg_sql_list(store,
                         &VG_SQL(text, vg_p_text(place->dataset), vg_p_int(place->base->start_us),
                                 vg_p_text(place->column->name)),
                         &shape, &items, &n, err);
    struct part *parts = items;
    if (rc == 0)
        rc = check_parts(store, place, parts, n, &whole, err);
    int summed = rc == 0 && whole ? sum_parts(place, window, parts, n, &sum) : 1;
    if (rc == 0 && summed < 0)
        rc = vg_fail(err, VG_E_MEMORY, "out of memory");
    if (rc == 0 && summed > 0)
        vg_log(VG_LOG_WARN,
               "a window has changed, but its stored summary stays: its parts were"
               " not kept",
               "dataset", place->dataset, "column", place->column->name, NULL);
    else if (rc == 0)
        rc = write_column(store, place, sum, err);
    for (size_t i = 0; i < n; i++)
        vg_column_free(parts[i].stored.column);
    vg_column_free(sum);
    return rc == 0 ? put_part(store, place, window, err) : -1;
}

/* The length of base windows may have become another one since: then it is not this window's. */
static int replace_whole(struct vg_store *store, const struct place *place, struct vg_error *err)
{
    static const char text[] = "SELECT end_us FROM summary"
                               " WHERE dataset = $1 AND start_us = $2 AND column_name = $3";
    int64_t end_us = place->base->end_us;
    if (vg_sql_int(store,
                   &VG_SQL(text, vg_p_text(place->dataset), vg_p_int(place->base->start_us),
                           vg_p_text(place->column->name)),
                   &end_us, err) < 0)
        return -1;
    return end_us == place->base->end_us ? write_column(store, place, place->column, err) : 0;
}

int vg_store_summary_part(struct vg_store *store, const char *dataset, const struct vg_window *base,
                          const struct vg_window *window, const struct vg_summary *summary,
                          struct vg_error *err)
{
    struct vg_scope scope;
    int rc = 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < summary->ncolumns; i++) {
        const struct place place = {dataset, base, &summary->columns[i]};
        rc = put_part(store, &place, window, err);
    }
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_summary_replace(struct vg_store *store, const char *dataset,
                             const struct vg_window *base, const struct vg_window *window,
                             const struct vg_summary *summary, struct vg_error *err)
{
    struct vg_scope scope;
    int rc = 0;
    bool alone = base->start_us == window->start_us && base->end_us == window->end_us;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0) {
        vg_arena_free(arena);
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < summary->ncolumns; i++) {
        const struct place place = {dataset, base, &summary->columns[i]};
        rc = alone ? replace_whole(store, &place, err)
                   : replace_part(store, &place, window, arena, err);
    }
    rc = vg_scope_leave(store, &scope, rc, err);
    vg_arena_free(arena);
    return rc;
}

int vg_store_summary_settle(struct vg_store *store, const char *dataset,
                            const struct vg_window *base, struct vg_error *err)
{
    static const char text[] =
        "DELETE FROM summary_part WHERE dataset = $1 AND base_us = $2 AND NOT EXISTS (SELECT 1"
        " FROM checked_window WHERE dataset = $1 AND start_us >= $2 AND start_us < $3)";
    return vg_sql_run(
        store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(base->start_us), vg_p_int(base->end_us)),
        err);
}
