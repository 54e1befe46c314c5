/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Binding rules to what the database really has, and choosing what to scan. Pure. The scan holds
 * the columns with rules, the key and the time, each once, then one condition per distinct `where`.
 */
#include "agent/plan.h"

#include <string.h>

#include "agent/plan_bind.h"
#include "agent/plan_pairs.h"
#include "agent/plan_segments.h"
#include "pgvigil/text.h"

struct draft { /* the plan while its parts grow; sizes are known bounds */
    struct vg_plan *plan;
    const struct vg_rejects *rejects;
    struct vg_arena *arena;
    const char **items;
    bool *columned; /* per item: a column, not a condition */
    struct vg_tally_column *columns;
    size_t ncolumns;
    struct vg_tally_predicate *predicates;
    size_t npredicates;
    const char **where; /* per variant; 0 is all rows */
    struct vg_tally_variant *variants;
    size_t nvariants;
    size_t *keys;
    size_t nkeys;
};

int vg_plan_cells(const struct vg_dataset *dataset, struct vg_arena *arena, struct vg_strings *out,
                  bool *all)
{
    const char **items = vg_arena_array(arena, dataset->nrules + 1, sizeof *items);
    if (!items)
        return -1;
    size_t n = 0;
    *all = vg_plan_has_pairs(dataset);
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        unsigned wanted = dataset->nsegments ? VG_NEEDS_CELLS | VG_NEEDS_QUANTILE : VG_NEEDS_CELLS;
        if (!(rule->type->needs & wanted) || !rule->column)
            continue;
        if (!strcmp(rule->column, "*"))
            *all = true;
        items[n++] = rule->column;
    }
    *out = (struct vg_strings){items, n};
    return 0;
}

static size_t find_item(const struct draft *draft, const struct vg_catalog_column *column)
{
    for (size_t i = 0; i < draft->plan->nitems; i++) {
        bool same = !strcmp(draft->items[i], vg_sql_item(column)) &&
                    draft->plan->query[i].cast_oid == column->cast_oid &&
                    draft->plan->query[i].codec == column->codec;
        if (draft->columned[i] && same)
            return i;
    }
    return VG_TALLY_NONE;
}

static size_t add_item(struct draft *draft, const struct vg_catalog_column *column, bool raw)
{
    size_t at = find_item(draft, column);
    if (at == VG_TALLY_NONE) {
        at = draft->plan->nitems++;
        draft->columned[at] = true;
        draft->items[at] = vg_sql_item(column);
        draft->plan->query[at] = vg_sql_query_column(column);
    }
    draft->plan->query[at].raw |= raw;
    return at;
}

/* A boolean of the scan that is no column. */
static size_t add_condition(struct draft *draft, const char *condition, const char *test)
{
    size_t at = draft->plan->nitems++;
    draft->items[at] = vg_arena_printf(draft->arena, "((\n%s\n)%s)", condition, test);
    draft->plan->query[at] =
        (struct vg_query_column){.kind = VG_KIND_BOOL, .wire_oid = VG_OID_BOOL};
    return draft->items[at] ? at : VG_TALLY_NONE;
}

static int add_variant(struct draft *draft, struct vg_bound *bound)
{
    if (!bound->rule.where || bound->problem || bound->rule.type->needs & VG_NEEDS_LOOKUP)
        return 0;
    for (size_t v = 1; v < draft->nvariants; v++) {
        if (!strcmp(draft->where[v], bound->rule.where)) {
            bound->variant = v;
            return 0;
        }
    }
    size_t at = add_condition(draft, bound->rule.where, " IS TRUE");
    if (at == VG_TALLY_NONE)
        return -1;
    bound->variant = draft->nvariants;
    draft->where[draft->nvariants] = bound->rule.where;
    draft->variants[draft->nvariants++] = (struct vg_tally_variant){.condition = at};
    return 0;
}

static const struct vg_grid *find_grid(const struct vg_plan *plan,
                                       const struct vg_catalog_column *column)
{
    const struct vg_reference_column *reference =
        plan->reference ? vg_reference_find(plan->reference, column->name) : NULL;
    bool same = reference && reference->fine && reference->kind == column->kind;
    return same ? reference->fine->grid : NULL;
}

