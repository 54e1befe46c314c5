/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reference:, references: and drift: of a dataset: which kind each reference is of, whether it fits
 * a table with or without a time column, and the length of the base windows; and what rules say of
 * references: against. */
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

static void report_reference(struct vg_rule_reading *in, const char *key, const char *hint,
                             const char *msg)
{
    const struct vg_node *node = in->raw.reference;
    vg_read_fault(&in->r, key ? vg_key_loc(node, key) : node->loc, hint, "%s", msg);
}

/* Which kind is meant; VG_REF_NONE after a fault. */
static enum vg_reference_kind find_kind(struct vg_rule_reading *in, const struct vg_part *part)
{
    static const struct {
        const char *key;
        enum vg_reference_kind kind;
    } kinds[] = {{"from", VG_REF_WINDOW},     {"to", VG_REF_WINDOW},
                 {"rolling", VG_REF_ROLLING}, {"table", VG_REF_TABLE},
                 {"filter", VG_REF_FILTER},   {"capture", VG_REF_CAPTURE_NOW}};
    enum vg_reference_kind found = VG_REF_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!vg_part_given(part, kinds[i].key) || found == kinds[i].kind)
            continue;
        if (found != VG_REF_NONE) {
            report_reference(in, kinds[i].key,
                             "from and to, or rolling, or table, filter, or capture: now",
                             "a reference is of one kind only");
            return VG_REF_NONE;
        }
        found = kinds[i].kind;
    }
    if (found == VG_REF_NONE && !in->raw.reference->partial)
        report_reference(in, NULL, "from and to, or rolling, or table, filter, or capture: now",
                         "the reference does not say what it is made of");
    return found;
}

static void check_span(struct vg_rule_reading *in, const struct vg_part *part,
                       const struct vg_raw_reference *raw)
{
    bool from = vg_part_given(part, "from"), to = vg_part_given(part, "to");
    if (from != to && !in->raw.reference->partial)
        report_reference(in, from ? "from" : "to", NULL,
                         from ? "\"to\" is missing beside \"from\""
                              : "\"from\" is missing beside \"to\"");
    if (vg_part_fine(part, "from") && vg_part_fine(part, "to") && raw->to_us <= raw->from_us)
        vg_read_fault(&in->r, vg_node_get(in->raw.reference, "to")->loc, NULL,
                      "the reference ends before it begins");
}

static bool is_timed(enum vg_reference_kind kind)
{
    return kind == VG_REF_WINDOW || kind == VG_REF_ROLLING;
}

static void check_fit(struct vg_rule_reading *in, enum vg_reference_kind kind)
{
    static const char *const keys[] = {[VG_REF_WINDOW] = "from",
                                       [VG_REF_TABLE] = "table",
                                       [VG_REF_FILTER] = "filter",
                                       [VG_REF_CAPTURE_NOW] = "capture",
                                       [VG_REF_ROLLING] = "rolling"};
    bool known, timed = vg_rule_timed(in, &known);
    if (!known || kind == VG_REF_NONE || timed == is_timed(kind))
        return;
    const char *key = keys[kind];
    if (kind == VG_REF_WINDOW && !vg_node_get(in->raw.reference, key))
        key = "to";
    if (timed)
        report_reference(in, key, "from and to, or rolling",
                         "the reference of a table with a time column is a span of time");
    else
        report_reference(in, key, "table, filter or capture: now",
                         "a table without a time column has no span of time as reference");
}

static void check_rolling(struct vg_rule_reading *in, const struct vg_part *part,
                          struct vg_raw_reference *raw)
{
    const struct vg_schedule *schedule = &in->dataset->schedule;
    char window[VG_DURATION_TEXT];
    if (!raw->every_us)
        raw->every_us = raw->rolling_us < VG_WEEK_US ? VG_DAY_US : VG_WEEK_US;
    if (vg_part_fine(part, "every") && vg_window_fault(raw->every_us))
        report_reference(in, "every", "7d, 1d, 12h, 8h, 6h, 4h, 3h, 2h or 1h",
                         "a reference is captured anew at local times: every is no such length");
    else if (!in->window_doubtful && raw->every_us % schedule->window_us)
        report_reference(in, vg_part_given(part, "every") ? "every" : "rolling",
                         vg_read_printf(&in->r, "the window is %s",
                                        vg_format_duration(schedule->window_us, window)),
                         "a rolling reference is captured anew after a whole number of windows");
    if (!in->window_doubtful && raw->rolling_us % schedule->window_us)
        report_reference(in, "rolling",
                         vg_read_printf(&in->r, "the window is %s",
                                        vg_format_duration(schedule->window_us, window)),
                         "rolling must be a whole multiple of the window");
}

/* What only references of some kinds can have. */
static void check_extras(struct vg_rule_reading *in, const struct vg_part *part,
                         struct vg_raw_reference *raw, enum vg_reference_kind kind)
{
    if (kind == VG_REF_ROLLING && vg_part_fine(part, "rolling"))
        check_rolling(in, part, raw);
    else if (kind != VG_REF_NONE && vg_part_given(part, "every"))
        report_reference(in, "every", "rolling: 28d", "only a rolling reference is captured anew");
    if (kind != VG_REF_NONE && !is_timed(kind) && raw->except)
        report_reference(in, "except", "filter: an SQL condition on the rows that count",
                         "a table without a time column has no spans to leave out");
    if (kind != VG_REF_NONE && !is_timed(kind) && raw->season)
        report_reference(in, "season", "leave it out",
                         "a table without a time column has no windows of the same hour");
}

