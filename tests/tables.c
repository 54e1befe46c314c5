/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints the program's own tables as JSON, for tests/docs.py to compare the documentation with:
 * every key of both kinds of files, and every metric. The checks print themselves (pgvigil checks
 * --json). */
#include <jansson.h>
#include <stdio.h>

#include "agent/metrics/metrics.h"
#include "agent/template.h"
#include "agent/yaml/value.h"

static json_t *make_key(const struct vg_key *key, struct vg_arena *arena)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s?, s:b, s:s}", "name", key->name, "type",
                     vg_key_type_name(key, arena), "default", vg_key_default(key), "required",
                     key->required, "least", key->least, "most", key->most, "refused",
                     key->type == VG_VALUE_REFUSED, "doc", key->doc);
}

static json_t *make_tables(const struct vg_key_table *const *tables, size_t n,
                           struct vg_arena *arena)
{
    json_t *out = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *keys = json_array();
        for (size_t k = 0; k < tables[i]->n; k++)
            json_array_append_new(keys, make_key(&tables[i]->keys[k], arena));
        if (json_object_get(out, tables[i]->mapping)) {
            fprintf(stderr, "two tables are called %s\n", tables[i]->mapping);
            json_decref(keys);
            json_decref(out);
            return NULL;
        }
        json_object_set_new(out, tables[i]->mapping, keys);
    }
    return out;
}

static json_t *make_metrics(void)
{
    size_t n;
    const struct vg_metric_type *types = vg_metric_types(&n);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:b, s:s, s:s}", "name", types[i].name,
                                             "type", vg_metric_kind_name(types[i].kind),
                                             "of_dataset", types[i].of_dataset, "labels",
                                             types[i].labels, "help", types[i].help));
    return out;
}

static json_t *make_words(const struct vg_template_word *(*word)(size_t i))
{
    json_t *out = json_array();
    for (size_t i = 0; word(i); i++)
        json_array_append_new(out,
                              json_pack("{s:s, s:s}", "name", word(i)->name, "doc", word(i)->doc));
    return out;
}

int main(void)
{
    struct vg_arena *arena = vg_arena_new();
    size_t nconfig, nrules;
    const struct vg_key_table *const *config = vg_config_tables(&nconfig);
    const struct vg_key_table *const *rules = vg_rule_tables(&nrules);
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:{s:o, s:o}}", "config", make_tables(config, nconfig, arena), "rules",
        make_tables(rules, nrules, arena), "metrics", make_metrics(), "template", "variables",
        make_words(vg_template_variable), "filters", make_words(vg_template_filter));
    int rc = root ? json_dumpf(root, stdout, JSON_INDENT(1)) : -1;
    json_decref(root);
    vg_arena_free(arena);
    return rc ? 1 : 0;
}
