/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where checks stand: below a column, below its drift:, below checks:, or nowhere, since every
 * dataset has them. A check that stands in the wrong place is told where it belongs. */
#include <stdlib.h>
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

enum place { IN_COLUMN, IN_DRIFT, IN_CHECKS };
_Static_assert((int)IN_CHECKS < (int)VG_RULE_PLACES, "the reading keeps the keys of each place");

static enum place find_place(const struct vg_check_type *type)
{
    if (!type->of_column)
        return IN_CHECKS;
    return type->class == VG_CLASS_DRIFT ? IN_DRIFT : IN_COLUMN;
}

static bool stands_in(const struct vg_check_type *type, enum place place)
{
    return find_place(type) == place || (type->of_both && place != IN_DRIFT);
}

/* Where to write a check that stands somewhere else. */
static const char *advise_place(struct vg_rule_reading *in, const struct vg_check_type *type)
{
    static const char *const forms[] = {[IN_COLUMN] = "columns: {name: {%s: ...}}",
                                        [IN_DRIFT] = "columns: {name: {drift: {%s: ...}}}",
                                        [IN_CHECKS] = "checks: [{%s: ...}]"};
    const char *form = forms[find_place(type)];
    const char *gap = strstr(form, "%s");
    return vg_read_printf(&in->r, "%.*s%s%s", (int)(gap - form), form, type->name, gap + 2);
}

static void fill_keys(struct vg_rule_reading *in, enum place place, struct vg_key *keys)
{
    for (size_t i = 0; i < vg_checks_n; i++) {
        const struct vg_check_type *type = vg_checks[i];
        bool here = stands_in(type, place);
        keys[i] = (struct vg_key){
            .name = type->name,
            .type = here ? VG_VALUE_NODE : VG_VALUE_REFUSED,
            .offset = i * sizeof(struct vg_node *),
            .fallback = here ? NULL : advise_place(in, type),
            .doc = here ? type->doc : vg_read_printf(&in->r, "%s does not stand here", type->name),
        };
        in->r.memory = in->r.memory || !keys[i].doc;
    }
}

/* The checks as keys: those of this place as nodes, the others as refused; in scratch, made once.
 */
static struct vg_part make_keys(struct vg_rule_reading *in, enum place place)
{
    struct vg_part *part = &in->places[place];
    if (!part->keys) {
        struct vg_key *keys = vg_arena_array(in->r.scratch, vg_checks_n + 1, sizeof *keys);
        part->out = vg_arena_array(in->r.scratch, vg_checks_n + 1, sizeof(struct vg_node *));
        in->r.memory = in->r.memory || !keys || !part->out;
        if (keys && part->out)
            fill_keys(in, place, keys);
        part->keys = keys;
        part->n = in->r.memory ? 0 : vg_checks_n;
    }
    return *part;
}

/* The rules of a mapping in the order in which they stand. */
static void read_checks(struct vg_rule_reading *in, const struct vg_node *node, enum place place,
                        const char *column)
{
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        const struct vg_entry *entry = &node->entries[i];
        const struct vg_check_type *type = vg_check_find(entry->key);
        struct vg_rule_site site = {type, column, entry->loc};
        if (type && stands_in(type, place))
            vg_rule_read(in, &site, entry->value);
    }
}

static void read_column_drift(struct vg_rule_reading *in, const struct vg_node *node,
                              const char *column)
{
    if (vg_rule_budget_switch(in, node, column))
        return;
    struct vg_part part = make_keys(in, IN_DRIFT);
    if (vg_read_mapping(&in->r, node, "drift", &part, 1))
        read_checks(in, node, IN_DRIFT, column);
}

static bool is_key(const struct vg_dataset *dataset, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < dataset->key.n && !found; i++)
        found = vg_streq(dataset->key.items[i], column);
    return found;
}

/* Keys are private unless each of them, or private_keys, says otherwise. */
static void settle_privacy(struct vg_rule_reading *in, const struct vg_entry *entry, bool private,
                           size_t *open_keys)
{
    struct vg_dataset *dataset = in->dataset;
    if (!is_key(dataset, entry->key))
        return;
    if (!private)
        ++*open_keys;
    else if (!dataset->private_keys)
        vg_read_fault(&in->r, vg_key_loc(entry->value, "private"), "leave one of the two out",
                      "the key is private here, but private_keys is false");
}