static void read_except(struct vg_rule_reading *in, const struct vg_node *node,
                        struct vg_reference_spec *out)
{
    if (!node || node->kind == VG_NODE_BAD)
        return;
    if (node->kind != VG_NODE_SEQUENCE || node->n > VG_EXCEPTS) {
        vg_read_fault(&in->r, node->loc, "except: [{from: ..., to: ..., why: ...}]",
                      "except is a list of at most %d spans", VG_EXCEPTS);
        return;
    }
    out->except = vg_arena_array(in->r.arena, node->n + 1, sizeof *out->except);
    in->r.memory = in->r.memory || !out->except;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_raw_except raw = {0};
        struct vg_part part;
        if (!vg_read_table(&in->r, node->items[i], &vg_except_table, &part, &raw) || part.nbad)
            continue;
        if (vg_part_fine(&part, "from") && vg_part_fine(&part, "to") && raw.to_us <= raw.from_us)
            vg_read_fault(&in->r, node->items[i]->loc, NULL, "the span ends before it begins");
        out->except[out->nexcept++] = (struct vg_except){raw.from_us, raw.to_us, raw.why};
    }
}

/* Spans follow each other in any order. */
static bool is_all_excepted(const struct vg_reference_spec *spec)
{
    int64_t at_us = spec->from_us;
    for (size_t i = 0; i < spec->nexcept && at_us < spec->to_us; i++) {
        if (spec->except[i].from_us > at_us || spec->except[i].to_us <= at_us)
            continue;
        at_us = spec->except[i].to_us;
        i = SIZE_MAX; /* from the first again */
    }
    return at_us >= spec->to_us;
}

static void read_reference(struct vg_rule_reading *in, struct vg_loc loc,
                           struct vg_reference_spec *out)
{
    struct vg_raw_reference raw = {0};
    struct vg_part part;
    if (!vg_read_table(&in->r, in->raw.reference, &vg_reference_table, &part, &raw))
        return;
    out->kind = find_kind(in, &part);
    check_span(in, &part, &raw);
    if (!part.nbad)
        check_fit(in, out->kind);
    check_extras(in, &part, &raw, out->kind);
    read_except(in, raw.except, out);
    out->loc = vg_rule_loc(in, loc);
    out->from_us = raw.from_us;
    out->to_us = raw.to_us;
    if (out->kind == VG_REF_WINDOW && out->to_us > out->from_us && is_all_excepted(out))
        vg_read_fault(&in->r, raw.except->loc, "leave some of the reference",
                      "except leaves nothing of the reference");
    out->rolling_us = raw.rolling_us;
    out->every_us = raw.every_us;
    out->season = (enum vg_season)raw.season;
    out->table = raw.table;
    out->filter = raw.filter;
    if (raw.filter)
        out->filter_loc = vg_rule_loc(in, vg_node_get(in->raw.reference, "filter")->loc);
    out->resolution = (uint32_t)raw.resolution;
    out->timeout_us = raw.timeout_us;
    out->exclude = raw.exclude;
}

static void read_several(struct vg_rule_reading *in, const struct vg_node *node)
{
    struct vg_dataset *dataset = in->dataset;
    const struct vg_node *first = in->raw.reference;
    if (node->kind != VG_NODE_MAPPING || !node->n || node->n > VG_REFERENCES) {
        vg_read_fault(&in->r, node->loc, "references: {training: {from: ..., to: ...}}",
                      "references is a mapping of 1 to %d names to references", VG_REFERENCES);
        return;
    }
    dataset->others = vg_arena_array(in->r.arena, node->n + 1, sizeof *dataset->others);
    in->r.memory = in->r.memory || !dataset->others;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        const struct vg_entry *entry = &node->entries[i];
        struct vg_reference_spec spec = {.name = vg_arena_strdup(in->r.arena, entry->key)};
        in->r.memory = in->r.memory || !spec.name;
        if (first && !strcmp(entry->key, VG_REFERENCE_NAME))
            vg_read_fault(&in->r, entry->loc, "give it another name, or leave out one of the two",
                          "\"%s\" is the name of what stands under reference: already",
                          VG_REFERENCE_NAME);
        else if (!vg_name_valid(entry->key))
            vg_read_fault(&in->r, entry->loc, "letters, digits, _ . and -",
                          "\"%s\" cannot be the name of a reference here",
                          vg_read_shown(&in->r, entry->key));
        if (entry->value->kind == VG_NODE_BAD)
            continue;
        in->raw.reference = entry->value;
        read_reference(in, entry->loc, &spec);
        bool leads = !first && (dataset->reference.kind == VG_REF_NONE ||
                                vg_streq(spec.name, VG_REFERENCE_NAME));
        if (leads && dataset->reference.kind != VG_REF_NONE)
            dataset->others[dataset->nothers++] = dataset->reference;
        if (leads)
            dataset->reference = spec;
        else
            dataset->others[dataset->nothers++] = spec;
    }
    if (first)
        in->raw.reference = first;
}