static void add_column(struct draft *draft, const struct vg_catalog_column *column, unsigned needs)
{
    size_t at = add_item(draft, column, false);
    const struct vg_grid *grid = needs & VG_NEEDS_CELLS ? find_grid(draft->plan, column) : NULL;
    for (size_t i = 0; i < draft->ncolumns; i++) {
        if (!strcmp(draft->columns[i].name, column->name)) {
            draft->columns[i].grid = grid ? grid : draft->columns[i].grid;
            draft->columns[i].quantiles |= (needs & VG_NEEDS_QUANTILE) != 0;
            draft->columns[i].gaps |= (needs & VG_NEEDS_GAPS) != 0;
            return;
        }
    }
    draft->columns[draft->ncolumns++] = (struct vg_tally_column){
        .name = column->name,
        .source = at,
        .route = column->route,
        .kind = column->kind,
        .grid = grid,
        .distinct = column->kind != VG_KIND_OTHER,
        .top = (column->kind == VG_KIND_TEXT || column->kind == VG_KIND_BOOL) &&
               !vg_dataset_is_private(draft->plan->dataset, column->name),
        .quantiles = needs & VG_NEEDS_QUANTILE,
        .values = (uint32_t)draft->plan->dataset->caps.categories,
        .gaps = needs & VG_NEEDS_GAPS,
    };
}

static bool has_warn_bounds(const struct vg_rule *rule)
{
    return rule->type->bounds == VG_BOUNDS_ON_ROWS &&
           (rule->limits.warn_bounds.has_min || rule->limits.warn_bounds.has_max);
}

static void add_predicates(struct draft *draft, const struct vg_bound *bound,
                           const struct vg_catalog_column *column, size_t source)
{
    for (int warn = 0; warn <= has_warn_bounds(&bound->rule); warn++)
        draft->predicates[draft->npredicates++] = (struct vg_tally_predicate){
            .rule = &bound->rule,
            .warn = warn,
            .source = source,
            .variant = bound->variant,
            .route = column ? column->route : 0,
        };
}

/* The rows whose name is no column; only a long source has some. */
static void add_unnamed(struct draft *draft, const struct vg_bound *bound)
{
    if (draft->plan->catalog->names)
        draft->predicates[draft->npredicates++] = (struct vg_tally_predicate){
            .rule = &bound->rule, .variant = bound->variant, .unrouted = true};
}

static int add_rule(struct draft *draft, struct vg_bound *bound)
{
    const struct vg_rule *rule = &bound->rule;
    if (bound->problem || rule->type->cadence != VG_ON_WINDOW)
        return 0;
    if (add_variant(draft, bound) < 0)
        return -1;
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(draft->plan->catalog, rule->column) : NULL;
    unsigned of_column =
        VG_NEEDS_COLUMN | VG_NEEDS_CELLS | VG_NEEDS_TOP | VG_NEEDS_PREDICATE | VG_NEEDS_QUANTILE;
    if (column && rule->type->needs & of_column)
        add_column(draft, column, rule->type->needs);
    if (column && rule->type->needs & VG_NEEDS_PREDICATE)
        add_predicates(draft, bound, column, find_item(draft, column));
    if (column && rule->type->needs & VG_NEEDS_CONDITION && !bound->condition)
        add_predicates(draft, bound, column, add_item(draft, column, true));
    if (rule->type->needs & VG_NEEDS_NAMES)
        add_unnamed(draft, bound);
    if (!bound->condition)
        return 0;
    size_t at = add_condition(draft, bound->condition, " AND true");
    if (at == VG_TALLY_NONE)
        return -1;
    add_predicates(draft, bound, column, at);
    return 0;
}

static void add_keys(struct draft *draft)
{
    const struct vg_dataset *dataset = draft->plan->dataset;
    for (size_t i = 0; i < dataset->key.n; i++) {
        const struct vg_catalog_column *column =
            vg_catalog_find(draft->plan->catalog, dataset->key.items[i]);
        bool usable = column && !column->unreadable && !column->problem &&
                      !vg_plan_reject(draft->rejects, vg_sql_item(column));
        if (usable && !dataset->private_keys)
            draft->keys[draft->nkeys++] = add_item(draft, column, true);
    }
}

/* --- Checksums -------------------------------------------------------------------------------- */

/* What items mean, so that windows read by other ones are not compared. */
static uint64_t hash_items(const struct draft *draft, const size_t *items, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        const char *text = draft->items[items[i]];
        uint64_t parts[] = {seed, draft->plan->query[items[i]].wire_oid,
                            vg_hash64(text, strlen(text))};
        seed = vg_hash64(parts, sizeof parts);
    }
    return seed ? seed : 1;
}

/* The key, also where it is private: the hash of a window shows no value of it. */
static void add_checked_keys(struct draft *draft, size_t *keys, struct vg_checksum_plan *out)
{
    const struct vg_dataset *dataset = draft->plan->dataset;
    for (size_t i = 0; i < dataset->key.n; i++) {
        const struct vg_catalog_column *column =
            vg_catalog_find(draft->plan->catalog, dataset->key.items[i]);
        if (!column || column->unreadable || column->problem ||
            vg_plan_reject(draft->rejects, vg_sql_item(column)))
            return; /* a part of a key is no key */
        keys[i] = add_item(draft, column, true);
    }
    out->keys = keys;
    out->nkeys = dataset->key.n;
}

