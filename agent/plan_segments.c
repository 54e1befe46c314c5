/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which segments a plan has. Their values come from the rule file or the reference, and stay known
 * where the column is gone: its segments are then unknown, not retired. Pure. */
#include "agent/plan_segments.h"

#include <string.h>

#include "agent/plan_bind.h"
#include "pgvigil/text.h"

const char *vg_segment_name(const char *column, const char *value, struct vg_arena *arena)
{
    return vg_arena_printf(arena, "%s=%s", column, value ? value : VG_SEGMENT_OTHER);
}

/* A label that was cut or cleaned is not the value, and "other" is the name of the others. */
static bool is_whole(const struct vg_top_entry *entry)
{
    return vg_hash64(entry->label, strlen(entry->label)) == entry->hash &&
           strcmp(entry->label, VG_SEGMENT_OTHER) != 0;
}

int vg_segment_values(const struct vg_segment_spec *spec, const struct vg_column_summary *total,
                      struct vg_arena *arena, struct vg_strings *out, size_t *left)
{
    *left = 0;
    *out = spec->values;
    if (spec->values.n || !total || !total->top)
        return 0;
    size_t most = vg_top_size(total->top);
    struct vg_top_entry *entries = vg_arena_array(arena, most, sizeof *entries);
    const char **items = vg_arena_array(arena, spec->most, sizeof *items);
    if (!entries || !items)
        return -1;
    bool sampled;
    size_t n = vg_top_largest(total->top, entries, most, &sampled);
    for (size_t i = 0; i < n; i++) {
        if (out->n == spec->most || !is_whole(&entries[i])) {
            *left += 1;
            continue;
        }
        items[out->n] = vg_arena_strdup(arena, entries[i].label);
        if (!items[out->n++])
            return -1;
    }
    out->items = items;
    return 0;
}

const char *vg_segment_problem(const char *name, const struct vg_catalog_column *column,
                               struct vg_arena *arena, bool *failed)
{
    const char *text = NULL;
    if (!column)
        text = vg_arena_printf(arena, "segments: column %s does not exist", name);
    else if (column->unreadable)
        text = vg_arena_printf(arena, "segments: no permission to read column %s", name);
    else if (column->problem)
        text = vg_arena_printf(arena, "segments: column %s cannot be computed: %s", name,
                               column->problem);
    else if (column->kind != VG_KIND_TEXT && column->kind != VG_KIND_BOOL)
        text = vg_arena_printf(arena,
                               "segments: column %s is of type %s, and only text and boolean "
                               "columns tell rows apart; compute one: {expr: \"%s::text\", "
                               "type: text}",
                               name, column->type, name);
    else
        return NULL;
    *failed |= !text;
    return text;
}

static int bind_split(struct vg_plan *plan, size_t i, const struct vg_rejects *rejects,
                      struct vg_arena *arena)
{
    struct vg_plan_split *split = &plan->splits[i];
    const struct vg_segment_spec *spec = split->spec = &plan->dataset->segments[i];
    const struct vg_catalog_column *column = vg_catalog_find(plan->catalog, spec->column);
    const struct vg_reference_column *then =
        plan->reference ? vg_reference_find(plan->reference, spec->column) : NULL;
    bool failed = false;
    split->problem = vg_segment_problem(spec->column, column, arena, &failed);
    const char *rejected = column ? vg_plan_reject(rejects, vg_sql_item(column)) : NULL;
    if (!split->problem && rejected) {
        split->problem = vg_arena_printf(arena, "segments: column %s cannot be computed: %s",
                                         spec->column, rejected);
        failed |= !split->problem;
    }
    split->known = spec->values.n || (then && then->total && then->total->top);
    if (failed ||
        vg_segment_values(spec, then ? then->total : NULL, arena, &split->values, &split->left) < 0)
        return -1;
    plan->nsegments += split->values.n + 1;
    return 0;
}

static int name_segments(struct vg_plan *plan, size_t i, struct vg_arena *arena)
{
    struct vg_plan_split *split = &plan->splits[i];
    split->first = plan->nsegments;
    for (size_t route = 0; route <= split->values.n; route++) {
        struct vg_plan_segment *segment = &plan->segments[plan->nsegments++];
        const char *value = route ? split->values.items[route - 1] : NULL;
        *segment = (struct vg_plan_segment){.value = value, .split = i, .route = route};
        segment->name = vg_segment_name(split->spec->column, value, arena);
        if (!segment->name)
            return -1;
        if (plan->reference)
            segment->reference = vg_reference_segment(plan->reference, segment->name);
    }
    return 0;
}

int vg_plan_split(struct vg_plan *plan, const struct vg_rejects *rejects, struct vg_arena *arena)
{
    size_t n = plan->dataset->nsegments;
    plan->splits = vg_arena_array(arena, n, sizeof *plan->splits);
    plan->tallied = vg_arena_array(arena, n, sizeof *plan->tallied);
    if (!plan->splits || !plan->tallied)
        return -1;
    plan->nsplits = n;
    for (size_t i = 0; i < n; i++) {
        plan->tallied[i] = VG_TALLY_NONE;
        if (bind_split(plan, i, rejects, arena) < 0)
            return -1;
    }
    plan->segments = vg_arena_array(arena, plan->nsegments, sizeof *plan->segments);
    plan->nsegments = 0;
    for (size_t i = 0; plan->segments && i < n; i++) {
        if (name_segments(plan, i, arena) < 0)
            return -1;
    }
    return plan->segments ? 0 : -1;
}

