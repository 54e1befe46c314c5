/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading references: their list, one whole, and the series of a column's base windows.
 *
 * A reference is handed out in memory of its own. A series is read row by row, and the store is
 * free between two rows.
 */
#include <stdlib.h>

#include "agent/store/inner.h"
#include "pgvigil/summary_pairs.h"

/* --- The list -------------------------------------------------------------------------- */

static void read_meta(struct vg_sql_row *row, void *item)
{
    struct vg_reference_row *meta = item;
    meta->version = vg_row_int(row);
    meta->dataset = vg_row_text(row);
    meta->spec = vg_row_text(row);
    meta->from_us = vg_row_int(row);
    meta->to_us = vg_row_int(row);
    meta->base_us = vg_row_int(row);
    meta->captured_us = vg_row_int(row);
    meta->rows = vg_row_count(row);
    meta->resolution = (uint32_t)vg_row_int(row);
    meta->ncolumns = (size_t)vg_row_count(row);
    meta->nwindows = (size_t)vg_row_count(row);
    meta->complete = vg_row_int(row) == 1;
    meta->active = vg_row_bool(row);
    meta->error = vg_row_text(row);
    meta->name = vg_row_text(row);
    meta->rolling = vg_row_bool(row);
    meta->stands_for = vg_row_text(row);
}

#define SELECT_META                                                                                \
    "SELECT version, dataset, spec, from_us, to_us, base_us, captured_us, row_count, resolution,"  \
    " columns, windows, state, active, error, name, rolling, stands_for FROM reference"

int vg_store_references(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                        struct vg_reference_row **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_meta, arena};
    const struct vg_sql one =
        VG_SQL(SELECT_META " WHERE dataset = $1 ORDER BY version DESC", vg_p_text(dataset));
    const struct vg_sql all = VG_SQL_PLAIN(SELECT_META " ORDER BY version DESC");
    void *items;
    int rc = vg_sql_list(store, dataset ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}

/* --- One reference --------------------------------------------------------------------- */

static bool wants(const struct vg_strings *names, const char *name)
{
    for (size_t i = 0; names && i < names->n; i++) {
        if (!strcmp(names->items[i], name))
            return true;
    }
    return names == NULL;
}

static void read_column(struct vg_sql_row *row, void *item)
{
    struct vg_reference_column *column = item;
    column->name = vg_row_text(row);
    column->type = vg_row_text(row);
    column->kind = (enum vg_kind)vg_row_enum(row, VG_KIND_TEXT + 1);
    column->not_null = vg_row_bool(row);
    column->computed = vg_row_bool(row);
}

static void read_summary(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    if (body && vg_column_read(body, size, item, row->err) < 0)
        row->failed = true;
}

static void read_distribution(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    if (body && vg_distribution_read(body, size, item, row->err) < 0)
        row->failed = true;
}

static int load_blobs(struct vg_store *store, int64_t version, struct vg_reference_column *column,
                      bool fine, struct vg_error *err)
{
    const struct vg_sql_shape summary = {sizeof(void *), read_summary, NULL};
    const struct vg_sql_shape distribution = {sizeof(void *), read_distribution, NULL};
    const struct vg_sql total_sql =
        VG_SQL("SELECT total FROM reference_column WHERE version = $1 AND name = $2",
               vg_p_int(version), vg_p_text(column->name));
    const struct vg_sql fine_sql =
        VG_SQL("SELECT fine FROM reference_column WHERE version = $1 AND name = $2",
               vg_p_int(version), vg_p_text(column->name));
    bool found;
    if (vg_sql_one(store, &total_sql, &summary, &column->total, &found, err) < 0 ||
        (fine && vg_sql_one(store, &fine_sql, &distribution, &column->fine, &found, err) < 0))
        return vg_where(err, "reference version %lld, column %s", (long long)version, column->name);
    if (column->total && column->fine && column->total->grid_id == column->fine->grid->id)
        return vg_column_attach(column->total, column->fine->grid, err);
    return 0;
}

static int load_columns(struct vg_store *store, struct vg_reference *reference,
                        const struct vg_strings *fine, struct vg_error *err)
{
    static const char text[] = "SELECT name, type, kind, not_null, computed FROM reference_column"
                               " WHERE version = $1 ORDER BY position";
    const struct vg_sql_shape shape = {sizeof *reference->columns, read_column, reference->arena};
    void *items;
    if (vg_sql_list(store, &VG_SQL(text, vg_p_int(reference->version)), &shape, &items,
                    &reference->ncolumns, err) < 0)
        return -1;
    reference->columns = items;
    for (size_t i = 0; i < reference->ncolumns; i++) {
        struct vg_reference_column *column = &reference->columns[i];
        if (load_blobs(store, reference->version, column, wants(fine, column->name), err) < 0)
            return -1;
    }
    return 0;
}

