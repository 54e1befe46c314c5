/* SPDX-License-Identifier: GPL-3.0-or-later */
/* segments: of a rule file, the columns by whose values rows are told apart, and what single
 * rules say of them: segment, compare. Which values there are is the reference's to say, or the
 * file's. */
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

enum { SEGMENTS_DEFAULT = 50 };

static struct vg_loc spec_loc(const struct vg_node *node)
{
    return node->kind == VG_NODE_MAPPING ? vg_key_loc(node, "most") : node->loc;
}

static const struct vg_segment_spec *find_spec(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->nsegments; i++) {
        if (vg_streq(dataset->segments[i].column, column))
            return &dataset->segments[i];
    }
    return NULL;
}

static bool has_text(const struct vg_strings *texts, size_t n, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < n && !found; i++)
        found = vg_streq(texts->items[i], text);
    return found;
}

static void check_values(struct vg_rule_reading *in, const struct vg_segment_spec *spec)
{
    for (size_t i = 0; i < spec->values.n; i++) {
        const char *value = spec->values.items[i];
        if (vg_streq(value, VG_SEGMENT_OTHER))
            vg_read_fault(&in->r, spec->loc, "leave it out",
                          "the segment \"other\" is that of all values not listed");
        else if (value && has_text(&spec->values, i, value))
            vg_read_fault(&in->r, spec->loc, "leave one out", "the value \"%s\" stands here twice",
                          vg_read_shown(&in->r, value));
    }
    if (spec->values.n > spec->most)
        vg_read_fault(&in->r, spec->loc,
                      vg_read_printf(&in->r, "most: %zu, or limits.segments", spec->values.n),
                      "%zu values are listed, and at most %zu are segments of their own",
                      spec->values.n, spec->most);
}

static void check_column(struct vg_rule_reading *in, const struct vg_segment_spec *spec)
{
    const struct vg_dataset *dataset = in->dataset;
    const char *shown = vg_read_shown(&in->r, spec->column);
    const struct vg_strings *left_out = &dataset->reference.exclude;
    if (vg_dataset_is_private(dataset, spec->column))
        vg_read_fault(&in->r, spec->loc, "name another column, or one computed from it by expr",
                      "column %s is private, and segments are named by its values", shown);
    if (spec->values.n || in->r.document->root->partial)
        return;
    if (!in->raw.reference)
        vg_read_fault(&in->r, spec->loc,
                      vg_read_printf(&in->r, "segments: [{column: %s, values: [...]}]", shown),
                      "without a reference the values of %s must be listed", shown);
    else if (has_text(left_out, left_out->n, spec->column))
        vg_read_fault(&in->r, spec->loc, "list its values, or take it out of reference.exclude",
                      "the values of %s come from the reference, which leaves it out", shown);
}

static void read_item(struct vg_rule_reading *in, const struct vg_node *node)
{
    struct vg_dataset *dataset = in->dataset;
    int64_t limit = dataset->caps.segments;
    struct vg_raw_segment raw = {.most = 0};
    struct vg_part part;
    if (node->kind == VG_NODE_MAPPING)
        vg_read_table(&in->r, node, &vg_segment_table, &part, &raw);
    else if (node->kind != VG_NODE_BAD)
        vg_read_value(&in->r, node, &vg_segment_table.keys[0], "segments", &raw.column);
    if (!raw.column)
        return;
    if (limit && raw.most > limit)
        vg_read_fault(&in->r, spec_loc(node), "raise limits.segments",
                      "most: %lld is above limits.segments, which is %lld", (long long)raw.most,
                      (long long)limit);
    raw.most = raw.most > 0 ? raw.most : limit ? limit : SEGMENTS_DEFAULT;
    const struct vg_segment_spec spec = {raw.column, vg_rule_loc(in, node->loc), raw.values,
                                         (size_t)raw.most};
    if (find_spec(dataset, raw.column))
        vg_read_fault(&in->r, node->loc, "leave one out", "segments names %s twice",
                      vg_read_shown(&in->r, raw.column));
    check_values(in, &spec);
    check_column(in, &spec);
    dataset->segments[dataset->nsegments++] = spec;
}

