/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One rule file as a dataset: its scalars, who is told; the rest is beside it.
 * Every part is read whatever the parts before it were like, so that all faults come out at once.
 */
#include "agent/rules/rule.h"

#include <stdlib.h>
#include <string.h>

#include "agent/rules/reading.h"
#include "agent/yaml/value_quiet.h"
#include "pgvigil/text.h"

struct vg_loc vg_rule_loc(const struct vg_rule_reading *in, struct vg_loc loc)
{
    loc.file = in->dataset->file;
    return loc;
}

struct vg_loc vg_key_loc(const struct vg_node *mapping, const char *key)
{
    for (size_t i = 0; mapping->kind == VG_NODE_MAPPING && i < mapping->n; i++) {
        if (!strcmp(mapping->entries[i].key, key))
            return mapping->entries[i].loc;
    }
    return mapping->loc;
}

void vg_rule_connection(struct vg_rule_reading *in, const struct vg_node *node, const char *name)
{
    struct vg_reader *r = &in->r;
    const struct vg_config *config = in->names;
    if (!config || vg_config_connection(config, name))
        return;
    const char **words = vg_arena_array(r->scratch, config->nconnections + 1, sizeof *words);
    for (size_t i = 0; words && i < config->nconnections; i++)
        words[i] = config->connections[i].name;
    const char *hint = words ? vg_read_advice(r, name, words, config->nconnections) : NULL;
    vg_read_fault(r, node->loc,
                  hint ? hint : "connections stand in pgvigil.yaml, under connections:",
                  "there is no connection \"%s\"", vg_read_shown(r, name));
}

static void read_sample(struct vg_rule_reading *in)
{
    if (in->raw.sample)
        vg_read_sample(&in->r, in->raw.sample, &in->dataset->sample);
    else if (in->config && in->config->default_sample_set)
        in->dataset->sample = in->config->default_sample;
}

/* Limits are taken one by one: a file may raise one of the defaults and keep the others. */
static void read_caps(struct vg_rule_reading *in)
{
    if (in->config)
        in->dataset->caps = in->config->default_caps;
    if (in->raw.limits)
        vg_read_caps(&in->r, in->raw.limits, &in->dataset->caps);
    if (in->dataset->skip_unchanged && in->dataset->time_column)
        vg_read_fault(&in->r, vg_key_loc(in->r.document->root, "skip_unchanged"),
                      "leave it out: with a time column only new rows are read anyway",
                      "skip_unchanged is for tables without a time column");
}

static bool copy_strings(struct vg_reader *r, const struct vg_strings *from, struct vg_strings *to)
{
    const char **items = vg_arena_array(r->arena, from->n + 1, sizeof *items);
    bool fine = items != NULL;
    for (size_t i = 0; fine && i < from->n; i++)
        fine = (items[i] = vg_arena_strdup(r->arena, from->items[i]));
    r->memory = r->memory || !fine;
    *to = (struct vg_strings){fine ? items : NULL, fine ? from->n : 0};
    return fine;
}

static void default_notify(struct vg_rule_reading *in, const struct vg_config *config)
{
    struct vg_notify_given *notify = &in->notify;
    if (!notify->has_to)
        copy_strings(&in->r, &config->default_to, &notify->to);
    if (!notify->has_warn)
        copy_strings(&in->r, &config->default_warn_to, &notify->warn);
    if (notify->remind_us == VG_DEFAULT && config->default_remind_set)
        notify->remind_us = config->default_remind_us;
    if (notify->group_for_us == VG_DEFAULT && config->default_group_for_set)
        notify->group_for_us = config->default_group_for_us;
    if (notify->blind_after_us == VG_DEFAULT)
        notify->blind_after_us = config->default_blind_after_us;
    if (notify->after == VG_DEFAULT)
        notify->after = config->default_after;
    if (notify->resolve_after == VG_DEFAULT)
        notify->resolve_after = config->default_resolve_after;
}

static void read_notify(struct vg_rule_reading *in)
{
    struct vg_notify_given *notify = &in->notify;
    *notify = (struct vg_notify_given){.remind_us = VG_DEFAULT,
                                       .group_for_us = VG_DEFAULT,
                                       .blind_after_us = VG_DEFAULT,
                                       .after = VG_DEFAULT,
                                       .resolve_after = VG_DEFAULT};
    if (in->raw.notify)
        vg_read_notify(&in->r, in->raw.notify, &vg_notify_table, in->names, notify);
    in->names_receivers = notify->has_to;
    if (in->config)
        default_notify(in, in->config);
    in->dataset->to = notify->to;
    in->dataset->warn_to = notify->warn;
    in->dataset->remind_us = notify->remind_us == VG_DEFAULT ? 0 : notify->remind_us;
    in->dataset->group_for_us =
        notify->group_for_us == VG_DEFAULT ? 4 * VG_HOUR_US : notify->group_for_us;
}

