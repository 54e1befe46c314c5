/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One check as it is written: a scalar or list as shorthand, a mapping as long form, a list of
 * mappings for several rules of one kind. Follows the tables of the check types alone. */
#include <stdlib.h>
#include <string.h>

#include "agent/rules/reading.h"
#include "agent/rules/rule.h"
#include "pgvigil/text.h"

static const struct vg_param *find_param(const struct vg_check_type *type, const char *name)
{
    for (size_t i = 0; name && i < type->nparams; i++) {
        if (!strcmp(type->params[i].name, name))
            return &type->params[i];
    }
    return NULL;
}

/* The parameters as keys; in scratch. */
static struct vg_part make_params(struct vg_rule_reading *in, const struct vg_check_type *type,
                                  void *params)
{
    struct vg_key *keys = vg_arena_array(in->r.scratch, type->nparams + 1, sizeof *keys);
    in->r.memory = in->r.memory || !keys;
    for (size_t i = 0; keys && i < type->nparams; i++)
        keys[i] = vg_param_key(&type->params[i]);
    return (struct vg_part){.keys = keys, .n = keys ? type->nparams : 0, .out = params};
}

static bool is_bare(const char *name)
{
    return *name && !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789_")];
}

/* column.check, column.drift.check or check; names that are no plain words stand in quotes. */
static const char *make_id(struct vg_rule_reading *in, const struct vg_rule_site *site)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 4 * VG_YAML_SCALAR);
    bool quoted = site->column && !is_bare(site->column);
    if (quoted)
        vg_buf_putc(&buf, '"');
    for (const char *s = site->column; s && *s; s++)
        vg_buf_puts(&buf, quoted && *s == '"' ? "\"\"" : (const char[]){*s, '\0'});
    if (quoted)
        vg_buf_putc(&buf, '"');
    bool drift = site->column && site->type->class == VG_CLASS_DRIFT;
    if (site->type->policy == VG_POLICY_BUDGET)
        vg_buf_puts(&buf, ".drift");
    else
        vg_buf_printf(&buf, "%s%s%s", site->column ? "." : "", drift ? "drift." : "",
                      site->type->name);
    const char *out = buf.failed ? NULL : vg_arena_strdup(in->r.arena, buf.data);
    in->r.memory = in->r.memory || !out;
    vg_buf_free(&buf);
    return out;
}

struct vg_rule *vg_rule_add(struct vg_rule_reading *in, const struct vg_rule_site *site)
{
    if (in->nrules == VG_RULES_MAX)
        vg_read_fault(&in->r, site->loc, NULL, "a dataset has at most %d rules", VG_RULES_MAX);
    if (in->nrules >= VG_RULES_MAX)
        return NULL;
    if (vg_grow((void **)&in->rules, &in->size, in->nrules + 1, sizeof *in->rules) < 0) {
        in->r.memory = true;
        return NULL;
    }
    struct vg_rule *rule = &in->rules[in->nrules++];
    *rule = (struct vg_rule){
        .id = make_id(in, site),
        .column = site->column,
        .loc = vg_rule_loc(in, site->loc),
        .dataset = in->dataset,
        .type = site->type,
        .policy = site->type->policy,
        .severity = VG_SEVERITY_CRITICAL,
        .min_rows = VG_DEFAULT,
        .after = (int)in->notify.after,
        .resolve_after = (int)in->notify.resolve_after,
        .blind_after_us = in->notify.blind_after_us,
        .to = in->dataset->to,
        .warn_to = in->dataset->warn_to,
        .routed = !in->names_receivers,
    };
    void *params = vg_arena_alloc(in->r.arena, site->type->params_size + 1);
    in->r.memory = in->r.memory || !params || !rule->id;
    rule->params = params;
    return rule;
}

void vg_rule_default_params(struct vg_rule_reading *in, struct vg_rule *rule)
{
    /* The parameters are still the reader's own: nothing else has seen the rule. */
    void *params = (void *)(uintptr_t)rule->params;
    struct vg_part part = make_params(in, rule->type, params);
    vg_read_defaults(&in->r, &part);
    if (!in->r.memory && rule->type->prepare && rule->type->prepare(params, in->r.arena) < 0)
        in->r.memory = true;
}

/* Lets the check itself look at its parameters, and gives what it reports a line. */
static void finish_rule(struct vg_rule_reading *in, struct vg_rule *rule, size_t faults)
{
    const struct vg_check_type *type = rule->type;
    struct vg_diags *diags = in->r.diags;
    if (in->r.faults != faults || in->r.memory)
        return;
    if (type->needs_reference && !type->implicit && !in->raw.reference &&
        !in->r.document->root->partial)
        vg_read_fault(&in->r, rule->loc, "reference: {from: ..., to: ...}",
                      "%s needs a reference, and the dataset has none", type->name);
    size_t errors = diags->errors, n = diags->n;
    bool known; /* whether the table has a time column, which checks may ask for */
    vg_rule_timed(in, &known);
    if (type->validate && known)
        type->validate(rule, diags);
    in->r.faults += diags->errors - errors;
    vg_document_complete(in->r.document, diags, n);
    /* The parameters are still the reader's own: nothing else has seen the rule. */
    if (type->prepare && diags->errors == errors &&
        type->prepare((void *)(uintptr_t)rule->params, in->r.arena) < 0)
        in->r.memory = true;
}