static void read_segments(struct vg_rule_reading *in, const struct vg_node *node)
{
    struct vg_dataset *dataset = in->dataset;
    if (node->kind == VG_NODE_BAD)
        return;
    if (node->kind != VG_NODE_SEQUENCE || node->n > VG_SEGMENTATIONS) {
        vg_read_fault(&in->r, node->loc, "segments: [country]",
                      "segments is a list of at most %d columns", VG_SEGMENTATIONS);
        return;
    }
    if (dataset->long_source.name)
        vg_read_fault(&in->r, node->loc, "leave it out, or watch a query that has wide rows",
                      "a long source has no segments: its rows are told apart by their names");
    dataset->segments = vg_arena_array(in->r.arena, node->n + 1, sizeof *dataset->segments);
    in->r.memory = in->r.memory || !dataset->segments;
    for (size_t i = 0; i < node->n && !in->r.memory; i++)
        read_item(in, node->items[i]);
}

/* The segmentation that a rule names; NULL after a fault. */
static const struct vg_segment_spec *need_spec(struct vg_rule_reading *in, struct vg_loc loc,
                                               const char *column)
{
    const struct vg_dataset *dataset = in->dataset;
    const struct vg_segment_spec *found = find_spec(dataset, column);
    const char *words[VG_SEGMENTATIONS];
    for (size_t i = 0; i < dataset->nsegments; i++)
        words[i] = dataset->segments[i].column;
    if (!found && !dataset->nsegments)
        vg_read_fault(&in->r, loc, "at the top of the file: segments: [country]",
                      "the dataset has no segments");
    else if (!found)
        vg_read_fault(&in->r, loc, vg_read_advice(&in->r, column, words, dataset->nsegments),
                      "\"%s\" is none of the columns of segments", vg_read_shown(&in->r, column));
    return found;
}

static void check_compare(struct vg_rule_reading *in, const struct vg_rule *rule)
{
    const struct vg_compare *compare = &rule->compare;
    struct vg_loc loc = compare->loc;
    if (rule->type->class != VG_CLASS_DRIFT || !(rule->type->needs & VG_NEEDS_CELLS)) {
        vg_read_fault(&in->r, loc, "drift: {ks: {fail: 0.2, compare: {...}}}",
                      "%s cannot compare segments: only drift of numbers can", rule->type->name);
        return;
    }
    if (rule->segment || rule->unsegmented)
        vg_read_fault(&in->r, loc, "leave segment out", "compare names the segments already");
    const struct vg_segment_spec *spec = need_spec(in, loc, compare->segment);
    if (spec && spec->values.n && !has_text(&spec->values, spec->values.n, compare->baseline))
        vg_read_fault(&in->r, loc,
                      vg_read_advice(&in->r, compare->baseline, spec->values.items, spec->values.n),
                      "the baseline \"%s\" is none of the values of %s",
                      vg_read_shown(&in->r, compare->baseline),
                      vg_read_shown(&in->r, spec->column));
}

static void check_rule(struct vg_rule_reading *in, const struct vg_rule *rule)
{
    if (rule->compare.segment && rule->compare.baseline)
        check_compare(in, rule);
    const char *why = vg_rule_unsegmented(rule);
    if (rule->segment && need_spec(in, rule->loc, rule->segment) && why)
        vg_read_fault(&in->r, rule->loc, "leave segment out",
                      "%s is judged for all rows only, not per segment: %s", rule->type->name, why);
}

/* Who names segments expects them of `drift: true`, too; `segment: none` says that they know. */
static void warn_of_budget(struct vg_rule_reading *in)
{
    for (size_t i = 0; in->dataset->nsegments && i < in->nrules; i++) {
        const struct vg_rule *rule = &in->rules[i];
        if (rule->policy != VG_POLICY_BUDGET || rule->unsegmented || rule->segment)
            continue;
        vg_read_warning(&in->r, rule->loc,
                        "a limit beside it is: drift: {budget: {segment: none}, ks: 0.3}; "
                        "segment: none says that you know",
                        "drift: true is judged for all rows only, not per segment");
        return;
    }
}

void vg_rule_segments(struct vg_rule_reading *in)
{
    if (in->raw.segments)
        read_segments(in, in->raw.segments);
    for (size_t i = 0; i < in->nrules && !in->r.memory; i++)
        check_rule(in, &in->rules[i]);
    if (!in->r.memory)
        warn_of_budget(in);
}