static void check_expression(struct vg_rule_reading *in, const struct vg_entry *entry,
                             const struct vg_part *part, struct vg_column_spec *out)
{
    struct vg_loc loc = vg_key_loc(entry->value, "expr");
    out->expr_loc = vg_rule_loc(in, loc);
    if (!vg_part_given(part, "type") && !entry->value->partial)
        vg_read_fault(&in->r, loc, "type: double precision",
                      "a column with \"expr\" needs a \"type\"");
    if (!strcmp(entry->key, "*"))
        vg_read_fault(&in->r, loc, "write the column out", "\"*\" cannot have \"expr\"");
}

static void read_column(struct vg_rule_reading *in, const struct vg_entry *entry,
                        struct vg_column_spec *out, size_t *open_keys)
{
    struct vg_raw_column raw = {0};
    struct vg_part parts[] = {
        {.keys = vg_column_table.keys, .n = vg_column_table.n, .out = &raw},
        make_keys(in, IN_COLUMN),
    };
    const char *what = vg_read_printf(&in->r, "column \"%s\"", vg_read_shown(&in->r, entry->key));
    out->name = vg_arena_strdup(in->r.arena, entry->key);
    out->loc = vg_rule_loc(in, entry->loc);
    in->r.memory = in->r.memory || !out->name || !what;
    if (in->r.memory || !vg_read_mapping(&in->r, entry->value, what, parts, 2))
        return;
    out->type = raw.type;
    out->expr = raw.expr;
    out->is_private = raw.is_private;
    out->prediction = (enum vg_prediction)raw.prediction;
    if (vg_part_given(&parts[0], "expr"))
        check_expression(in, entry, &parts[0], out);
    if (vg_part_fine(&parts[0], "private"))
        settle_privacy(in, entry, raw.is_private, open_keys);
    /* Drift stands among the other checks: rules keep the order of the file. */
    for (size_t i = 0; i < entry->value->n; i++) {
        const struct vg_entry *inner = &entry->value->entries[i];
        struct vg_node one = {.kind = VG_NODE_MAPPING, .loc = inner->loc, .n = 1, .entries = inner};
        if (!strcmp(inner->key, "drift") && inner->value->kind != VG_NODE_BAD) {
            out->undrifted = vg_node_off(inner->value);
            read_column_drift(in, inner->value, out->name);
        } else
            read_checks(in, &one, IN_COLUMN, out->name);
    }
}

void vg_rule_columns(struct vg_rule_reading *in)
{
    const struct vg_node *columns = in->raw.columns;
    if (!columns)
        return;
    if (columns->kind != VG_NODE_MAPPING) {
        vg_read_fault(&in->r, columns->loc, "columns: {name: {nulls: 1%}}",
                      "columns must be a mapping, not %s",
                      vg_node_null(columns) ? "empty" : vg_node_noun(columns));
        return;
    }
    size_t open_keys = 0;
    struct vg_column_spec *specs = vg_arena_array(in->r.arena, 2 * columns->n + 1, sizeof *specs);
    size_t n = columns->n;
    in->r.memory = in->r.memory || !specs;
    for (size_t i = 0; i < columns->n && !in->r.memory; i++) {
        size_t first = in->nrules;
        read_column(in, &columns->entries[i], &specs[i], &open_keys);
        if (specs[i].prediction)
            vg_rule_prediction(in, &specs[i], first, &specs[n]);
        n += specs[n].name != NULL;
    }
    in->dataset->columns = specs;
    in->dataset->ncolumns = n;
    if (open_keys && open_keys == in->dataset->key.n)
        in->dataset->private_keys = false;
}

/* --- checks: ---------------------------------------------------------------------------------- */

static void report_item(struct vg_rule_reading *in, const struct vg_node *item)
{
    if (item->kind == VG_NODE_MAPPING && item->n > 1)
        vg_read_fault(&in->r, item->entries[1].loc,
                      "a new check begins with a dash; what belongs to a check is indented further",
                      "an item of checks is one check");
    else if (item->kind != VG_NODE_BAD && !(item->kind == VG_NODE_MAPPING && item->partial))
        vg_read_fault(&in->r, item->loc, "- freshness: 8h",
                      "an item of checks is one check, not %s",
                      item->kind == VG_NODE_MAPPING ? "an empty mapping" : vg_node_noun(item));
}

