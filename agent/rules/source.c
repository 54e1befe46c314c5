/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: of a rule file, a table or a query, long or not, and the rules that such a source brings
 * with it without being asked: a value that cannot be converted, or a name that is no column, must
 * not pass unseen. */
#include <string.h>

#include "agent/rules/reading.h"
#include "agent/sql.h"
#include "agent/sql_feast.h"
#include "pgvigil/text.h"

static struct vg_loc find_loc(struct vg_rule_reading *in, const struct vg_part *part,
                              const char *key)
{
    struct vg_loc none = {0};
    if (!vg_part_fine(part, key))
        return none;
    return vg_rule_loc(in, vg_node_get(in->raw.source, key)->loc);
}

static void read_long_source(struct vg_rule_reading *in, const struct vg_node *node)
{
    struct vg_long_source *out = &in->dataset->long_source;
    struct vg_raw_long raw = {.decode = -1};
    struct vg_part part;
    if (!vg_read_table(&in->r, node, &vg_long_table, &part, &raw))
        return;
    out->name = raw.name;
    out->value = raw.value;
    out->loc = vg_rule_loc(in, vg_key_loc(in->raw.source, "long"));
    if (out->name && vg_streq(out->name, out->value))
        vg_read_fault(&in->r, node->loc, "long: {name: feature_name, value: value}",
                      "name and value of a long source are two columns");
    vg_rule_decode(in, &raw);
}

/* Exactly one of table and query. */
static void check_relation(struct vg_rule_reading *in, const struct vg_part *part)
{
    const struct vg_node *source = in->raw.source;
    bool table = vg_part_given(part, "table"), query = vg_part_given(part, "query");
    if (table && query)
        vg_read_fault(&in->r, vg_key_loc(source, "query"), "leave one of the two out",
                      "a source is a table or a query, not both");
    else if (!table && !query && source->kind == VG_NODE_MAPPING && !source->partial)
        vg_read_fault(&in->r, source->loc,
                      "table, view or partitioned table: schema.name; or query: one SELECT",
                      "\"table\" is missing in source");
}

void vg_rule_source(struct vg_rule_reading *in)
{
    struct vg_dataset *dataset = in->dataset;
    struct vg_raw_source raw = {0};
    struct vg_part part;
    if (!in->raw.source || !vg_read_table(&in->r, in->raw.source, &vg_source_table, &part, &raw))
        return;
    check_relation(in, &part);
    dataset->connection = raw.connection;
    dataset->query = raw.query;
    dataset->table = raw.query ? "the query" : raw.table;
    dataset->filter = raw.filter;
    dataset->time_column = raw.time_column;
    dataset->key = raw.key;
    dataset->connection_loc = find_loc(in, &part, "connection");
    dataset->table_loc = find_loc(in, &part, raw.query ? "query" : "table");
    dataset->filter_loc = find_loc(in, &part, "filter");
    dataset->time_loc = find_loc(in, &part, "time_column");
    if (vg_part_fine(&part, "connection"))
        vg_rule_connection(in, vg_node_get(in->raw.source, "connection"), raw.connection);
    if (raw.wide)
        read_long_source(in, raw.wide);
}

void vg_rule_sample(struct vg_rule_reading *in)
{
    const struct vg_dataset *dataset = in->dataset;
    if (dataset->query && dataset->sample.mode != VG_SAMPLE_ALL && !dataset->key.n)
        vg_read_fault(&in->r, dataset->table_loc, "source: {key: [id]}",
                      "rows of a query are sampled by a hash of the key, and the source has none");
}

/* --- Rules a source brings with it ------------------------------------------------------------ */

static void add_rule(struct vg_rule_reading *in, const struct vg_check_type *type,
                     const char *column, struct vg_loc loc, bool warns)
{
    struct vg_rule_site site = {type, column, loc};
    struct vg_rule *rule = vg_rule_add(in, &site);
    if (!rule)
        return;
    rule->implicit = true;
    if (warns)
        rule->limits.has_warn = true;
    else
        vg_rule_default_limit(type, &rule->limits);
    vg_rule_default_params(in, rule);
}

/* Whether the column's values are converted here: texts, or those of a decoded feature. */
static bool converts(struct vg_rule_reading *in, const struct vg_entry *entry)
{
    const struct vg_node *expr = vg_node_get(entry->value, "expr");
    const struct vg_node *type = vg_node_get(entry->value, "type");
    struct vg_sql_cast cast;
    struct vg_feast_type decoded;
    if (expr)
        return expr->kind == VG_NODE_SCALAR && vg_sql_cast_of(expr->text, &cast);
    return in->dataset->long_source.codec && type && type->kind == VG_NODE_SCALAR &&
           vg_feast_type(type->text, &decoded) && decoded.oid;
}

/* Such a column has the check `cast`, unless it is written. */
static void add_cast(struct vg_rule_reading *in, const struct vg_entry *entry)
{
    const struct vg_check_type *type = vg_check_find("cast");
    const struct vg_node *expr = vg_node_get(entry->value, "expr");
    if (!type || vg_node_get(entry->value, type->name) || !strcmp(entry->key, "*") ||
        vg_streq(entry->key, in->dataset->time_column) || !converts(in, entry))
        return;
    const char *column = vg_arena_strdup(in->r.arena, entry->key);
    in->r.memory = in->r.memory || !column;
    if (column)
        add_rule(in, type, column, expr ? expr->loc : entry->loc, false);
}

void vg_rule_revisited(struct vg_rule_reading *in)
{
    const struct vg_schedule *schedule = &in->dataset->schedule;
    const struct vg_check_type *late = vg_check_find("late_rows");
    const struct vg_check_type *rewritten = vg_check_find("rewritten");
    size_t before = in->nrules;
    if (late && schedule->nrevisits && !vg_rule_is_written(in->raw.checks, late->name))
        add_rule(in, late, NULL, in->dataset->loc, false);
    if (in->nrules > before)
        in->rules[before].severity = VG_SEVERITY_WARNING;
    if (rewritten && schedule->immutable_us && !vg_rule_is_written(in->raw.checks, rewritten->name))
        add_rule(in, rewritten, NULL, in->dataset->loc, false);
}

void vg_rule_sourced(struct vg_rule_reading *in)
{
    const struct vg_node *columns = in->raw.columns;
    const struct vg_check_type *names = vg_check_find("unknown_names");
    bool wide = in->dataset->long_source.name != NULL;
    if (wide && names && !vg_rule_is_written(in->raw.checks, names->name))
        add_rule(in, names, NULL, in->dataset->long_source.loc, true);
    size_t n = columns && columns->kind == VG_NODE_MAPPING ? columns->n : 0;
    for (size_t i = 0; i < n && !in->r.memory; i++)
        add_cast(in, &columns->entries[i]);
    if (wide && n > VG_LONG_NAMES)
        vg_read_fault(&in->r, columns->loc, "read some of the names only: source.filter",
                      "a long source has at most %d names", VG_LONG_NAMES);
}
