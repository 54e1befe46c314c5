/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What retrains a model, and when: the keys of every retraining, and those of the one training
 * system it names, by that system's own table (agent/triggers). */
#include <string.h>

#include "agent/config/reading.h"
#include "agent/triggers/systems.h"
#include "pgvigil/text.h"

static void read_classes(struct vg_config_reading *in, const struct vg_node *node,
                         const struct vg_strings *names, struct vg_retraining *out)
{
    const char *words[VG_CLASSES];
    for (int class = 0; class < VG_CLASSES; class ++)
        words[class] = vg_class_name((enum vg_class) class);
    for (size_t i = 0; i < names->n; i++) {
        const struct vg_node *item = node->kind == VG_NODE_SEQUENCE ? node->items[i] : node;
        unsigned bit = 0;
        for (unsigned class = 0; class < VG_CLASSES; class ++)
            bit |= vg_streq(names->items[i], words[class]) ? 1u << class : 0;
        out->when |= bit;
        if (!bit)
            vg_read_fault(&in->r, item->loc,
                          vg_read_advice(&in->r, names->items[i], words, VG_CLASSES),
                          "when: there is no class \"%s\"", vg_read_shown(&in->r, names->items[i]));
        else if (bit != 1u << VG_CLASS_DRIFT)
            vg_read_fault(&in->r, item->loc, "when: [drift]",
                          "when: this version retrains on drift only, not on %s yet",
                          names->items[i]);
    }
}

/* --- Training systems ------------------------------------------------------------------------- */

/* Mappings of the user's become JSON texts with their {{name}} checked. */
static void take_templates(struct vg_config_reading *in, const struct vg_key_table *table,
                           void *settings)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct vg_key *key = &table->keys[i];
        if (key->type != VG_VALUE_NODE || !strcmp(key->name, "headers"))
            continue;
        union vg_trigger_template *at =
            (union vg_trigger_template *)(void *)((char *)settings + key->offset);
        const struct vg_node *node = at->node;
        at->text = node ? vg_config_body(in, node, key->name) : NULL;
    }
}

static void check_token(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_trigger_settings *settings)
{
    const struct vg_node *command = vg_node_get(node, "token_command");
    const struct vg_strings *run = &settings->token_command;
    bool given = run->n && run->items[0];
    if (!command)
        return;
    if (settings->token_file)
        vg_read_fault(&in->r, command->loc, NULL,
                      "token_file and token_command exclude each other");
    else if (given && run->items[0][0] != '/')
        vg_read_fault(&in->r, command->loc, "token_command: [/usr/local/bin/print-token]",
                      "token_command: the path of the program begins with a slash");
    else if (given)
        vg_config_program(in, command, "token_command", run->items[0]);
}

static void check_user(struct vg_config_reading *in, const struct vg_node *node,
                       const struct vg_trigger_settings *settings)
{
    const struct vg_node *user = vg_node_get(node, "user");
    const struct vg_node *password = vg_node_get(node, "password_file");
    const struct vg_node *one = user ? user : password;
    if (!one || node->partial)
        return;
    vg_config_secret(in, node, "password_file", settings->password_file);
    if (user && !settings->password_file)
        vg_read_fault(&in->r, user->loc, "password_file: a file that holds it",
                      "user: a name to log in with needs its password");
    else if (!user)
        vg_read_fault(&in->r, password->loc, "user: pgvigil",
                      "password_file: whose password it is is missing");
    else if (settings->token_file || settings->token_command.n)
        vg_read_fault(&in->r, one->loc, NULL, "a token and a user exclude each other");
}

/* What only the system itself knows. */
static void check_system(struct vg_config_reading *in, const struct vg_node *node,
                         const struct vg_retraining *retraining)
{
    const char *key = NULL;
    struct vg_error err = {0};
    if (!retraining->system->check || retraining->system->check(retraining, &key, &err) >= 0)
        return;
    const struct vg_node *at = key ? vg_node_get(node, key) : NULL;
    const char *hint = err.hint[0] ? vg_read_printf(&in->r, "%s", err.hint) : NULL;
    vg_read_fault(&in->r, at ? at->loc : node->loc, hint, "%s", err.msg);
}