static void read_structure(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

static int load_structure(struct vg_store *store, struct vg_reference *reference,
                          struct vg_error *err)
{
    static const char text[] = "SELECT structure FROM reference WHERE version = $1";
    const struct vg_sql_shape shape = {sizeof reference->structure, read_structure,
                                       reference->arena};
    bool found;
    return vg_sql_one(store, &VG_SQL(text, vg_p_int(reference->version)), &shape,
                      &reference->structure, &found, err);
}

/* The reference lives in its own arena, as vg_reference_free() expects. */
static int load_reference(struct vg_store *store, const struct vg_reference_row *meta,
                          const struct vg_strings *fine, struct vg_arena *arena,
                          struct vg_reference **out, struct vg_error *err)
{
    struct vg_reference *reference = vg_arena_alloc(arena, sizeof *reference);
    if (!reference)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    *reference = (struct vg_reference){
        .arena = arena,
        .version = meta->version,
        .from_us = meta->from_us,
        .to_us = meta->to_us,
        .base_us = meta->base_us,
        .captured_us = meta->captured_us,
        .rows = meta->rows,
        .resolution = meta->resolution,
        .name = meta->name,
        .rolling = meta->rolling,
        .stands_for = meta->stands_for,
        .spec = meta->spec,
    };
    *out = reference;
    if (load_structure(store, reference, err) < 0)
        return -1;
    return load_columns(store, reference, fine, err);
}

int vg_store_reference(struct vg_store *store, const char *dataset, int64_t version,
                       const struct vg_strings *fine, struct vg_reference **out,
                       struct vg_error *err)
{
    const struct vg_sql active = VG_SQL(SELECT_META " WHERE dataset = $1 AND active = 1"
                                                    " ORDER BY name <> 'reference', version",
                                        vg_p_text(dataset));
    const struct vg_sql given =
        VG_SQL(SELECT_META " WHERE dataset = $1 AND version = $2 AND state = 1", vg_p_text(dataset),
               vg_p_int(version));
    struct vg_reference_row meta;
    struct vg_scope scope;
    bool found = false;
    *out = NULL;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const struct vg_sql_shape shape = {sizeof meta, read_meta, arena};
    if (vg_scope_enter(store, VG_DB_READ, &scope, err) < 0) {
        vg_arena_free(arena);
        return -1;
    }
    int rc = vg_sql_one(store, version ? &given : &active, &shape, &meta, &found, err);
    if (rc == 0 && found)
        rc = load_reference(store, &meta, fine, arena, out, err);
    rc = vg_scope_leave(store, &scope, rc, err);
    if (rc < 0 && *out) {
        vg_reference_free(*out);
        *out = NULL;
    } else if (!*out) {
        vg_arena_free(arena);
    }
    return rc;
}

static void read_pairs(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    if (body && vg_pairs_read(body, size, item, row->err) < 0)
        row->failed = true;
}

int vg_store_reference_pairs(struct vg_store *store, struct vg_reference *reference,
                             struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof reference->pairs, read_pairs, NULL};
    const struct vg_sql sql =
        VG_SQL("SELECT body FROM reference_pairs WHERE version = $1", vg_p_int(reference->version));
    struct vg_scope scope;
    bool found;
    if (vg_scope_enter(store, VG_DB_READ, &scope, err) < 0)
        return -1;
    int rc = vg_sql_one(store, &sql, &shape, &reference->pairs, &found, err);
    rc = vg_scope_leave(store, &scope, rc, err);
    return rc < 0 ? vg_where(err, "reference version %lld, pairs of columns",
                             (long long)reference->version)
                  : 0;
}

/* --- The series of a column ------------------------------------------------------------ */

struct base {
    struct vg_window window;
    struct vg_column_summary *summary;
};

static void read_base(struct vg_sql_row *row, void *item)
{
    struct base *base = item;
    base->window = vg_row_window(row);
    read_summary(row, &base->summary);
}

int vg_store_reference_windows(struct vg_store *store, int64_t version, const char *column,
                               int (*each)(void *arg, const struct vg_window *base,
                                           const struct vg_column_summary *summary,
                                           struct vg_error *err),
                               void *arg, struct vg_error *err)
{
    static const char text[] =
        "SELECT start_us, end_us, repeated, body FROM reference_window"
        " WHERE version = $1 AND column_name = $2 AND start_us > $3 ORDER BY start_us LIMIT 1";
    const struct vg_sql_shape shape = {sizeof(struct base), read_base, NULL};
    struct base base;
    bool found = true;
    int rc = 0;
    for (int64_t after = INT64_MIN; rc == 0 && found; after = base.window.start_us) {
        const struct vg_sql sql =
            VG_SQL(text, vg_p_int(version), vg_p_text(column), vg_p_int(after));
        rc = vg_sql_one(store, &sql, &shape, &base, &found, err);
        if (rc == 0 && found)
            rc = each(arg, &base.window, base.summary, err);
        vg_column_free(base.summary);
    }
    return rc;
}

int vg_store_reference_filled(struct vg_store *store, int64_t version, const char *column,
                              int64_t *first_us, int64_t *last_us, struct vg_error *err)
{
    static const char first[] = "SELECT start_us FROM reference_window WHERE version = $1"
                                " AND column_name = $2 ORDER BY start_us LIMIT 1";
    static const char last[] = "SELECT start_us FROM reference_window WHERE version = $1"
                               " AND column_name = $2 ORDER BY start_us DESC LIMIT 1";
    const struct vg_sql of_first = VG_SQL(first, vg_p_int(version), vg_p_text(column));
    const struct vg_sql of_last = VG_SQL(last, vg_p_int(version), vg_p_text(column));
    return vg_sql_int(store, &of_first, first_us, err) < 0 ||
                   vg_sql_int(store, &of_last, last_us, err) < 0
               ? -1
               : 0;
}