void vg_rule_checks(struct vg_rule_reading *in)
{
    const struct vg_node *checks = in->raw.checks;
    if (!checks || checks->kind == VG_NODE_BAD)
        return;
    if (checks->kind != VG_NODE_SEQUENCE) {
        vg_read_fault(&in->r, checks->loc, "checks: [{freshness: 8h}]",
                      "checks must be a list, not %s",
                      vg_node_null(checks) ? "empty" : vg_node_noun(checks));
        return;
    }
    for (size_t i = 0; i < checks->n && !in->r.memory; i++) {
        const struct vg_node *item = checks->items[i];
        struct vg_part part = make_keys(in, IN_CHECKS);
        if (item->kind != VG_NODE_MAPPING || item->n != 1)
            report_item(in, item);
        else if (vg_read_mapping(&in->r, item, "checks", &part, 1))
            read_checks(in, item, IN_CHECKS, NULL);
    }
}

bool vg_rule_is_written(const struct vg_node *checks, const char *name)
{
    bool found = false;
    for (size_t i = 0; checks && checks->kind == VG_NODE_SEQUENCE && i < checks->n; i++)
        found = found || vg_node_get(checks->items[i], name);
    return found;
}

void vg_rule_implicit(struct vg_rule_reading *in)
{
    for (size_t i = 0; i < vg_checks_n && !in->r.memory; i++) {
        const struct vg_check_type *type = vg_checks[i];
        struct vg_rule_site site = {type, NULL, in->dataset->loc};
        if (!type->implicit || vg_rule_is_written(in->raw.checks, type->name))
            continue;
        struct vg_rule *rule = vg_rule_add(in, &site);
        if (!rule)
            return;
        rule->implicit = true;
        vg_rule_default_limit(type, &rule->limits);
        vg_rule_default_params(in, rule);
    }
    vg_rule_sourced(in);
    vg_rule_revisited(in);
}

/* --- Identities ------------------------------------------------------------------------------- */

static int compare_rules(const void *pa, const void *pb)
{
    const struct vg_rule *a = *(const struct vg_rule *const *)pa;
    const struct vg_rule *b = *(const struct vg_rule *const *)pb;
    int order = strcmp(a->id, b->id);
    return order ? order : a < b ? -1 : a > b;
}

static void report_same(struct vg_rule_reading *in, const struct vg_rule *first,
                        const struct vg_rule *rule)
{
    const char *shown = vg_read_shown(&in->r, rule->id);
    if (first->implicit)
        vg_read_fault(&in->r, rule->loc, "give it another id",
                      "the id \"%s\" belongs to a rule that every dataset has", shown);
    else
        vg_read_fault(&in->r, rule->loc, "give one of them an \"id\" of its own",
                      "the id \"%s\" is taken by the rule in line %u", shown, first->loc.line);
}

static void check_former(struct vg_rule_reading *in, const struct vg_rule *const *order,
                         const struct vg_rule *rule)
{
    size_t from = 0, to = in->nrules;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(order[middle]->id, rule->was) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from < in->nrules && vg_streq(order[from]->id, rule->was))
        vg_read_fault(&in->r, rule->loc, "was: names a rule that is no longer in the file",
                      "was: the rule \"%s\" still exists, in line %u",
                      vg_read_shown(&in->r, rule->was), order[from]->loc.line);
}

void vg_rule_identities(struct vg_rule_reading *in)
{
    const struct vg_rule **order = vg_arena_array(in->r.scratch, in->nrules + 1, sizeof *order);
    in->r.memory = in->r.memory || !order;
    if (in->r.memory)
        return;
    for (size_t i = 0; i < in->nrules; i++)
        order[i] = &in->rules[i];
    qsort(order, in->nrules, sizeof *order, compare_rules);
    for (size_t i = 1, first = 0; i < in->nrules; i++) {
        first = vg_streq(order[first]->id, order[i]->id) ? first : i;
        if (first != i)
            report_same(in, order[first], order[i]);
    }
    for (size_t i = 0; i < in->nrules; i++) {
        if (in->rules[i].was)
            check_former(in, order, &in->rules[i]);
    }
}