/* The dataset's own scalars; what is a mapping of its own is only noted. */
static void read_top(struct vg_rule_reading *in, const struct vg_node *root)
{
    struct vg_raw_dataset *raw = &in->raw;
    struct vg_part part;
    raw->role = -1;
    vg_read_table(&in->r, root, &vg_dataset_table, &part, raw);
    if (vg_part_fine(&part, "version") && raw->version != 1)
        vg_read_fault(&in->r, vg_node_get(root, "version")->loc, "version: 1",
                      "this program reads version 1 of rule files");
    const char *file = in->dataset->file;
    *in->dataset = raw->dataset;
    in->dataset->file = file;
    in->dataset->loc = vg_rule_loc(in, vg_key_loc(root, "dataset"));
    in->dataset->role = (enum vg_role)(raw->role + 1);
    in->dataset->max_offending = (size_t)raw->max_offending;
    vg_read_link(&in->r, vg_node_get(root, "runbook"), "runbook", raw->dataset.runbook, false);
    if (vg_part_fine(&part, "was") && vg_streq(in->dataset->was, in->dataset->id))
        vg_read_fault(&in->r, vg_node_get(root, "was")->loc, NULL,
                      "was: a dataset cannot take over from itself");
}

static void read_all(struct vg_rule_reading *in, const struct vg_node *root)
{
    read_top(in, root);
    vg_rule_source(in);
    vg_rule_quarantine(in);
    vg_rule_schedule(in);
    read_sample(in);
    vg_rule_sample(in);
    read_caps(in);
    vg_rule_drift(in);
    vg_rule_reference(in);
    read_notify(in);
    if (in->raw.silences)
        vg_read_quiets(&in->r, in->raw.silences, &in->dataset->quiet, &in->dataset->nquiet);
    vg_rule_implicit(in);
    vg_rule_columns(in);
    vg_rule_decoded(in);
    vg_rule_importances(in);
    vg_rule_checks(in);
    vg_rule_segments(in);
    vg_rule_identities(in);
}

/* Moves the rules from the heap to where they stay. */
static bool keep_rules(struct vg_rule_reading *in)
{
    struct vg_rule *rules = vg_arena_array(in->r.arena, in->nrules + 1, sizeof *rules);
    if (rules && in->nrules)
        memcpy(rules, in->rules, in->nrules * sizeof *rules);
    in->dataset->rules = rules;
    in->dataset->nrules = in->nrules;
    return rules != NULL;
}

static void report_memory(struct vg_diags *diags, const char *path)
{
    vg_diag_add(diags, VG_GRADE_ERROR, (struct vg_loc){path, 0, 0}, NULL, NULL, "out of memory");
}

int vg_rule_parse(const struct vg_rule_text *in, struct vg_arena *arena, struct vg_diags *diags,
                  struct vg_dataset **out)
{
    int rc = -1;
    size_t errors = diags->errors;
    struct vg_document *document = NULL;
    struct vg_rule_reading reading = {.config = in->config,
                                      .names = in->nameless ? NULL : in->config,
                                      .r = {.arena = arena, .diags = diags}};
    *out = NULL;
    struct vg_arena *scratch = reading.r.scratch = vg_arena_new();
    reading.dataset = vg_arena_alloc(arena, sizeof *reading.dataset);
    if (!scratch || !reading.dataset ||
        !(reading.dataset->file = vg_arena_strdup(arena, in->path)) ||
        vg_yaml_parse(in->text, in->n, in->path, scratch, diags, &document) < 0) {
        report_memory(diags, in->path);
        goto out;
    }
    reading.r.document = document;
    if (document->root)
        read_all(&reading, document->root);
    if (reading.r.memory || !keep_rules(&reading))
        report_memory(diags, in->path);
    if (diags->errors == errors) {
        *out = reading.dataset;
        rc = 0;
    }
out:
    free(reading.rules);
    vg_arena_free(scratch);
    return rc;
}
