/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding up the base windows of one slot of a reference. A base window and the windows inside it
 * have one slot, that of the base window's start. */
#include "agent/loop/cycle_season.h"

#include <stdlib.h>
#include <string.h>

#include "agent/reference.h"
#include "agent/window.h"

struct adding {
    const struct vg_season_of *in;
    int slot;
    const char *column;
    struct vg_arena *arena;
    struct vg_column_summary *total;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_season_copy(const struct vg_column_summary *column, struct vg_column_summary **out,
                   struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 64 << 20);
    int rc = vg_column_write(column, &buf, err);
    if (rc == 0)
        rc = vg_column_read(buf.data, buf.len, out, err);
    vg_buf_free(&buf);
    return rc;
}

static int add_window(void *arg, const struct vg_window *base,
                      const struct vg_column_summary *column, struct vg_error *err)
{
    struct adding *adding = arg;
    const struct vg_zone *zone = adding->in->dataset->zone;
    if (vg_reference_slot(zone, adding->in->season, base->start_us) != adding->slot)
        return 0;
    if (adding->total)
        return vg_column_merge(adding->total, column, err);
    return vg_season_copy(column, &adding->total, err);
}

static int take_cells(const struct vg_reference_column *whole, struct vg_reference_column *column,
                      struct vg_error *err)
{
    const struct vg_column_summary *total = column->total;
    if (!whole->fine || !total->coarse || total->grid_id != whole->fine->grid->id)
        return 0;
    struct vg_distribution *fine = calloc(1, sizeof *fine);
    size_t n = total->coarse_cells;
    if (fine) {
        fine->grid = vg_grid_of_segments(whole->fine->grid);
        fine->cells = vg_array(n, sizeof *fine->cells);
    }
    column->fine = fine; /* freed with the reference, whatever comes */
    if (!fine || !fine->grid || !fine->cells)
        return fail_memory(err);
    if (n != 2 * (size_t)fine->grid->n + 1)
        return vg_fail(err, VG_E_STATE, "column %s has coarse cells of two sizes", column->name);
    for (size_t c = 0; c < n; c++)
        fine->n += fine->cells[c] = total->coarse[c];
    return 0;
}

static int add_column(struct adding *adding, const struct vg_reference *whole,
                      const struct vg_reference_column *from, struct vg_reference *view,
                      struct vg_error *err)
{
    adding->column = from->name;
    adding->total = NULL;
    int rc = vg_store_reference_windows(adding->in->store, whole->version, from->name, add_window,
                                        adding, err);
    if (rc < 0 || !adding->total) {
        vg_column_free(adding->total);
        return rc;
    }
    struct vg_reference_column *column = &view->columns[view->ncolumns++];
    *column = (struct vg_reference_column){
        .name = vg_arena_strdup(view->arena, from->name),
        .type = vg_arena_strdup(view->arena, from->type),
        .kind = from->kind,
        .not_null = from->not_null,
        .computed = from->computed,
        .total = adding->total,
    };
    if (column->total->rows > view->rows)
        view->rows = column->total->rows;
    if (!column->name || (from->type && !column->type))
        return fail_memory(err);
    return take_cells(from, column, err);
}

static bool is_wanted(const struct vg_strings *of, const char *name)
{
    for (size_t i = 0; i < of->n; i++) {
        if (!strcmp(of->items[i], name) || !strcmp(of->items[i], "*"))
            return true;
    }
    return false;
}

static struct vg_reference *make_view(const struct vg_reference *whole)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_reference *view = arena ? vg_arena_alloc(arena, sizeof *view) : NULL;
    struct vg_reference_column *columns =
        view ? vg_arena_array(arena, whole->ncolumns, sizeof *columns) : NULL;
    char *name = columns ? vg_arena_strdup(arena, whole->name ? whole->name : "reference") : NULL;
    if (!name) {
        vg_arena_free(arena);
        return NULL;
    }
    *view = (struct vg_reference){
        .arena = arena,
        .version = whole->version,
        .from_us = whole->from_us,
        .to_us = whole->to_us,
        .base_us = whole->base_us,
        .captured_us = whole->captured_us,
        .resolution = whole->resolution,
        .name = name,
        .rolling = whole->rolling,
        .columns = columns,
    };
    return view;
}

int vg_season_view(const struct vg_season_of *in, const struct vg_reference *whole,
                   struct vg_reference **out, struct vg_error *err)
{
    struct vg_window base;
    int64_t base_us = whole->base_us ? whole->base_us : in->dataset->schedule.window_us;
    vg_window_at(in->dataset->zone, base_us, in->start_us, &base);
    struct adding adding = {
        .in = in, .slot = vg_reference_slot(in->dataset->zone, in->season, base.start_us)};
    struct vg_reference *view = *out = make_view(whole);
    int rc = view ? 0 : fail_memory(err);
    for (size_t i = 0; rc == 0 && i < whole->ncolumns; i++) {
        if (is_wanted(in->of, whole->columns[i].name))
            rc = add_column(&adding, whole, &whole->columns[i], view, err);
    }
    if (rc < 0) {
        vg_reference_free(view);
        *out = NULL;
    }
    return rc;
}
