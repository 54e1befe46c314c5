/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segments of a reference as views of it: each looks to a check like a reference of its own,
 * whose numbers are counted on the coarse grid alone. Of columns not in use nothing is read. Views
 * live in the reference's arena. */
#include "agent/store/inner.h"

struct row {
    const char *segment, *column;
    struct vg_column_summary *total;
};

static void read_row(struct vg_sql_row *row, void *item)
{
    struct row *out = item;
    out->segment = vg_row_text(row);
    out->column = vg_row_text(row);
}

static void read_total(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    if (body && vg_column_read(body, size, item, row->err) < 0)
        row->failed = true;
}

static int load_total(struct vg_store *store, int64_t version, struct row *row,
                      struct vg_error *err)
{
    static const char text[] = "SELECT total FROM reference_segment"
                               " WHERE version = $1 AND segment = $2 AND column_name = $3";
    const struct vg_sql_shape shape = {sizeof row->total, read_total, NULL};
    const struct vg_sql sql =
        VG_SQL(text, vg_p_int(version), vg_p_text(row->segment), vg_p_text(row->column));
    bool found;
    return vg_sql_one(store, &sql, &shape, &row->total, &found, err);
}

static struct vg_reference *add_view(struct vg_reference *reference, const char *name)
{
    struct vg_reference *view = vg_arena_alloc(reference->arena, sizeof *view);
    struct vg_reference_column *columns =
        vg_arena_array(reference->arena, reference->ncolumns, sizeof *columns);
    if (!view || !columns)
        return NULL;
    *view = *reference;
    view->columns = columns;
    view->ncolumns = view->nsegments = 0;
    view->segments = NULL;
    view->pairs = NULL;
    view->rows = 0;
    reference->segments[reference->nsegments++] = (struct vg_reference_segment){name, view};
    return view;
}

/* The counts of a number as its distribution. */
static int make_fine(struct vg_reference *view, const struct vg_reference_column *whole,
                     const struct row *row, struct vg_distribution **out, struct vg_error *err)
{
    struct vg_distribution *fine = *out = vg_arena_alloc(view->arena, sizeof *fine);
    if (!fine)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (row->total->grid_id != whole->coarse->id || !row->total->coarse)
        return vg_fail(err, VG_E_STATE, "segment %s of column %s is counted on another grid",
                       row->segment, row->column);
    *fine = (struct vg_distribution){.grid = whole->coarse, .cells = row->total->coarse};
    for (uint32_t c = 0; c < row->total->coarse_cells; c++)
        fine->n += fine->cells[c];
    return 0;
}

/* Takes the row's summary over, whose counts become the column's distribution. */
static int add_column(struct vg_reference *view, const struct vg_reference_column *whole,
                      struct row *row, struct vg_error *err)
{
    struct vg_distribution *fine = NULL;
    if (whole->coarse && make_fine(view, whole, row, &fine, err) < 0)
        return -1;
    struct vg_reference_column *column = &view->columns[view->ncolumns++];
    *column = *whole;
    column->fine = fine;
    column->coarse = NULL;
    column->total = row->total;
    view->rows = row->total->rows;
    row->total = NULL;
    return 0;
}

static bool is_used(const struct vg_strings *used, const char *column)
{
    bool found = !used;
    for (size_t i = 0; !found && i < used->n; i++)
        found = !strcmp(used->items[i], column);
    return found;
}

static int add_row(struct vg_store *store, struct vg_reference *reference, struct row *row,
                   const struct vg_strings *used, struct vg_error *err)
{
    const struct vg_reference_column *whole = vg_reference_find(reference, row->column);
    size_t last = reference->nsegments;
    struct vg_reference *view = last ? reference->segments[last - 1].view : NULL;
    if (!view || strcmp(reference->segments[last - 1].name, row->segment) != 0)
        view = add_view(reference, row->segment);
    if (!view)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!whole || !is_used(used, row->column))
        return 0;
    int rc = load_total(store, reference->version, row, err);
    if (rc == 0 && row->total)
        rc = add_column(view, whole, row, err);
    vg_column_free(row->total);
    return rc;
}

int vg_store_reference_segments(struct vg_store *store, struct vg_reference *reference,
                                const struct vg_strings *columns, struct vg_error *err)
{
    static const char text[] = "SELECT segment, column_name FROM reference_segment"
                               " WHERE version = $1 ORDER BY segment, column_name";
    const struct vg_sql_shape shape = {sizeof(struct row), read_row, reference->arena};
    void *items;
    size_t n;
    if (vg_sql_list(store, &VG_SQL(text, vg_p_int(reference->version)), &shape, &items, &n, err) <
        0)
        return -1;
    struct row *rows = items;
    reference->segments = vg_arena_array(reference->arena, n, sizeof *reference->segments);
    if (!reference->segments)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_row(store, reference, &rows[i], columns, err);
    return rc;
}
