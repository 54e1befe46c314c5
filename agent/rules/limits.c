/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The limits of a rule: fail and warn in the unit of the check, min and max of its bounds. Promises
 * that a warning comes before a failure and that bounds are not empty. */
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

static struct vg_key make_key(const char *name, const struct vg_check_type *type)
{
    enum vg_unit unit = type->unit;
    struct vg_key key = {.name = name, .type = VG_VALUE_NUMBER};
    if (unit == VG_UNIT_RATIO)
        key.type = VG_VALUE_RATIO;
    else if (unit == VG_UNIT_SECONDS)
        key.type = VG_VALUE_DURATION;
    else if (unit != VG_UNIT_NONE)
        key.least = "0";
    if (unit == VG_UNIT_RATIO && type->is_multiple) {
        key.least = "0";
        key.most = "1000000";
    }
    return key;
}

bool vg_rule_limit(struct vg_rule_reading *in, const struct vg_check_type *type,
                   const struct vg_node *node, const char *what, double *out)
{
    struct vg_key key = make_key(what, type);
    int64_t us;
    if (key.type != VG_VALUE_DURATION)
        return vg_read_value(&in->r, node, &key, what, out);
    if (!vg_read_value(&in->r, node, &key, what, &us))
        return false;
    *out = (double)us / (double)VG_US;
    return true;
}

void vg_rule_default_limit(const struct vg_check_type *type, struct vg_limits *out)
{
    struct vg_reader none = {0};
    struct vg_key key = make_key("fail", type);
    int64_t us = 0;
    if (!type->default_fail || type->bounds == VG_BOUNDS_ON_VALUE)
        return;
    bool time = key.type == VG_VALUE_DURATION;
    if (!vg_value_default(&none, &key, type->default_fail, time ? (void *)&us : &out->fail))
        BUG("the default limit %s of %s does not fit", type->default_fail, type->name);
    out->fail = time ? (double)us / (double)VG_US : out->fail;
    out->has_fail = true;
}

struct bound {
    bool given, fine, is_time;
    struct vg_loc loc;
    double value;
};

/* A bound on rows, or on one row's value, has the column's unit: a number or a time. */
static bool read_row_bound(struct vg_rule_reading *in, const struct vg_node *node, const char *what,
                           struct bound *out)
{
    int64_t us;
    struct vg_key number = {.name = what, .type = VG_VALUE_NUMBER};
    const char *text = node->kind == VG_NODE_SCALAR ? vg_read_text(&in->r, node, what) : NULL;
    if (node->kind == VG_NODE_SCALAR && !text)
        return false;
    double ignored;
    bool numeric = !text || vg_node_null(node) || vg_parse_double(text, &ignored) == 0;
    if (numeric)
        return vg_read_value(&in->r, node, &number, what, &out->value);
    if (vg_parse_time(text, in->r.zone, &us) < 0) {
        vg_read_fault(&in->r, node->loc, NULL, "%s: \"%s\" is neither a number nor a time", what,
                      vg_read_shown(&in->r, node->text));
        return false;
    }
    out->is_time = true;
    out->value = (double)us;
    return true;
}

static struct bound read_bound(struct vg_rule_reading *in, const struct vg_check_type *type,
                               const struct vg_node *node, const char *what)
{
    struct bound out = {.given = node != NULL};
    if (!node || node->kind == VG_NODE_BAD)
        return out;
    out.loc = node->loc;
    bool timed = type->unit == VG_UNIT_NONE && (type->kinds >> VG_KIND_TIME) & 1;
    bool of_row = type->bounds == VG_BOUNDS_ON_ROWS || timed;
    out.fine = of_row ? read_row_bound(in, node, what, &out)
                      : vg_rule_limit(in, type, node, what, &out.value);
    return out;
}

static void read_bounds(struct vg_rule_reading *in, const struct vg_check_type *type,
                        const struct vg_raw_bounds *raw, struct vg_bounds *out)
{
    struct bound min = read_bound(in, type, raw->min, "min");
    struct bound max = read_bound(in, type, raw->max, "max");
    *out = (struct vg_bounds){min.fine, max.fine, min.value, max.value};
    if (!min.fine || !max.fine)
        return;
    if (min.is_time != max.is_time)
        vg_read_fault(&in->r, max.loc, NULL, "min and max must be of one kind");
    else if (min.value > max.value)
        vg_read_fault(&in->r, max.loc, "swap them", "min is above max");
}