/* --- Counting --------------------------------------------------------------------------------- */

static size_t estimate(const struct vg_plan *plan, const struct vg_tally_column *columns)
{
    size_t bytes = sizeof(struct vg_summary), segments = 0;
    for (size_t i = 0; i < plan->tally.ncolumns; i++) {
        const struct vg_grid *grid = columns[i].coarse;
        bytes += sizeof(struct vg_column_summary);
        bytes += grid ? (2 * (size_t)grid->n + 1) * sizeof(uint64_t) : 0;
    }
    bytes += plan->tally.npredicates * sizeof(struct vg_predicate_summary);
    for (size_t i = 0; i < plan->nsplits; i++)
        segments += plan->splits[i].problem ? 0 : plan->splits[i].values.n + 1;
    return segments * bytes * plan->tally.nvariants;
}

static int refuse_all(struct vg_plan *plan, struct vg_arena *arena)
{
    const char *text = vg_arena_printf(
        arena,
        "segments: counts of %zu segments and %zu columns would need %.1f MiB, allowed are %d: "
        "set most, or name fewer columns",
        plan->nsegments, plan->tally.ncolumns, (double)plan->segment_bytes / (1 << 20),
        VG_SEGMENT_BYTES >> 20);
    for (size_t i = 0; i < plan->nsplits; i++)
        plan->splits[i].problem = plan->splits[i].problem ? plan->splits[i].problem : text;
    return text ? 0 : -1;
}

int vg_plan_tally_segments(struct vg_plan *plan, struct vg_tally_column *columns,
                           const size_t *items, struct vg_arena *arena)
{
    for (size_t i = 0; i < plan->tally.ncolumns; i++) {
        const struct vg_reference_column *then =
            plan->reference ? vg_reference_find(plan->reference, columns[i].name) : NULL;
        columns[i].coarse = columns[i].grid && then ? then->coarse : NULL;
    }
    plan->segment_bytes = estimate(plan, columns);
    if (plan->segment_bytes > VG_SEGMENT_BYTES)
        return refuse_all(plan, arena);
    struct vg_tally_split *splits = vg_arena_array(arena, plan->nsplits, sizeof *splits);
    struct vg_routes *routes = vg_arena_array(arena, plan->nsplits, sizeof *routes);
    if (!splits || !routes)
        return -1;
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct vg_strings *values = &plan->splits[i].values;
        if (plan->splits[i].problem || !plan->splits[i].known)
            continue;
        if (vg_routes_make(values->items, values->n, arena, &routes[i]) < 0)
            return -1;
        plan->tallied[i] = plan->tally.nsplits;
        splits[plan->tally.nsplits++] = (struct vg_tally_split){items[i], &routes[i]};
    }
    plan->tally.splits = splits;
    return 0;
}

/* --- Rules ------------------------------------------------------------------------------------ */

bool vg_plan_judges(const struct vg_plan *plan, const struct vg_rule *rule,
                    const struct vg_plan_segment *segment)
{
    const struct vg_segment_spec *spec = plan->splits[segment->split].spec;
    if (rule->unsegmented || !vg_check_segmented(rule->type))
        return false;
    if (rule->compare.segment)
        return vg_streq(rule->compare.segment, spec->column) &&
               (segment->value || !plan->splits[segment->split].known) &&
               !vg_streq(segment->value, rule->compare.baseline);
    return !rule->segment || vg_streq(rule->segment, spec->column);
}

/* Without a plan, or without values, whatever bears a column's name may be a segment of it. */
static bool may_be(const struct vg_segment_spec *spec, const struct vg_rule *rule, const char *name)
{
    size_t n = strlen(spec->column);
    const char *only = rule->compare.segment ? rule->compare.segment : rule->segment;
    return !strncmp(name, spec->column, n) && name[n] == '=' &&
           (!only || vg_streq(only, spec->column));
}

bool vg_plan_names_segment(const struct vg_dataset *dataset, const struct vg_plan *plan,
                           const struct vg_rule *rule, const char *name)
{
    if (!name || !*name)
        return !rule->compare.segment;
    if (rule->unsegmented || !vg_check_segmented(rule->type))
        return false;
    bool bound = plan && plan->splits;
    for (size_t i = 0; i < dataset->nsegments; i++) {
        bool known = bound && plan->splits[i].known;
        if (!known && may_be(&dataset->segments[i], rule, name))
            return true;
    }
    for (size_t i = 0; bound && i < plan->nsegments; i++) {
        if (!strcmp(plan->segments[i].name, name) && vg_plan_judges(plan, rule, &plan->segments[i]))
            return true;
    }
    return false;
}
