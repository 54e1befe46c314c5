/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which segments a plan has. Their values come from the rule file or the reference, and stay known
 * where the column is gone: its segments are then unknown, not retired. Pure. */
#include "agent/plan_segments.h"

#include <math.h>
#include <string.h>

#include "agent/plan_bind.h"
#include "agent/reference.h"
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

/* Below this share of the rows, what the most frequent values hold is no part worth a name. */
static const double least_share = 0.05;

static const char *tell_left(const struct vg_segment_spec *spec,
                             const struct vg_segment_choice *choice, double share,
                             struct vg_arena *arena)
{
    size_t n = choice->left;
    if (choice->scattered)
        return vg_arena_printf(arena,
                               "%s tells no segments apart: of its %zu values or more, the %zu most"
                               " frequent are %.2g%% of the reference's rows",
                               spec->column, n, spec->most, 100 * share);
    return vg_arena_printf(arena,
                           "%zu more value%s of %s %s in the segment other: most "
                           "is %zu",
                           n, n == 1 ? "" : "s", spec->column, n == 1 ? "is" : "are", spec->most);
}

/* The entries in descending order of their rows. */
static int choose_values(const struct vg_segment_spec *spec, const struct vg_top_entry *entries,
                         size_t n, struct vg_arena *arena, struct vg_segment_choice *out)
{
    const char **items = vg_arena_array(arena, spec->most, sizeof *items);
    if (!items)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (out->values.n == spec->most || !is_whole(&entries[i])) {
            out->left++;
            continue;
        }
        items[out->values.n] = vg_arena_strdup(arena, entries[i].label);
        if (!items[out->values.n++])
            return -1;
    }
    out->values.items = items;
    return 0;
}

int vg_segment_values(const struct vg_segment_spec *spec, const struct vg_column_summary *total,
                      struct vg_arena *arena, struct vg_segment_choice *out)
{
    *out = (struct vg_segment_choice){.values = spec->values};
    if (spec->values.n || !total || !total->top)
        return 0;
    size_t most = vg_top_size(total->top);
    struct vg_top_entry *entries = vg_arena_array(arena, most, sizeof *entries);
    bool sampled;
    if (!entries)
        return -1;
    size_t n = vg_top_largest(total->top, entries, most, &sampled);
    double rows = 0, all = fmax((double)total->rows, 1);
    for (size_t i = 0; i < n && i < spec->most; i++)
        rows += (double)entries[i].count;
    out->scattered =
        n > spec->most && (rows < least_share * all || entries[spec->most / 2].count < 2);
    if (out->scattered)
        out->left = n;
    else if (choose_values(spec, entries, n, arena, out) < 0)
        return -1;
    if (out->left)
        out->told = tell_left(spec, out, rows / all, arena);
    return out->left && !out->told ? -1 : 0;
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
    struct vg_segment_choice choice;
    if (failed || vg_segment_values(spec, then ? then->total : NULL, arena, &choice) < 0)
        return -1;
    split->values = choice.values;
    split->left = choice.left;
    split->scattered = choice.scattered;
    split->told = choice.told;
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

enum { NAME_BYTES = 64, CELL_BYTES = 32 };

/* Whether a rule that is judged per segment needs this of the column. */
static bool is_needed(const struct vg_plan *plan, const char *column, unsigned needs)
{
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_bound *bound = &plan->bound[i];
        if (!bound->problem && vg_streq(bound->rule.column, column) &&
            bound->rule.type->needs & needs && !bound->rule.unsegmented &&
            !vg_rule_unsegmented(&bound->rule))
            return true;
    }
    return false;
}

/* The parts of a column in every segment: a grid is better than a few cells of quantiles. */
static void choose_parts(const struct vg_plan *plan, struct vg_tally_column *column)
{
    const struct vg_reference_column *then =
        plan->reference ? vg_reference_find(plan->reference, column->name) : NULL;
    bool ranked = column->quantiles && is_needed(plan, column->name, VG_NEEDS_QUANTILE);
    bool same = then && then->kind == column->kind;
    column->coarse = (column->grid || ranked) && same ? then->coarse : NULL;
    bool listed = column->top && is_needed(plan, column->name, VG_NEEDS_TOP);
    column->segment = (struct vg_part_sizes){
        .parts = (column->distinct ? VG_PART_HLL : 0u) | (listed ? VG_PART_TOP : 0u) |
                 (ranked && !column->coarse ? VG_PART_QUANTILE : 0u),
        .hll_bits = VG_HLL_SMALL_BITS,
        .values = VG_SEGMENT_CATEGORIES_LEAST,
        .cells = VG_QUANTILE_SMALL_CELLS,
    };
}

