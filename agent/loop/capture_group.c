/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group of columns and the statement that reads it: what several of its columns read is read
 * once, and of a long source only the rows of the group's names come. */
#include "agent/loop/capture_group.h"

#include <string.h>

#include "agent/loop/cost.h"
#include "agent/sql.h"
#include "agent/tally.h"
#include "pgvigil/text.h"

enum { FILTER_BYTES = 1 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static struct vg_rows_of rows_of(const struct vg_capture *capture)
{
    return (struct vg_rows_of){
        .dataset = capture->dataset,
        .catalog = capture->catalog,
        .time = capture->time,
        .range = capture->time ? &capture->range : NULL,
        .filter = capture->filter,
    };
}

static size_t add_item(struct vg_capture_group *group, const struct vg_catalog_column *column)
{
    const char *item = vg_sql_item(column);
    for (size_t i = 0; i < group->nitems; i++) {
        bool same =
            group->query[i].cast_oid == column->cast_oid && group->query[i].codec == column->codec;
        if (same && !strcmp(group->items[i], item))
            return i;
    }
    group->items[group->nitems] = item;
    group->query[group->nitems] = vg_sql_query_column(column);
    return group->nitems++;
}

int vg_capture_group_open(struct vg_capture_group *group, struct vg_error *err)
{
    struct vg_capture *capture = group->capture;
    size_t most = group->n + capture->nsplits + 2;
    group->items = vg_arena_array(capture->arena, most, sizeof *group->items);
    group->query = vg_arena_array(capture->arena, most, sizeof *group->query);
    group->split = vg_arena_array(capture->arena, capture->nsplits, sizeof *group->split);
    group->source = vg_arena_array(capture->arena, group->n + 1, sizeof *group->source);
    if (!group->items || !group->query || !group->source || !group->split)
        return fail_memory(err);
    group->nitems = 0;
    for (size_t i = 0; i < group->n; i++)
        group->source[i] = add_item(group, capture->columns[group->first + i].column);
    group->time_item = capture->time ? add_item(group, capture->time) : VG_TALLY_NONE;
    for (size_t i = 0; i < capture->nsplits; i++)
        group->split[i] = add_item(group, capture->splits[i].column);
    if (capture->routes)
        group->names_item =
            add_item(group, vg_catalog_find(capture->catalog, capture->catalog->names));
    return 0;
}

static void report_progress(void *arg, uint64_t rows)
{
    struct vg_capture *capture = arg;
    if (capture->env->progress)
        capture->env->progress(capture->env->progress_arg, capture->dataset->id, rows);
}

/* Where all columns of a group are names of a long source, the server sends their rows only. The
 * first group reads everything: it counts the rows. */
static int pick_names(const struct vg_capture_group *group, struct vg_rows_of *rows)
{
    struct vg_capture *capture = group->capture;
    struct vg_buf buf;
    bool all = capture->routes && group->first;
    for (size_t i = 0; i < group->n && all; i++)
        all = capture->columns[group->first + i].column->route != 0;
    if (!all)
        return 0;
    vg_buf_init(&buf, FILTER_BYTES);
    if (rows->filter)
        vg_buf_printf(&buf, "(\n%s\n) AND ", rows->filter);
    vg_buf_printf(&buf, "%s::pg_catalog.text IN (",
                  vg_catalog_find(capture->catalog, capture->catalog->names)->quoted);
    for (size_t i = 0; i < group->n; i++) {
        vg_buf_puts(&buf, i ? ", " : "");
        vg_sql_put_text(&buf, capture->columns[group->first + i].column->name);
    }
    vg_buf_putc(&buf, ')');
    rows->filter = buf.failed ? NULL : vg_arena_strdup(capture->arena, buf.data);
    vg_buf_free(&buf);
    return rows->filter ? 0 : -1;
}

int vg_capture_group_scan(struct vg_capture_group *group, bool ordered,
                          int (*each)(void *, const struct vg_batch *, struct vg_error *),
                          void *arg, struct vg_error *err)
{
    struct vg_capture *capture = group->capture;
    struct vg_rows_of rows = rows_of(capture);
    if (pick_names(group, &rows) < 0)
        return fail_memory(err);
    struct vg_query query = {
        .sql = vg_sql_copy(&rows, group->items, group->nitems, ordered, capture->arena),
        .columns = group->query,
        .ncolumns = group->nitems,
        .timeout_us = capture->timeout_us,
        .progress = report_progress,
        .progress_arg = capture,
    };
    const char *select = vg_sql_select(&rows, group->items, group->nitems, ordered, capture->arena);
    if (!query.sql || !select)
        return fail_memory(err);
    struct vg_cost_of of = {capture->env->source, capture->session,
                            capture->patient ? 0 : capture->dataset->caps.cost,
                            capture->dataset->timeout_us};
    if (vg_cost_guard(&of, select, capture->arena, err) < 0)
        return -1;
    return capture->env->source->ops->scan(capture->session, &query, each, arg, err);
}