static bool reads(const struct draft *draft, const char *name)
{
    const struct vg_catalog_column *column = vg_catalog_find(draft->plan->catalog, name);
    return column && find_item(draft, column) != VG_TALLY_NONE;
}

static bool has_private(const struct draft *draft)
{
    const struct vg_plan *plan = draft->plan;
    bool found = plan->dataset->private_keys && plan->dataset->key.n;
    for (size_t i = 0; i < plan->private_columns.n && !found; i++)
        found = reads(draft, plan->private_columns.items[i]);
    return found;
}

/* Where windows are read again: all columns that are read anyway, and the key. A sample would be
 * another one the next time: its rows are counted only. */
static int plan_checksum(struct draft *draft)
{
    struct vg_plan *plan = draft->plan;
    const struct vg_dataset *dataset = plan->dataset;
    struct vg_checksum_plan *out = &plan->checksum;
    if (!plan->time || !dataset->schedule.nrevisits || dataset->sample.mode != VG_SAMPLE_ALL)
        return 0;
    size_t most = plan->nitems + dataset->key.n;
    size_t *columns = vg_arena_array(draft->arena, most + 1, sizeof *columns);
    size_t *keys = vg_arena_array(draft->arena, dataset->key.n + 1, sizeof *keys);
    if (!columns || !keys)
        return -1;
    add_checked_keys(draft, keys, out);
    for (size_t i = 0; i < plan->nitems; i++) {
        if (!draft->columned[i])
            continue;
        plan->query[i].raw = true;
        columns[out->ncolumns++] = i;
    }
    out->columns = columns;
    uint64_t seed = dataset->filter ? vg_hash64(dataset->filter, strlen(dataset->filter)) : 0;
    out->scope = hash_items(draft, columns, out->ncolumns, seed);
    out->keys_scope = hash_items(draft, keys, out->nkeys, seed);
    out->is_private = has_private(draft);
    return 0;
}

static int allocate(struct draft *draft, size_t nbound)
{
    size_t most = draft->plan->catalog->n + 2 * nbound + draft->plan->dataset->key.n +
                  draft->plan->dataset->nsegments + 2;
    draft->items = vg_arena_array(draft->arena, most, sizeof *draft->items);
    draft->columned = vg_arena_array(draft->arena, most, sizeof *draft->columned);
    draft->plan->query = vg_arena_array(draft->arena, most, sizeof *draft->plan->query);
    draft->columns = vg_arena_array(draft->arena, most, sizeof *draft->columns);
    draft->predicates = vg_arena_array(draft->arena, 2 * most, sizeof *draft->predicates);
    draft->where = vg_arena_array(draft->arena, most, sizeof *draft->where);
    draft->variants = vg_arena_array(draft->arena, most, sizeof *draft->variants);
    draft->keys = vg_arena_array(draft->arena, most, sizeof *draft->keys);
    bool ok = draft->items && draft->columned && draft->plan->query && draft->columns &&
              draft->predicates && draft->where && draft->variants && draft->keys;
    return ok ? 0 : -1;
}

static void find_time(struct vg_plan *plan)
{
    const struct vg_dataset *dataset = plan->dataset;
    if (!dataset->time_column)
        return;
    const struct vg_catalog_column *time = vg_catalog_find(plan->catalog, dataset->time_column);
    if (!time)
        plan->time_problem = "the time column does not exist";
    else if (time->unreadable)
        plan->time_problem = "no permission to read the time column";
    else if (time->problem)
        plan->time_problem = time->problem;
    else if (time->kind != VG_KIND_TIME)
        plan->time_problem = "the time column is not a date or timestamp";
    else if (time->wire_oid == VG_OID_DATE && dataset->schedule.window_us < VG_DAY_US)
        plan->time_problem = "a date column needs windows of whole days";
    else
        plan->time = time;
}

static int fill_private(struct vg_plan *plan, struct vg_arena *arena)
{
    const char **items = vg_arena_array(arena, plan->catalog->n, sizeof *items);
    size_t n = 0;
    if (!items)
        return -1;
    for (size_t i = 0; i < plan->catalog->n; i++) {
        if (vg_dataset_is_private(plan->dataset, plan->catalog->columns[i].name))
            items[n++] = plan->catalog->columns[i].name;
    }
    plan->private_columns = (struct vg_strings){items, n};
    return 0;
}

