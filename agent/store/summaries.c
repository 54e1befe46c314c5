/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coarse summaries of base windows, one row per (dataset, base window, column).
 *
 * Owns the table `summary`. Windows shorter than the base are added to what is stored. Cells of
 * another grid, or a column of another kind, begin anew: two grids are never compared.
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

static int write_column(struct vg_store *store, const struct place *place,
                        const struct vg_column_summary *column, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO summary (dataset, start_us, end_us, column_name, body)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (dataset, start_us, column_name)"
        " DO UPDATE SET end_us = excluded.end_us, body = excluded.body";
    struct vg_buf body;
    vg_buf_init(&body, BODY_MAX);
    int rc = vg_column_write(column, &body, err);
    if (rc == 0)
        rc = vg_sql_run(store,
                        &VG_SQL(text, vg_p_text(place->dataset), vg_p_int(place->base->start_us),
                                vg_p_int(place->base->end_us), vg_p_text(column->name),
                                vg_p_blob(body.data, body.len)),
                        err);
    vg_buf_free(&body);
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