static void read_rule_notify(struct vg_rule_reading *in, const struct vg_node *node,
                             struct vg_rule *rule)
{
    struct vg_notify_given given;
    vg_read_notify(&in->r, node, &vg_rule_notify_table, in->names, &given);
    rule->routed = rule->routed && !given.has_to;
    if (given.has_to)
        rule->to = given.to;
    if (given.has_warn)
        rule->warn_to = given.warn;
}

static void read_compare(struct vg_rule_reading *in, const struct vg_node *node,
                         struct vg_rule *rule)
{
    struct vg_part part;
    vg_read_table(&in->r, node, &vg_compare_table, &part, &rule->compare);
    rule->compare.loc = vg_rule_loc(in, node->loc);
}

static void refuse_names(struct vg_rule_reading *in, const struct vg_rule_site *site,
                         const struct vg_node *node)
{
    static const char *const keys[] = {"id", "was"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (vg_streq(site->column, "*") && vg_node_get(node, keys[i]))
            vg_read_fault(&in->r, vg_key_loc(node, keys[i]), "write the column out",
                          "rules under \"*\" cannot have \"%s\": there is one for each column",
                          keys[i]);
    }
}

static void take_check(struct vg_rule *rule, const struct vg_raw_check *raw)
{
    rule->id = raw->id ? raw->id : rule->id;
    rule->was = raw->was;
    rule->where = raw->where;
    rule->unsegmented = vg_streq(raw->segment, "none");
    rule->segment = rule->unsegmented ? NULL : raw->segment;
    rule->severity = (enum vg_severity)raw->severity;
    rule->min_rows = raw->min_rows;
    rule->after = raw->after == VG_DEFAULT ? rule->after : (int)raw->after;
    rule->resolve_after =
        raw->resolve_after == VG_DEFAULT ? rule->resolve_after : (int)raw->resolve_after;
    rule->blind_after_us =
        raw->blind_after_us == VG_DEFAULT ? rule->blind_after_us : raw->blind_after_us;
    rule->description = raw->description;
    rule->runbook = raw->runbook;
    rule->tags = raw->tags;
}

/* Parameters that name a connection. */
static void check_connections(struct vg_rule_reading *in, const struct vg_check_type *type,
                              const struct vg_node *node, const struct vg_part *params)
{
    for (size_t i = 0; i < type->nparams; i++) {
        const struct vg_param *param = &type->params[i];
        if (param->type == VG_PARAM_CONNECTION && vg_part_fine(params, param->name))
            vg_rule_connection(in, vg_node_get(node, param->name),
                               *(const char *const *)((const char *)params->out + param->offset));
    }
}

enum { MOST_KEYS = 64 };

/* The keys of every check, but for those that are parameters of this one. */
static struct vg_part make_keys(const struct vg_check_type *type, struct vg_key keys[MOST_KEYS],
                                struct vg_raw_check *raw)
{
    struct vg_part part = {.keys = keys, .out = raw};
    if (vg_check_table.n > MOST_KEYS)
        BUG("more keys of a check than there is room for");
    for (size_t i = 0; i < vg_check_table.n; i++) {
        bool own = false;
        for (size_t k = 0; k < type->nparams; k++)
            own = own || vg_streq(type->params[k].name, vg_check_table.keys[i].name);
        if (!own)
            keys[part.n++] = vg_check_table.keys[i];
    }
    return part;
}

static void read_long(struct vg_rule_reading *in, const struct vg_rule_site *site,
                      const struct vg_node *node)
{
    struct vg_key keys[MOST_KEYS];
    size_t faults = in->r.faults;
    struct vg_rule *rule = vg_rule_add(in, site);
    struct vg_raw_check raw = {.min_rows = VG_DEFAULT,
                               .after = VG_DEFAULT,
                               .resolve_after = VG_DEFAULT,
                               .blind_after_us = VG_DEFAULT};
    if (!rule || in->r.memory)
        return;
    struct vg_part parts[] = {
        make_keys(site->type, keys, &raw),
        make_params(in, site->type, (void *)(uintptr_t)rule->params),
    };
    if (vg_read_mapping(&in->r, node, site->type->name, parts, 2))
        check_connections(in, site->type, node, &parts[1]);
    refuse_names(in, site, node);
    take_check(rule, &raw);
    vg_read_link(&in->r, vg_node_get(node, "runbook"), "runbook", raw.runbook, false);
    if (raw.compare)
        read_compare(in, raw.compare, rule);
    vg_rule_policy(in, node, raw.policy, rule);
    vg_rule_limits(in, site, node, &raw, faults, &rule->limits);
    if (raw.against)
        vg_rule_against(in, vg_key_loc(node, "against"), raw.against, rule);
    if (raw.notify)
        read_rule_notify(in, raw.notify, rule);
    finish_rule(in, rule, faults + (node->partial ? 1 : 0));
}

