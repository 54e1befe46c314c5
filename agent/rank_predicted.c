/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model's output in a window beside the reference's: means and shares, out of the summaries.
 * Pure; says nothing of private columns. */
#include <math.h>
#include <string.h>

#include "agent/rank.h"

enum { CLASSES = 10 };

static double find_share(const struct vg_column_summary *column, uint64_t hash)
{
    double n = column && column->top ? (double)vg_column_finite(column) : 0;
    return n > 0 ? (double)vg_top_count_hash(column->top, hash) / n : (double)NAN;
}

static bool has_label(const struct vg_predicted *out, const char *label)
{
    for (size_t i = 0; i < out->nclasses; i++) {
        if (!strcmp(out->classes[i].label, label))
            return true;
    }
    return false;
}

static int add_classes(const struct vg_column_summary *from, const struct vg_column_summary *now,
                       const struct vg_column_summary *then, struct vg_arena *arena,
                       struct vg_predicted *out)
{
    struct vg_top_entry entries[CLASSES];
    bool sampled;
    size_t n = from && from->top ? vg_top_largest(from->top, entries, CLASSES, &sampled) : 0;
    for (size_t i = 0; i < n; i++) {
        if (has_label(out, entries[i].label))
            continue;
        struct vg_predicted_class *item = &out->classes[out->nclasses++];
        *item = (struct vg_predicted_class){
            .label = vg_arena_strdup(arena, entries[i].label),
            .now = find_share(now, entries[i].hash),
            .then = find_share(then, entries[i].hash),
        };
        if (!item->label)
            return -1;
    }
    return 0;
}

static int fill(const struct vg_column_spec *spec, const struct vg_column_summary *now,
                const struct vg_column_summary *then, struct vg_arena *arena,
                struct vg_predicted *out)
{
    *out = (struct vg_predicted){
        .kind = spec->prediction, .mean = (double)NAN, .mean_then = (double)NAN};
    out->column = vg_arena_strdup(arena, spec->name);
    out->classes = vg_arena_array(arena, 2 * CLASSES, sizeof *out->classes);
    if (!out->column || !out->classes)
        return -1;
    if (now->kind == VG_KIND_NUMBER) {
        out->mean = vg_column_mean(now);
        out->mean_then = then && then->kind == now->kind ? vg_column_mean(then) : (double)NAN;
    }
    if (spec->prediction != VG_PREDICTION_CLASS)
        return 0;
    return add_classes(now, now, then, arena, out) < 0 ? -1
                                                       : add_classes(then, now, then, arena, out);
}

int vg_rank_predicted(const struct vg_dataset *dataset, const struct vg_summary *now,
                      const struct vg_reference *then, struct vg_arena *arena,
                      struct vg_predicted **out, size_t *n)
{
    *n = 0;
    *out = vg_arena_array(arena, dataset->ncolumns + 1, sizeof **out);
    for (size_t i = 0; *out && now && i < dataset->ncolumns; i++) {
        const struct vg_column_spec *spec = &dataset->columns[i];
        const struct vg_column_summary *column = vg_summary_column(now, spec->name);
        const struct vg_reference_column *before =
            then ? vg_reference_find(then, spec->name) : NULL;
        if (!spec->prediction || !column || vg_dataset_is_private(dataset, spec->name))
            continue;
        if (fill(spec, column, before ? before->total : NULL, arena, &(*out)[(*n)++]) < 0)
            return -1;
    }
    return *out ? 0 : -1;
}