static void fill_tally(struct draft *draft)
{
    struct vg_plan *plan = draft->plan;
    plan->items = draft->items;
    plan->tally = (struct vg_tally_plan){
        .columns = draft->columns,
        .ncolumns = draft->ncolumns,
        .predicates = draft->predicates,
        .npredicates = draft->npredicates,
        .variants = draft->variants,
        .nvariants = draft->nvariants,
        .keys = draft->keys,
        .nkeys = draft->nkeys,
        .max_keys = plan->dataset->max_offending,
        .time = plan->time_item,
    };
}

int vg_plan_routes(const struct vg_catalog *catalog, struct vg_arena *arena,
                   const struct vg_routes **out)
{
    *out = NULL;
    if (!catalog->names)
        return 0;
    struct vg_routes *routes = vg_arena_alloc(arena, sizeof *routes);
    const char **names = vg_arena_array(arena, catalog->n + 1, sizeof *names);
    if (!routes || !names)
        return -1;
    size_t n = 0;
    for (size_t i = 0; i < catalog->n; i++) {
        if (catalog->columns[i].route)
            names[n++] = catalog->columns[i].name;
    }
    *out = routes;
    return vg_routes_make(names, n, arena, routes);
}

static int add_routes(struct draft *draft)
{
    const struct vg_catalog *catalog = draft->plan->catalog;
    if (!catalog->names)
        return 0;
    const struct vg_catalog_column *column = vg_catalog_find(catalog, catalog->names);
    if (!column)
        BUG("a long source without its column %s", catalog->names);
    draft->plan->tally.names = add_item(draft, column, false);
    return vg_plan_routes(catalog, draft->arena, &draft->plan->tally.routes);
}

/* The columns that tell rows apart are read too. */
static int add_segments(struct draft *draft, size_t *items)
{
    struct vg_plan *plan = draft->plan;
    if (vg_plan_split(plan, draft->rejects, draft->arena) < 0)
        return -1;
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct vg_plan_split *split = &plan->splits[i];
        if (!split->problem)
            items[i] = add_item(draft, vg_catalog_find(plan->catalog, split->spec->column), false);
    }
    return 0;
}

static int add_pairs(struct draft *draft)
{
    struct vg_plan *plan = draft->plan;
    struct vg_tally_rank *ranked;
    if (vg_plan_pairs(plan, draft->rejects, draft->arena, &ranked, &plan->tally.nranked) < 0)
        return -1;
    for (size_t i = 0; i < plan->tally.nranked; i++)
        ranked[i].source = add_item(draft, vg_catalog_find(plan->catalog, ranked[i].name), false);
    plan->tally.ranked = ranked;
    return 0;
}

int vg_plan_make(const struct vg_dataset *dataset, const struct vg_catalog *catalog,
                 const struct vg_reference *reference, const struct vg_rejects *rejects,
                 struct vg_arena *arena, struct vg_plan *out, struct vg_error *err)
{
    *out = (struct vg_plan){.dataset = dataset, .catalog = catalog, .reference = reference};
    struct draft draft = {.plan = out, .rejects = rejects, .arena = arena};
    if (vg_plan_bind(out, rejects, arena) < 0 || allocate(&draft, out->nbound) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    find_time(out);
    out->time_item = out->time ? add_item(&draft, out->time, false) : VG_TALLY_NONE;
    draft.variants[0] = (struct vg_tally_variant){.condition = VG_TALLY_NONE};
    draft.nvariants = 1;
    for (size_t i = 0; i < out->nbound; i++) {
        if (add_rule(&draft, &out->bound[i]) < 0)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    /* Without an index the newest row is known by the scan alone. */
    if (out->time && !out->time->indexed_first)
        add_column(&draft, out->time, 0);
    add_keys(&draft);
    if (fill_private(out, arena) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t segments[VG_SEGMENTATIONS] = {0};
    if (add_segments(&draft, segments) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    fill_tally(&draft);
    if (vg_plan_variants(out, draft.variants, arena) < 0 ||
        vg_plan_tally_segments(out, draft.columns, segments, arena) < 0 || add_routes(&draft) < 0 ||
        add_pairs(&draft) < 0 || plan_checksum(&draft) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return 0;
}

struct vg_rows_of vg_plan_rows(const struct vg_plan *plan, const struct vg_window *window,
                               double sample_percent)
{
    return (struct vg_rows_of){
        .dataset = plan->dataset,
        .catalog = plan->catalog,
        .time = plan->time,
        .range = plan->time ? window : NULL,
        .sample_percent = sample_percent,
    };
}