static void read_system(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_trigger_ops *system, struct vg_retraining *out)
{
    struct vg_part part;
    struct vg_trigger_settings *settings = vg_arena_alloc(in->r.arena, system->settings_size);
    size_t faults = in->r.faults;
    out->system = system;
    out->settings = settings;
    in->r.memory = in->r.memory || !settings;
    if (!settings || !vg_read_table(&in->r, node, system->keys, &part, settings))
        return;
    const struct vg_raw_endpoint raw = {
        .url = settings->url,
        .url_file = settings->url_file,
        .token_file = settings->token_file,
        .ca_file = settings->ca_file,
        .method = settings->method,
        .insecure_http = settings->insecure_http,
        .allow_private = settings->allow_private,
        .timeout_us = settings->timeout_us,
        .headers = settings->headers,
    };
    vg_config_endpoint_of(in, node, system->keys, &part, &raw, &out->http);
    take_templates(in, system->keys, settings);
    out->body = settings->parameters.text;
    check_token(in, node, settings);
    check_user(in, node, settings);
    /* A system without names to log in with has its second token where others have a password. */
    vg_config_secret(in, node, "api_token_file", settings->password_file);
    vg_config_secret(in, node, "token_file", settings->token_file ? NULL : settings->password_file);
    if (settings->run.n && settings->run.items[0] && settings->run.items[0][0] == '/')
        vg_config_program(in, vg_node_get(node, "run"), "run", settings->run.items[0]);
    if (in->r.faults == faults && !in->r.memory)
        check_system(in, node, out);
}

static const char *list_systems(struct vg_config_reading *in)
{
    const char *list = "";
    for (int i = 0; i < VG_TRIGGER_SYSTEMS; i++)
        list = vg_read_printf(&in->r,
                              !i                            ? "%s%s"
                              : i == VG_TRIGGER_SYSTEMS - 1 ? "%s or %s"
                                                            : "%s, %s",
                              list ? list : "", vg_trigger_system((enum vg_trigger_system)i)->name);
    return list;
}

static void read_retraining(struct vg_config_reading *in, const struct vg_entry *entry,
                            struct vg_retraining *out)
{
    struct vg_raw_retraining raw = {0};
    struct vg_part parts[2] = {
        {.keys = vg_retraining_table.keys, .n = vg_retraining_table.n, .out = &raw},
        {.keys = vg_system_table.keys, .n = vg_system_table.n, .out = raw.systems},
    };
    size_t given = 0, faults = in->r.faults;
    if (!vg_read_mapping(&in->r, entry->value, vg_retraining_table.mapping, parts, 2))
        return;
    out->when = 0;
    if (vg_part_fine(&parts[0], "when"))
        read_classes(in, vg_node_get(entry->value, "when"), &raw.when, out);
    out->when = out->when ? out->when : 1u << VG_CLASS_DRIFT;
    out->after = (int)raw.after;
    out->cooldown_us = raw.cooldown_us;
    out->max_per_week = (int)raw.max_per_week;
    const struct vg_node *labels = vg_node_get(entry->value, "min_labels");
    out->min_labels_loc = labels ? vg_config_loc(in, labels->loc) : out->loc;
    vg_config_guards(in, &parts[0], &raw, out);
    for (int i = 0; i < VG_TRIGGER_SYSTEMS; i++) {
        if (!raw.systems[i])
            continue;
        given++;
        read_system(in, raw.systems[i], vg_trigger_system((enum vg_trigger_system)i), out);
    }
    if (given != 1 && !(given == 0 && in->r.faults > faults) && !entry->value->partial)
        vg_read_fault(&in->r, entry->loc, list_systems(in),
                      "a retraining is asked of one training system, not of %zu", given);
}

void vg_config_retrainings(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_config *config = in->config;
    if (!vg_config_named(in, node, "retraining"))
        return;
    config->retraining = vg_arena_array(in->r.arena, node->n + 1, sizeof *config->retraining);
    in->r.memory = in->r.memory || !config->retraining;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_retraining *retraining = &config->retraining[config->nretraining++];
        retraining->model = vg_arena_strdup(in->r.arena, node->entries[i].key);
        retraining->loc = vg_config_loc(in, node->entries[i].loc);
        in->r.memory = in->r.memory || !retraining->model;
        read_retraining(in, &node->entries[i], retraining);
    }
}
