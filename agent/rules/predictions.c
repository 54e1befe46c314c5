/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prediction: of a column, and importances: of a dataset. A prediction is watched even where no
 * check of it is written: its drift, and for a probability that of the model's confidence, a
 * column that the server computes. */
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

/* The customary limit of PSI; and no class may win or lose a tenth of the rows. */
static const struct {
    const char *check;
    double limit;
} own[] = {[VG_PREDICTION_PROBABILITY] = {"psi", .25},
           [VG_PREDICTION_CLASS] = {"linf", .1},
           [VG_PREDICTION_SCORE] = {"psi", .25}};

static bool is_drift(const struct vg_rule *rule)
{
    return rule->type->class == VG_CLASS_DRIFT && rule->type->needs_reference;
}

/* Whether the budget of "*" watches the columns that have no drift of their own. */
static bool has_budget(const struct vg_rule_reading *in)
{
    const struct vg_node *all = vg_node_get(in->raw.columns, "*");
    const struct vg_node *drift =
        all && all->kind == VG_NODE_MAPPING ? vg_node_get(all, "drift") : NULL;
    if (!drift)
        return false;
    if (drift->kind == VG_NODE_MAPPING)
        return vg_node_get(drift, "budget") != NULL;
    return drift->kind == VG_NODE_SCALAR && drift->plain && !strcmp(drift->text, "true");
}

static void add_own(struct vg_rule_reading *in, const struct vg_column_spec *column)
{
    struct vg_rule_site site = {vg_check_find(own[column->prediction].check), column->name,
                                column->loc};
    struct vg_rule *rule = site.type ? vg_rule_add(in, &site) : NULL;
    if (!rule)
        return;
    rule->limits.has_fail = true;
    rule->limits.fail = own[column->prediction].limit;
    vg_rule_default_params(in, rule);
}

/* "column" as an identifier, or the expression that computes it. */
static void put_column(struct vg_buf *out, const struct vg_column_spec *column)
{
    if (column->expr) {
        vg_buf_printf(out, "(%s)", column->expr);
        return;
    }
    vg_buf_putc(out, '"');
    for (const char *c = column->name; *c; c++)
        vg_buf_puts(out, *c == '"' ? "\"\"" : (const char[]){*c, '\0'});
    vg_buf_putc(out, '"');
}

static const char *write_confidence(struct vg_rule_reading *in, const struct vg_column_spec *column)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 1 << 20);
    vg_buf_puts(&buf, "CAST(GREATEST(");
    put_column(&buf, column);
    vg_buf_puts(&buf, ", 1 - ");
    put_column(&buf, column);
    vg_buf_puts(&buf, ") AS pg_catalog.float8)");
    const char *text = buf.failed ? NULL : vg_arena_strdup(in->r.arena, buf.data);
    vg_buf_free(&buf);
    return text;
}

/* Both ids are made of a column and its check: ".drift", or ".drift." and a name. */
static bool ends_alike(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), n = 0;
    while (n < na && n < nb && a[na - 1 - n] == b[nb - 1 - n])
        n++;
    return strstr(a + na - n, ".drift") != NULL;
}

/* The drift rules of the probability, of the confidence. */
static void copy_rules(struct vg_rule_reading *in, const struct vg_column_spec *more, size_t first,
                       size_t last)
{
    for (size_t i = first; i < last && !in->r.memory; i++) {
        if (!is_drift(&in->rules[i]))
            continue;
        struct vg_rule_site site = {in->rules[i].type, more->name, in->rules[i].loc};
        const char *own_id = in->rules[i].id;
        struct vg_rule *rule = vg_rule_add(in, &site);
        if (!rule)
            return;
        const struct vg_rule *from = &in->rules[i];
        const char *id = rule->id;
        bool named = id && !ends_alike(own_id, id);
        *rule = *from;
        rule->id = named ? vg_arena_printf(in->r.arena, "%s_confidence", own_id) : id;
        rule->was = NULL;
        rule->column = more->name;
        in->r.memory = in->r.memory || !rule->id;
    }
}

void vg_rule_prediction(struct vg_rule_reading *in, const struct vg_column_spec *column,
                        size_t first, struct vg_column_spec *more)
{
    bool drift = column->undrifted || has_budget(in);
    if (!strcmp(column->name, "*")) {
        vg_read_fault(&in->r, column->loc, "write the column out", "\"*\" cannot be a prediction");
        return;
    }
    for (size_t i = first; i < in->nrules; i++)
        drift |= is_drift(&in->rules[i]);
    if (!in->raw.reference || in->r.document->root->partial)
        return;
    if (!drift)
        add_own(in, column);
    size_t last = in->nrules;
    if (column->prediction != VG_PREDICTION_PROBABILITY || in->dataset->long_source.name)
        return;
    *more = (struct vg_column_spec){
        .name = vg_arena_printf(in->r.arena, "%s_confidence", column->name),
        .prediction = VG_PREDICTION_CONFIDENCE,
        .loc = column->loc,
        .type = "double precision",
        .is_private = column->is_private,
        .undrifted = column->undrifted,
        .expr = write_confidence(in, column),
        .expr_loc = column->loc,
    };
    in->r.memory = in->r.memory || !more->name || !more->expr;
    if (in->r.memory)
        return;
    if (vg_node_get(in->raw.columns, more->name))
        vg_read_fault(&in->r, column->loc, "give that column another name by expr",
                      "\"%s\" is the confidence of the prediction \"%s\"",
                      vg_read_shown(&in->r, more->name), vg_read_shown(&in->r, column->name));
    copy_rules(in, more, first, last);
}

void vg_rule_importances(struct vg_rule_reading *in)
{
    static const struct vg_key weight = {.name = "weight", .type = VG_VALUE_NUMBER, .least = "0"};
    const struct vg_node *node = in->raw.importances;
    struct vg_dataset *dataset = in->dataset;
    if (!node || node->kind == VG_NODE_BAD)
        return;
    if (node->kind != VG_NODE_MAPPING || node->n > VG_IMPORTANCES) {
        vg_read_fault(&in->r, node->loc, "importances: {distance: 0.4, carrier: 0.1}",
                      "importances is a mapping of at most %d columns to weights", VG_IMPORTANCES);
        return;
    }
    dataset->importances = vg_arena_array(in->r.arena, node->n + 1, sizeof *dataset->importances);
    in->r.memory = in->r.memory || !dataset->importances;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_importance *out = &dataset->importances[dataset->nimportances];
        out->column = vg_arena_strdup(in->r.arena, node->entries[i].key);
        out->loc = vg_rule_loc(in, node->entries[i].loc);
        in->r.memory = in->r.memory || !out->column;
        if (node->entries[i].value->kind != VG_NODE_BAD &&
            vg_read_value(&in->r, node->entries[i].value, &weight, "a weight", &out->weight))
            dataset->nimportances++;
    }
}
