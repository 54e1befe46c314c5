/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segments of a reference as views of it: each looks to a check like a reference of its own,
 * whose numbers are counted on the coarse grid alone. Of columns not in use nothing is read. Views
 * live in the reference's arena. */
#include "agent/store/inner.h"

struct row {
    const char *segment, *column;
    const void *total; /* as it was written, in the arena of the list; NULL: not in use */
    size_t size;
};

static bool is_used(const struct vg_strings *used, const char *column)
{
    bool found = !used;
    for (size_t i = 0; !found && i < used->n; i++)
        found = !strcmp(used->items[i], column);
    return found;
}

/* A total that nobody uses is left where it is in the file. */
static void read_row(struct vg_sql_row *row, void *item)
{
    struct row *out = item;
    out->segment = vg_row_text(row);
    out->column = vg_row_text(row);
    if (row->failed || !is_used(row->given, out->column))
        return;
    const void *body = vg_row_blob(row, &out->size);
    void *copy = body ? vg_arena_alloc(row->arena, out->size) : NULL;
    if (copy)
        out->total = memcpy(copy, body, out->size);
    else if (body)
        row->failed = vg_fail(row->err, VG_E_MEMORY, "out of memory") < 0;
}

static struct vg_reference *add_view(struct vg_reference *reference, const char *segment)
{
    struct vg_reference *view = vg_arena_alloc(reference->arena, sizeof *view);
    struct vg_reference_column *columns =
        vg_arena_array(reference->arena, reference->ncolumns, sizeof *columns);
    const char *name = vg_arena_strdup(reference->arena, segment);
    if (!view || !columns || !name)
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
                     const struct row *row, const struct vg_column_summary *total,
                     struct vg_distribution **out, struct vg_error *err)
{
    struct vg_distribution *fine = *out = vg_arena_alloc(view->arena, sizeof *fine);
    if (!fine)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (total->grid_id != whole->coarse->id || !total->coarse)
        return vg_fail(err, VG_E_STATE, "segment %s of column %s is counted on another grid",
                       row->segment, row->column);
    *fine = (struct vg_distribution){.grid = whole->coarse, .cells = total->coarse};
    for (uint32_t c = 0; c < total->coarse_cells; c++)
        fine->n += fine->cells[c];
    return 0;
}

/* Takes `total` over, whose counts become the column's distribution. */
static int add_column(struct vg_reference *view, const struct vg_reference_column *whole,
                      const struct row *row, struct vg_column_summary *total, struct vg_error *err)
{
    struct vg_distribution *fine = NULL;
    if (whole->coarse && make_fine(view, whole, row, total, &fine, err) < 0) {
        vg_column_free(total);
        return -1;
    }
    struct vg_reference_column *column = &view->columns[view->ncolumns++];
    *column = *whole;
    column->fine = fine;
    column->coarse = NULL;
    column->total = total;
    view->rows = total->rows;
    return 0;
}

static int add_row(struct vg_reference *reference, const struct row *row, struct vg_error *err)
{
    const struct vg_reference_column *whole = vg_reference_find(reference, row->column);
    size_t last = reference->nsegments;
    struct vg_reference *view = last ? reference->segments[last - 1].view : NULL;
    struct vg_column_summary *total;
    if (!view || strcmp(reference->segments[last - 1].name, row->segment) != 0)
        view = add_view(reference, row->segment);
    if (!view)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!whole || !row->total)
        return 0;
    if (vg_column_read(row->total, row->size, &total, err) < 0)
        return -1;
    return add_column(view, whole, row, total, err);
}

static int add_rows(struct vg_reference *reference, const struct row *rows, size_t n,
                    struct vg_error *err)
{
    int rc = 0;
    reference->segments = vg_arena_array(reference->arena, n, sizeof *reference->segments);
    if (!reference->segments)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_row(reference, &rows[i], err);
    return rc;
}

int vg_store_reference_segments(struct vg_store *store, struct vg_reference *reference,
                                const struct vg_strings *columns, struct vg_error *err)
{
    static const char text[] = "SELECT segment, column_name, total FROM reference_segment"
                               " WHERE version = $1 ORDER BY segment, column_name";
    struct vg_arena *arena = vg_arena_new();
    const struct vg_sql_shape shape = {sizeof(struct row), read_row, arena};
    void *rows;
    size_t n;
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const struct vg_sql sql = VG_SQL(text, vg_p_int(reference->version));
    int rc = vg_sql_list_given(store, &sql, &shape, columns, &rows, &n, err);
    if (rc == 0)
        rc = add_rows(reference, rows, n, err);
    vg_arena_free(arena);
    return rc;
}