static void check_room(struct vg_rule_reading *in)
{
    const struct vg_node *drift = in->raw.drift;
    bool said = drift && drift->kind == VG_NODE_MAPPING && in->dataset->base_us > 0;
    const struct vg_node *node = said ? vg_node_get(drift, "base") : NULL;
    const struct vg_reference_spec *spec = &in->dataset->reference;
    int64_t span_us = spec->kind == VG_REF_WINDOW    ? spec->to_us - spec->from_us
                      : spec->kind == VG_REF_ROLLING ? spec->rolling_us
                                                     : INT64_MAX;
    char text[VG_DURATION_TEXT];
    if (node && span_us > 0 && in->dataset->base_us > span_us)
        vg_read_fault(
            &in->r, node->loc,
            vg_read_printf(&in->r, "the reference is of %s", vg_format_duration(span_us, text)),
            "base is longer than the reference");
}

/* After drift: was read. */
void vg_rule_reference(struct vg_rule_reading *in)
{
    struct vg_reference_spec *out = &in->dataset->reference;
    *out = (struct vg_reference_spec){
        .name = VG_REFERENCE_NAME, .resolution = 4096, .timeout_us = 10 * VG_MINUTE_US};
    if (in->raw.reference)
        read_reference(in, vg_key_loc(in->r.document->root, "reference"), out);
    if (in->raw.references && in->raw.references->kind != VG_NODE_BAD)
        read_several(in, in->raw.references);
    check_room(in);
}

void vg_rule_against(struct vg_rule_reading *in, struct vg_loc loc, const char *name,
                     struct vg_rule *rule)
{
    const struct vg_dataset *dataset = in->dataset;
    const char *words[VG_REFERENCES + 1];
    size_t n = 0;
    rule->against = SIZE_MAX;
    for (size_t i = 0; i <= dataset->nothers; i++) {
        const char *known = i ? dataset->others[i - 1].name : dataset->reference.name;
        if (vg_streq(known, name))
            rule->against = i;
        words[n++] = known;
    }
    if (rule->against == SIZE_MAX)
        vg_read_fault(&in->r, loc, vg_read_advice(&in->r, name, words, n),
                      "\"%s\" is none of the references", vg_read_shown(&in->r, name));
    else if (!rule->type->needs_reference)
        vg_read_fault(&in->r, loc, "leave it out", "%s is not measured against a reference",
                      rule->type->name);
    else if (rule->type->policy == VG_POLICY_BUDGET && rule->against)
        vg_read_fault(&in->r, loc,
                      "leave it out, or give a limit: {psi: {fail: 0.25, against: ...}}",
                      "the budget is learnt from the reference \"%s\" only",
                      vg_read_shown(&in->r, dataset->reference.name));
    else if (rule->compare.segment)
        vg_read_fault(&in->r, loc, "leave one of them out",
                      "compare tests segments against each other, not against a reference");
    else if (rule->segment)
        vg_read_fault(&in->r, loc, "leave one of them out",
                      "against another reference a rule is judged for all rows only");
    if (rule->against == SIZE_MAX)
        rule->against = 0;
}

static void check_base(struct vg_rule_reading *in, const struct vg_node *node, int64_t base_us)
{
    int64_t window = in->dataset->schedule.window_us;
    const char *fault = vg_window_fault(base_us);
    char text[VG_DURATION_TEXT];
    if (fault)
        vg_read_fault(&in->r, node->loc, "the same lengths as of schedule.window",
                      "base: %s is no length for a window: %s", vg_read_shown(&in->r, node->text),
                      fault);
    else if (base_us % window && !in->window_doubtful)
        vg_read_fault(&in->r, node->loc,
                      vg_read_printf(&in->r, "the window is %s", vg_format_duration(window, text)),
                      "base must be a whole multiple of the window");
}

void vg_rule_drift(struct vg_rule_reading *in)
{
    const struct vg_node *node = in->raw.drift;
    struct vg_raw_drift raw = {0};
    struct vg_part part;
    in->dataset->budget_per_day = 1.0 / 7;
    if (!node)
        return;
    if (node->kind == VG_NODE_SCALAR && !strcmp(node->text, "true")) {
        vg_read_fault(&in->r, node->loc, "columns: {\"*\": {drift: true}}",
                      "drift: true stands below a column, or below \"*\" for all of them");
        return;
    }
    vg_read_table(&in->r, node, &vg_drift_table, &part, &raw);
    if (vg_part_fine(&part, "budget"))
        vg_rule_budget(in, vg_node_get(node, "budget"), raw.budget, raw.base_us);
    if (vg_part_fine(&part, "base"))
        check_base(in, vg_node_get(node, "base"), raw.base_us);
    in->dataset->base_us = raw.base_us;
    in->dataset->min_distance = raw.min_distance;
    in->dataset->min_spread = raw.min_spread;
    in->dataset->min_share = raw.min_share;
}
