/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of a reference: the first pass finds the most frequent values of the columns that tell
 * rows apart, the second counts every public column per segment: numbers on their coarse grid,
 * values of categories as far as there is room. Nothing of a private column is kept: a segment may
 * be few rows. */
#include "agent/loop/capture_segments.h"

#include <string.h>

#include "agent/plan_segments.h"
#include "pgvigil/log.h"

enum { VALUES_BYTES = 6 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_capture_segments_open(struct vg_capture *capture, struct vg_error *err)
{
    const struct vg_dataset *dataset = capture->dataset;
    capture->splits = vg_arena_array(capture->arena, dataset->nsegments, sizeof *capture->splits);
    if (!capture->splits)
        return fail_memory(err);
    for (size_t i = 0; i < dataset->nsegments; i++) {
        const struct vg_segment_spec *spec = &dataset->segments[i];
        const struct vg_catalog_column *column = vg_catalog_find(capture->catalog, spec->column);
        bool failed = false;
        const char *why = vg_segment_problem(spec->column, column, capture->arena, &failed);
        if (failed)
            return fail_memory(err);
        if (why) {
            vg_log(VG_LOG_WARN, "the reference is captured without segments of a column", "dataset",
                   dataset->id, "column", spec->column, "why", why, NULL);
            continue;
        }
        struct vg_capture_split *split = &capture->splits[capture->nsplits++];
        *split = (struct vg_capture_split){.spec = spec, .column = column};
        if (vg_column_init(&split->top, spec->column, column->kind, NULL, VG_PART_TOP, err) < 0)
            return -1;
    }
    return 0;
}

int vg_capture_segments_look(struct vg_capture_group *group, const struct vg_batch *batch,
                             struct vg_error *err)
{
    struct vg_capture *capture = group->capture;
    for (size_t i = 0; i < capture->nsplits && !group->first; i++) {
        struct vg_capture_split *split = &capture->splits[i];
        const struct vg_column *column = &batch->cols[group->split[i]];
        if (!split->spec->values.n && vg_column_count(&split->top, column, batch->nrows, err) < 0)
            return -1;
    }
    return 0;
}

/* Values of a category in each segment: what is captured is in memory whenever it is judged. */
static uint32_t choose_values(const struct vg_capture *capture)
{
    size_t categories = 0;
    for (size_t i = 0; i < capture->ncolumns; i++)
        categories +=
            capture->columns[i].column->kind == VG_KIND_TEXT && !capture->columns[i].is_private;
    int64_t most = capture->dataset->caps.categories;
    uint32_t least = VG_SEGMENT_CATEGORIES_LEAST;
    uint32_t values = vg_segment_categories(VALUES_BYTES, capture->nsegments * categories, most);
    return values < least && !(most && most < least) ? least : values;
}

int vg_capture_segments_choose(struct vg_capture *capture, struct vg_error *err)
{
    for (size_t i = 0; i < capture->nsplits; i++) {
        struct vg_capture_split *split = &capture->splits[i];
        struct vg_segment_choice choice;
        if (vg_segment_values(split->spec, &split->top, capture->arena, &choice) < 0)
            return fail_memory(err);
        split->values = choice.values;
        if (vg_routes_make(split->values.items, split->values.n, capture->arena, &split->routes) <
            0)
            return fail_memory(err);
        capture->nsegments += split->values.n + 1;
        vg_column_clear(&split->top);
    }
    capture->segment_values = choose_values(capture);
    for (size_t i = 0; i < capture->ncolumns && capture->nsplits; i++) {
        struct vg_capture_column *column = &capture->columns[i];
        if (!column->grid || column->is_private || !column->grid->ncoarse)
            continue;
        column->coarse = vg_grid_of_segments(column->grid);
        if (!column->coarse)
            return fail_memory(err);
    }
    return 0;
}

int vg_capture_segments_begin(struct vg_capture_segments *segments,
                              const struct vg_capture_group *group, struct vg_error *err)
{
    const struct vg_capture *capture = group->capture;
    size_t n = 0;
    memset(segments, 0, sizeof *segments);
    segments->columns = vg_arena_array(capture->arena, group->n, sizeof *segments->columns);
    segments->splits = vg_arena_array(capture->arena, capture->nsplits, sizeof *segments->splits);
    if (!segments->columns || !segments->splits)
        return fail_memory(err);
    for (size_t i = 0; i < group->n; i++) {
        const struct vg_capture_column *column = &capture->columns[group->first + i];
        enum vg_kind kind = column->column->kind;
        bool category = kind == VG_KIND_TEXT || kind == VG_KIND_BOOL;
        if (!column->is_private)
            segments->columns[n++] = (struct vg_tally_column){
                .name = column->column->name,
                .source = group->source[i],
                .kind = kind,
                .coarse = column->coarse,
                .segment = {.parts = category ? VG_PART_TOP : 0, .values = capture->segment_values},
            };
    }
    for (size_t i = 0; i < capture->nsplits; i++)
        segments->splits[i] = (struct vg_tally_split){group->split[i], &capture->splits[i].routes};
    segments->variant = (struct vg_tally_variant){.condition = VG_TALLY_NONE};
    segments->plan = (struct vg_tally_plan){
        .columns = segments->columns,
        .ncolumns = n,
        .variants = &segments->variant,
        .nvariants = 1,
        .time = group->time_item,
        .splits = segments->splits,
        .nsplits = capture->nsplits,
    };
    return n && capture->nsplits ? vg_tally_new(&segments->plan, &segments->tally, err) : 0;
}

static int store_segment(struct vg_capture *capture, const char *name, struct vg_summary *summary,
                         struct vg_error *err)
{
    if (!name)
        return fail_memory(err);
    for (size_t i = 0; i < summary->ncolumns; i++) {
        struct vg_column_summary *column = &summary->columns[i];
        if (vg_column_coarsen(column) < 0)
            return fail_memory(err);
        if (vg_store_reference_segment(capture->env->store, capture->version, name, column, err) <
            0)
            return -1;
    }
    return 0;
}

static int store_all(struct vg_capture_segments *segments, struct vg_capture *capture,
                     struct vg_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < capture->nsplits; i++) {
        const struct vg_capture_split *split = &capture->splits[i];
        for (size_t route = 0; rc == 0 && route <= split->values.n; route++) {
            struct vg_summary *summary = vg_tally_take_segment(segments->tally, 0, i, route);
            const char *value = route ? split->values.items[route - 1] : NULL;
            rc = store_segment(capture, vg_segment_name(split->spec->column, value, capture->arena),
                               summary, err);
            vg_summary_free(summary);
        }
    }
    return rc;
}

int vg_capture_segments_store(struct vg_capture_segments *segments, struct vg_capture *capture,
                              struct vg_error *err)
{
    struct vg_store *store = capture->env->store;
    if (!segments->tally)
        return 0;
    if (vg_store_begin(store, &capture->env->claim, err) < 0)
        return -1;
    int rc = store_all(segments, capture, err);
    if (rc < 0)
        vg_store_rollback(store);
    else
        rc = vg_store_commit(store, err);
    vg_tally_free(segments->tally);
    segments->tally = NULL;
    return rc;
}

void vg_capture_segments_close(struct vg_capture *capture)
{
    for (size_t i = 0; i < capture->nsplits; i++)
        vg_column_clear(&capture->splits[i].top);
    for (size_t i = 0; i < capture->ncolumns; i++)
        vg_grid_free(capture->columns[i].coarse);
}