/* The bytes of one segment in a variant, without values of categories; those are counted. */
static size_t measure_variant(const struct vg_plan *plan, size_t v, size_t *categories)
{
    const struct vg_tally_variant *variant = &plan->tally.variants[v];
    size_t bytes = sizeof(struct vg_summary);
    size_t n = variant->none ? 0 : variant->columns ? variant->ncolumns : plan->tally.ncolumns;
    for (size_t i = 0; i < n; i++) {
        const struct vg_tally_column *column =
            &plan->tally.columns[variant->columns ? variant->columns[i] : i];
        const struct vg_grid *grid = column->coarse;
        unsigned parts = column->segment.parts;
        bytes += sizeof(struct vg_column_summary) + NAME_BYTES;
        bytes += grid ? (2 * (size_t)grid->n + 1) * sizeof(uint64_t) : 0;
        bytes += parts & VG_PART_HLL ? (size_t)1 << column->segment.hll_bits : 0;
        bytes += parts & VG_PART_QUANTILE ? (size_t)column->segment.cells * CELL_BYTES : 0;
        *categories += parts & VG_PART_TOP && column->kind == VG_KIND_TEXT;
    }
    for (size_t i = 0; i < plan->tally.npredicates; i++)
        bytes += plan->tally.predicates[i].variant == v
                     ? sizeof(struct vg_predicate_summary) + NAME_BYTES
                     : 0;
    return bytes;
}

uint32_t vg_segment_categories(size_t free_bytes, size_t tables, int64_t most)
{
    size_t values = tables ? free_bytes / tables / VG_VALUE_BYTES : VG_SEGMENT_CATEGORIES;
    values = values < VG_SEGMENT_CATEGORIES ? values : VG_SEGMENT_CATEGORIES;
    return (uint32_t)(most && (size_t)most < values ? (size_t)most : values);
}

/* What is left beside the counts holds the values of categories, as many of each as there is room
 * for. */
static void estimate(struct vg_plan *plan, struct vg_tally_column *columns)
{
    size_t bytes = 0, categories = 0, segments = 0, least = VG_SEGMENT_CATEGORIES_LEAST;
    for (size_t v = 0; v < plan->tally.nvariants; v++)
        bytes += measure_variant(plan, v, &categories);
    for (size_t i = 0; i < plan->nsplits; i++)
        segments += plan->splits[i].problem ? 0 : plan->splits[i].values.n + 1;
    bytes *= segments;
    size_t most = VG_SEGMENT_BYTES, left = bytes < most ? most - bytes : 0;
    size_t tables = segments * categories;
    uint32_t values = vg_segment_categories(left, tables, plan->dataset->caps.categories);
    bool tight = tables && left / tables / VG_VALUE_BYTES < least; /* to be refused */
    plan->segment_values = categories ? (tight ? (uint32_t)least : values) : 0;
    plan->segment_bytes = bytes + tables * plan->segment_values * VG_VALUE_BYTES;
    for (size_t i = 0; i < plan->tally.ncolumns && plan->segment_values; i++)
        columns[i].segment.values = plan->segment_values;
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
    for (size_t i = 0; i < plan->tally.ncolumns && plan->nsplits; i++)
        choose_parts(plan, &columns[i]);
    estimate(plan, columns);
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
    const struct vg_plan_split *split = &plan->splits[segment->split];
    const struct vg_segment_spec *spec = split->spec;
    bool apart = split->known && !split->scattered;
    if (rule->unsegmented || vg_reference_apart(rule) || vg_rule_unsegmented(rule))
        return false;
    if (rule->compare.segment)
        return vg_streq(rule->compare.segment, spec->column) && (segment->value || !apart) &&
               !vg_streq(segment->value, rule->compare.baseline);
    return !split->scattered && (!rule->segment || vg_streq(rule->segment, spec->column));
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
    if (rule->unsegmented || vg_rule_unsegmented(rule))
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
