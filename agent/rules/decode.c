/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decode: and entity: of a long source. The join keys in a serialised entity key become columns
 * that the server computes, as if each had been written with `expr`; the types of features must be
 * such as their values can have. */
#include <stdlib.h>
#include <string.h>

#include "agent/rules/reading.h"
#include "agent/sql.h"
#include "agent/sql_feast.h"
#include "pgvigil/text.h"

enum { EXPRESSION_MAX = 1 << 20, FIRST_CHOICE = 0 };

static const struct vg_node *find_entity(const struct vg_rule_reading *in)
{
    const struct vg_node *wide = in->raw.source ? vg_node_get(in->raw.source, "long") : NULL;
    return wide && wide->kind == VG_NODE_MAPPING ? vg_node_get(wide, "entity") : NULL;
}

static bool is_key_type(const struct vg_node *node, struct vg_feast_type *out)
{
    static const char *const names[] = {"bigint", "int8", "integer", "int", "int4", "text"};
    for (size_t i = 0; node->kind == VG_NODE_SCALAR && i < sizeof names / sizeof *names; i++) {
        if (!strcmp(node->text, names[i]))
            return vg_feast_type(node->text, out);
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Feast writes the keys in the order of their names. */
static void read_entity(struct vg_rule_reading *in, const struct vg_node *node)
{
    struct vg_long_source *out = &in->dataset->long_source;
    static const char hint[] = "entity: {driver_id: bigint}";
    if (node->kind != VG_NODE_MAPPING || !node->n || node->n > VG_FEAST_KEYS) {
        vg_read_fault(&in->r, node->loc, hint,
                      "entity must be a mapping of 1 to %d join keys to their types",
                      VG_FEAST_KEYS);
        return;
    }
    const char **names = vg_arena_array(in->r.arena, node->n, sizeof *names);
    in->r.memory = in->r.memory || !names;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_feast_type type;
        names[i] = vg_arena_strdup(in->r.arena, node->entries[i].key);
        in->r.memory = in->r.memory || !names[i];
        if (!is_key_type(node->entries[i].value, &type))
            vg_read_fault(&in->r, node->entries[i].value->loc, hint,
                          "a join key is bigint, integer or text");
    }
    if (in->r.memory)
        return;
    qsort(names, node->n, sizeof *names, compare_names);
    out->entity = (struct vg_strings){names, node->n};
}

void vg_rule_decode(struct vg_rule_reading *in, const struct vg_raw_long *raw)
{
    struct vg_long_source *out = &in->dataset->long_source;
    const struct vg_node *wide = vg_node_get(in->raw.source, "long");
    out->codec = raw->decode == FIRST_CHOICE ? VG_CODEC_FEAST : VG_CODEC_NONE;
    out->entity_key = raw->entity_key ? raw->entity_key : "entity_key";
    if (!out->codec && (raw->entity_key || raw->entity)) {
        vg_read_fault(&in->r, vg_key_loc(wide, raw->entity ? "entity" : "entity_key"),
                      "decode: feast", "%s: needs \"decode\"",
                      raw->entity ? "entity" : "entity_key");
        return;
    }
    if (raw->entity)
        read_entity(in, raw->entity);
}

/* --- Columns ---------------------------------------------------------------------------------- */

static struct vg_column_spec *find_column(struct vg_column_spec *columns, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (vg_streq(columns[i].name, name))
            return &columns[i];
    }
    return NULL;
}

static const char *write_key(struct vg_rule_reading *in, const struct vg_node *node, size_t at,
                             uint32_t oid)
{
    const struct vg_long_source *wide = &in->dataset->long_source;
    struct vg_buf name, expr;
    vg_buf_init(&name, EXPRESSION_MAX);
    vg_buf_init(&expr, EXPRESSION_MAX);
    vg_sql_put_name(&name, wide->entity_key);
    vg_feast_put_key(&expr, name.failed ? "" : name.data, &wide->entity, at, oid);
    bool failed = name.failed || expr.failed;
    const char *text = failed ? NULL : vg_arena_strdup(in->r.arena, expr.data);
    if (failed)
        vg_read_fault(&in->r, node->loc, "shorter names",
                      "the names of the join keys make an expression of more than %d bytes",
                      EXPRESSION_MAX);
    else
        in->r.memory = in->r.memory || !text;
    vg_buf_free(&name);
    vg_buf_free(&expr);
    return text;
}

/* What the file says of the column, if it does, stays: its checks and whether it is private. */
static void add_key(struct vg_rule_reading *in, struct vg_column_spec *columns, size_t *n,
                    size_t at)
{
    const char *name = in->dataset->long_source.entity.items[at];
    const struct vg_node *node = vg_node_get(find_entity(in), name);
    struct vg_column_spec *column = find_column(columns, *n, name);
    struct vg_feast_type type;
    if (!node || !is_key_type(node, &type))
        return;
    if (column && column->expr) {
        vg_read_fault(&in->r, column->loc, "leave one of the two out",
                      "the column \"%s\" has \"expr\" and is a join key of entity",
                      vg_read_shown(&in->r, name));
        return;
    }
    if (!column) {
        column = &columns[(*n)++];
        *column = (struct vg_column_spec){.name = name, .loc = vg_rule_loc(in, node->loc)};
    }
    column->type = vg_arena_strdup(in->r.arena, node->text);
    column->expr = write_key(in, node, at, type.oid);
    column->expr_loc = vg_rule_loc(in, node->loc);
    in->r.memory = in->r.memory || !column->type;
}

static void check_type(struct vg_rule_reading *in, const struct vg_column_spec *column)
{
    const struct vg_node *columns = in->raw.columns;
    struct vg_feast_type type;
    if (!column->type || column->expr || vg_feast_type(column->type, &type))
        return;
    const struct vg_node *node = vg_node_get(columns, column->name);
    vg_read_fault(&in->r, vg_key_loc(node, "type"),
                  "boolean, integer, bigint, real, double precision, numeric, text, timestamptz or "
                  "an array of one of them",
                  "no value of Feast has the type \"%s\"", vg_read_shown(&in->r, column->type));
}

void vg_rule_decoded(struct vg_rule_reading *in)
{
    struct vg_dataset *dataset = in->dataset;
    const struct vg_strings *entity = &dataset->long_source.entity;
    if (!dataset->long_source.codec || in->r.memory)
        return;
    size_t n = dataset->ncolumns;
    struct vg_column_spec *columns =
        vg_arena_array(in->r.arena, n + entity->n + 1, sizeof *columns);
    if (!columns) {
        in->r.memory = true;
        return;
    }
    if (n)
        memcpy(columns, dataset->columns, n * sizeof *columns);
    for (size_t i = 0; i < entity->n && !in->r.memory; i++)
        add_key(in, columns, &n, i);
    for (size_t i = 0; i < n; i++)
        check_type(in, &columns[i]);
    dataset->columns = columns;
    dataset->ncolumns = n;
}