static void refuse_switch(struct vg_rule_reading *in, const struct vg_rule_site *site,
                          const struct vg_node *node)
{
    const char *name = site->type->name;
    if (site->type->implicit)
        vg_read_fault(
            &in->r, node->loc,
            vg_read_printf(&in->r, "leave it out, or make it milder: %s: {severity: info}", name),
            "%s cannot be switched off: every dataset has it", name);
    else
        vg_read_fault(&in->r, node->loc, "leave it out", "%s is off unless it has a limit", name);
}

/* A value where a mapping could stand; a list only for a parameter that is one. */
static void read_short(struct vg_rule_reading *in, const struct vg_rule_site *site,
                       const struct vg_node *node)
{
    const struct vg_check_type *type = site->type;
    const char *word = type->shorthand;
    const struct vg_param *param = find_param(type, word);
    bool plain = node->kind == VG_NODE_SCALAR && node->plain;
    bool on = plain && !strcmp(node->text, "true"), off = plain && !strcmp(node->text, "false");
    bool truth = param && param->type == VG_PARAM_BOOL;
    if (off && !truth && !param) {
        refuse_switch(in, site, node);
        return;
    }
    bool nothing =
        on && !param && (type->implicit || type->default_fail || type->policy == VG_POLICY_BUDGET);
    if (!word && !nothing) {
        vg_read_fault(&in->r, node->loc, vg_read_printf(&in->r, "%s: {key: value}", type->name),
                      "%s must be a mapping, not %s", type->name,
                      vg_node_null(node) ? "empty" : vg_node_noun(node));
        return;
    }
    size_t faults = in->r.faults;
    struct vg_rule *rule = vg_rule_add(in, site);
    if (!rule || in->r.memory)
        return;
    struct vg_part params = make_params(in, type, (void *)(uintptr_t)rule->params);
    vg_read_defaults(&in->r, &params);
    vg_rule_default_limit(type, &rule->limits);
    if (param) {
        struct vg_key key = vg_param_key(param);
        vg_read_value(&in->r, node, &key, type->name, (char *)params.out + param->offset);
    } else if (!nothing && !strcmp(word, "min")) {
        rule->limits.bounds.has_min =
            vg_rule_limit(in, type, node, type->name, &rule->limits.bounds.min);
    } else if (!nothing) {
        rule->limits.has_fail = vg_rule_limit(in, type, node, type->name, &rule->limits.fail);
    }
    finish_rule(in, rule, faults);
}

/* Why this item of a list of long forms is none, or NULL; *hint says what to do. */
static const char *find_item_fault(const struct vg_rule_site *site, const struct vg_node *item,
                                   bool first, const char **hint)
{
    *hint = "{fail: ..., id: ...}";
    if (item->kind != VG_NODE_MAPPING)
        return "several rules of one kind are written as mappings";
    *hint = "write the column out";
    if (!first && vg_streq(site->column, "*"))
        return "under \"*\" there is one rule of each kind";
    *hint = "id: a name of your own";
    if (!first && !vg_node_get(item, "id") && !item->partial)
        return "a second rule of one kind needs an \"id\"";
    return NULL;
}

static void read_several(struct vg_rule_reading *in, const struct vg_rule_site *site,
                         const struct vg_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct vg_node *item = node->items[i];
        struct vg_rule_site each = *site;
        each.loc = item->loc;
        const char *hint, *fault = find_item_fault(site, item, i == 0, &hint);
        if (item->kind == VG_NODE_BAD)
            continue;
        if (fault)
            vg_read_fault(&in->r, item->loc, hint, "%s", fault);
        else
            read_long(in, &each, item);
    }
}

void vg_rule_read(struct vg_rule_reading *in, const struct vg_rule_site *site,
                  const struct vg_node *node)
{
    if (node->kind == VG_NODE_BAD)
        return;
    if (node->kind == VG_NODE_MAPPING) {
        read_long(in, site, node);
        return;
    }
    bool mappings = false;
    for (size_t i = 0; node->kind == VG_NODE_SEQUENCE && i < node->n; i++)
        mappings = mappings || node->items[i]->kind == VG_NODE_MAPPING;
    if (mappings)
        read_several(in, site, node);
    else
        read_short(in, site, node);
}