static void check_inside(struct vg_rule_reading *in, const struct vg_node *warn,
                         const struct vg_limits *limits)
{
    const struct vg_bounds *outer = &limits->bounds, *inner = &limits->warn_bounds;
    if (outer->has_min && inner->has_min && inner->min < outer->min)
        vg_read_fault(&in->r, vg_node_get(warn, "min")->loc, "a warning comes before a failure",
                      "min of warn is below min");
    if (outer->has_max && inner->has_max && inner->max > outer->max)
        vg_read_fault(&in->r, vg_node_get(warn, "max")->loc, "a warning comes before a failure",
                      "max of warn is above max");
}

static void check_order(struct vg_rule_reading *in, const struct vg_node *warn, bool written,
                        const struct vg_limits *limits, bool by_p)
{
    bool apart = by_p ? limits->warn > limits->fail : limits->warn < limits->fail;
    if (!limits->has_fail || !limits->has_warn || apart)
        return;
    if (by_p) {
        vg_read_fault(&in->r, warn->loc, "a warning comes before a failure",
                      "warn is not above fail, and both are p-values");
        return;
    }
    vg_read_fault(&in->r, warn->loc, "a warning comes before a failure",
                  written ? "warn is not below fail" : "warn is not below fail, which is 0 here");
}

static void read_warn(struct vg_rule_reading *in, const struct vg_check_type *type,
                      const struct vg_node *warn, struct vg_limits *out)
{
    struct vg_raw_bounds raw = {0};
    struct vg_part part;
    if (warn->kind == VG_NODE_MAPPING && type->bounds != VG_BOUNDS_NONE) {
        vg_read_table(&in->r, warn, &vg_bounds_table, &part, &raw);
        read_bounds(in, type, &raw, &out->warn_bounds);
        if (!raw.min && !raw.max && !warn->partial)
            vg_read_fault(&in->r, warn->loc, NULL, "warn needs min, max or both");
        check_inside(in, warn, out);
    } else if (type->bounds == VG_BOUNDS_ON_VALUE) {
        vg_read_fault(&in->r, warn->loc, "warn: {min: ..., max: ...}",
                      "warn of %s must be a mapping of min and max", type->name);
    } else {
        out->has_warn = vg_rule_limit(in, type, warn, "warn", &out->warn);
    }
}

/* What the check has no use for, by its tables. */
static void refuse_useless(struct vg_rule_reading *in, const struct vg_rule_site *site,
                           const struct vg_node *node, const struct vg_raw_check *raw)
{
    const struct vg_check_type *type = site->type;
    bool bounded = type->bounds != VG_BOUNDS_NONE;
    bool limited = type->bounds != VG_BOUNDS_ON_VALUE && (type->unit != VG_UNIT_NONE) &&
                   type->policy != VG_POLICY_BUDGET;
    const struct {
        const char *name;
        bool given, useful;
    } keys[] = {{"fail", raw->fail, limited},
                {"warn", raw->warn, limited || bounded},
                {"min", raw->min, bounded},
                {"max", raw->max, bounded},
                {"where", raw->where, type->filterable}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!keys[i].given || keys[i].useful)
            continue;
        const char *hint = !strcmp(keys[i].name, "fail") && bounded ? "write min, max or both"
                           : !limited && !bounded                   ? NULL
                           : bounded                                ? "write min, max or fail"
                                                                    : "write fail or warn";
        vg_read_fault(&in->r, vg_key_loc(node, keys[i].name),
                      strcmp(keys[i].name, "where") ? hint : NULL, "%s has no \"%s\"", type->name,
                      keys[i].name);
    }
}

void vg_rule_limits(struct vg_rule_reading *in, const struct vg_rule_site *site,
                    const struct vg_node *node, const struct vg_raw_check *raw, size_t faults,
                    struct vg_limits *out)
{
    const struct vg_check_type *type = site->type;
    size_t before = in->r.faults;
    refuse_useless(in, site, node, raw);
    if (in->r.faults != before)
        return;
    vg_rule_default_limit(type, out);
    if (raw->fail)
        out->has_fail = vg_rule_limit(in, type, raw->fail, "fail", &out->fail);
    struct vg_raw_bounds bounds = {raw->min, raw->max};
    read_bounds(in, type, &bounds, &out->bounds);
    if (raw->warn)
        read_warn(in, type, raw->warn, out);
    if (raw->warn && in->r.faults == before)
        check_order(in, raw->warn, raw->fail, out, raw->policy > 0);
    bool bounded = type->bounds != VG_BOUNDS_NONE;
    bool any = bounded ? raw->min || raw->max || (raw->warn && raw->warn->kind == VG_NODE_MAPPING)
                       : out->has_fail || raw->fail || raw->warn || type->implicit ||
                             type->unit == VG_UNIT_NONE || type->policy == VG_POLICY_BUDGET;
    if (!any && !node->partial && in->r.faults == faults)
        vg_read_fault(&in->r, site->loc, bounded ? "min, max or both" : "for example {fail: ...}",
                      "%s needs a limit", type->name);
}
