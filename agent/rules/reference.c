/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reference: and drift: of a dataset: which kind of reference was written, whether it fits a table
 * with or without a time column, and the length of the base windows. */
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
    } kinds[] = {{"from", VG_REF_WINDOW},
                 {"to", VG_REF_WINDOW},
                 {"table", VG_REF_TABLE},
                 {"filter", VG_REF_FILTER},
                 {"capture", VG_REF_CAPTURE_NOW}};
    enum vg_reference_kind found = VG_REF_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!vg_part_given(part, kinds[i].key) || found == kinds[i].kind)
            continue;
        if (found != VG_REF_NONE) {
            report_reference(in, kinds[i].key, "from and to, or table, or filter, or capture: now",
                             "a reference is of one kind only");
            return VG_REF_NONE;
        }
        found = kinds[i].kind;
    }
    if (found == VG_REF_NONE && !in->raw.reference->partial)
        report_reference(in, NULL, "from and to, or table, or filter, or capture: now",
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

static void check_fit(struct vg_rule_reading *in, enum vg_reference_kind kind)
{
    static const char *const keys[] = {[VG_REF_WINDOW] = "from",
                                       [VG_REF_TABLE] = "table",
                                       [VG_REF_FILTER] = "filter",
                                       [VG_REF_CAPTURE_NOW] = "capture"};
    bool known, timed = vg_rule_timed(in, &known);
    if (!known || kind == VG_REF_NONE || timed == (kind == VG_REF_WINDOW))
        return;
    const char *key = keys[kind];
    if (kind == VG_REF_WINDOW && !vg_node_get(in->raw.reference, key))
        key = "to";
    if (timed)
        report_reference(in, key, "from and to",
                         "the reference of a table with a time column is a span of time");
    else
        report_reference(in, key, "table, filter or capture: now",
                         "a table without a time column has no span of time as reference");
}

void vg_rule_reference(struct vg_rule_reading *in)
{
    struct vg_reference_spec *out = &in->dataset->reference;
    struct vg_raw_reference raw = {0};
    struct vg_part part;
    out->resolution = 4096;
    out->timeout_us = 10 * VG_MINUTE_US;
    if (!in->raw.reference ||
        !vg_read_table(&in->r, in->raw.reference, &vg_reference_table, &part, &raw))
        return;
    out->kind = find_kind(in, &part);
    check_span(in, &part, &raw);
    if (!part.bad)
        check_fit(in, out->kind);
    out->loc = vg_rule_loc(in, vg_key_loc(in->r.document->root, "reference"));
    out->from_us = raw.from_us;
    out->to_us = raw.to_us;
    out->table = raw.table;
    out->filter = raw.filter;
    if (raw.filter)
        out->filter_loc = vg_rule_loc(in, vg_node_get(in->raw.reference, "filter")->loc);
    out->resolution = (uint32_t)raw.resolution;
    out->timeout_us = raw.timeout_us;
    out->exclude = raw.exclude;
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
        vg_rule_budget(in, vg_node_get(node, "budget"), raw.budget);
    if (vg_part_fine(&part, "base"))
        check_base(in, vg_node_get(node, "base"), raw.base_us);
    in->dataset->base_us = raw.base_us;
}
