/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Silences and routes: which alerts, in which hours of which days. Reads and checks; what they mean
 * is agent/settle_quiet.c's. */
#include "agent/yaml/value_quiet.h"

#include <stdio.h>
#include <string.h>

#include "agent/yaml/value_defaults.h"
#include "pgvigil/text.h"

enum { MOST = 1000 };

/* Of silences and routes alike. */
struct raw {
    struct vg_match match;
    struct vg_strings severities, days, to;
    const char *between, *timezone, *why;
    int64_t from_us, until_us;
    bool more;
};
#define IN(field) offsetof(struct raw, field)
#define MATCH                                                                                      \
    {"dataset", VG_VALUE_STRING, IN(match.dataset), .shown = "any",                                \
     .doc = "id of a dataset; * and ? stand for any characters"},                                  \
        {"rule", VG_VALUE_STRING, IN(match.rule), .shown = "any",                                  \
         .doc = "id of a rule, likewise"},                                                         \
        {"tag", VG_VALUE_STRING, IN(match.tag), .shown = "any",                                    \
         .doc = "one of the tags of a rule, likewise"},                                            \
    {                                                                                              \
        "severity", VG_VALUE_NAMES, IN(severities), .shown = "any",                                \
                                                    .doc = "info, warning, critical"               \
    }
#define HOURS                                                                                      \
    {"days", VG_VALUE_NAMES, IN(days), .shown = "every day", .doc = "mon, tue, wed ..."},          \
        {"between", VG_VALUE_STRING, IN(between), .shown = "all day",                              \
         .doc = "hours of the local day: 22:00-06:00"},                                            \
    {                                                                                              \
        "timezone", VG_VALUE_STRING, IN(timezone), .shown = "UTC", .doc = "IANA name, for hours"   \
    }

static const struct vg_key quiet_keys[] = {
    MATCH,
    {"from", VG_VALUE_TIME, IN(from_us), .shown = "always", .doc = "nobody is told from then on"},
    {"until", VG_VALUE_TIME, IN(until_us), .shown = "never", .doc = "people are told again"},
    HOURS,
    {"why", VG_VALUE_STRING, IN(why), .doc = "for those who wonder"},
};
const struct vg_key_table vg_quiet_table = {"a silence", quiet_keys,
                                            sizeof quiet_keys / sizeof *quiet_keys};

static const struct vg_key times_keys[] = {
    {"from", VG_VALUE_TIME, IN(from_us), .shown = "always", .doc = "no request from then on"},
    {"until", VG_VALUE_TIME, IN(until_us), .shown = "never", .doc = "requests are made again"},
    HOURS,
    {"why", VG_VALUE_STRING, IN(why), .doc = "for those who wonder"},
};
const struct vg_key_table vg_times_table = {"a quiet time", times_keys,
                                            sizeof times_keys / sizeof *times_keys};

static const struct vg_key route_keys[] = {
    MATCH,
    HOURS,
    {"to", VG_VALUE_NAMES, IN(to), .required = true, .doc = "receivers"},
    {"continue", VG_VALUE_BOOL, IN(more), .fallback = "false",
     .doc = "the next route that fits adds its receivers"},
};
const struct vg_key_table vg_route_table = {"a route", route_keys,
                                            sizeof route_keys / sizeof *route_keys};

/* The set of positions in words of what a list names. */
static unsigned read_set(struct vg_reader *r, const struct vg_node *node,
                         const struct vg_strings *names, const char *const *words, size_t n)
{
    unsigned set = 0;
    for (size_t i = 0; i < names->n; i++) {
        const struct vg_node *item = node->kind == VG_NODE_SEQUENCE ? node->items[i] : node;
        unsigned bit = 0;
        for (size_t k = 0; names->items[i] && k < n; k++)
            bit |= vg_streq(names->items[i], words[k]) ? 1u << k : 0;
        set |= bit;
        if (!bit && names->items[i])
            vg_read_fault(r, item->loc, vg_read_advice(r, names->items[i], words, n),
                          "\"%s\" is not one of them", vg_read_shown(r, names->items[i]));
    }
    return set;
}

static bool read_between(const char *text, struct vg_hours *out)
{
    int h[4], used = 0;
    if (!text)
        return true;
    if (sscanf(text, "%2d:%2d-%2d:%2d%n", &h[0], &h[1], &h[2], &h[3], &used) != 4 || text[used])
        return false;
    out->from_us = h[0] * VG_HOUR_US + h[1] * VG_MINUTE_US;
    out->until_us = h[2] * VG_HOUR_US + h[3] * VG_MINUTE_US;
    return h[0] >= 0 && h[1] >= 0 && h[2] >= 0 && h[3] >= 0 && h[1] < 60 && h[3] < 60 &&
           out->from_us < VG_DAY_US && out->until_us <= VG_DAY_US;
}

static void read_hours(struct vg_reader *r, const struct vg_node *node, const struct raw *raw,
                       struct vg_hours *out)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    *out = (struct vg_hours){.given = raw->days.n || raw->between,
                             .days = 127,
                             .until_us = VG_DAY_US,
                             .zone = r->zone ? r->zone : &vg_utc};
    if (raw->days.n)
        out->days = read_set(r, vg_node_get(node, "days"), &raw->days, days, 7);
    /* with days it is of use: 24 hours from then on */
    if (read_between(raw->between, out) && out->from_us == out->until_us && !raw->days.n)
        vg_read_warning(r, vg_node_get(node, "between")->loc, "for the whole day leave it out",
                        "between: \"%s\" ends when it begins, and is the whole day",
                        vg_read_shown(r, raw->between));
    else if (!read_between(raw->between, out))
        vg_read_fault(r, vg_node_get(node, "between")->loc, "between: 22:00-06:00",
                      "between: \"%s\" is not a span of hours", vg_read_shown(r, raw->between));
    if (raw->timezone) {
        const struct vg_zone *zone =
            vg_read_zone(r, vg_node_get(node, "timezone")->loc, raw->timezone, r->arena);
        out->zone = zone ? zone : out->zone;
    }
}

/* False after a fault that leaves nothing to be used. */
static bool read_item(struct vg_reader *r, const struct vg_node *node,
                      const struct vg_key_table *table, struct raw *raw, struct vg_hours *hours)
{
    static const char *const severities[] = {"info", "warning", "critical"};
    struct vg_part part;
    *raw = (struct raw){.from_us = INT64_MIN, .until_us = VG_NEVER};
    if (!vg_read_table(r, node, table, &part, raw))
        return false;
    /* the table's defaults are zero bytes; routes have neither of the two */
    if (!vg_node_get(node, "from"))
        raw->from_us = INT64_MIN;
    if (!vg_node_get(node, "until"))
        raw->until_us = VG_NEVER;
    if (raw->severities.n)
        raw->match.severities =
            read_set(r, vg_node_get(node, "severity"), &raw->severities, severities, VG_SEVERITIES);
    read_hours(r, node, raw, hours);
    return true;
}

static bool is_list(struct vg_reader *r, const struct vg_node *node, const char *what)
{
    if (node->kind == VG_NODE_SEQUENCE && node->n <= MOST)
        return true;
    if (node->kind != VG_NODE_BAD)
        vg_read_fault(r, node->loc, NULL, "%s must be a list of at most %d mappings", what, MOST);
    return false;
}

/* The place as it may be kept: the file's name goes with the reader's document. */
static struct vg_loc copy_loc(struct vg_reader *r, struct vg_loc loc)
{
    loc.file = vg_arena_strdup(r->arena, loc.file);
    r->memory = r->memory || !loc.file;
    return loc;
}

static void read_quiets(struct vg_reader *r, const struct vg_node *node,
                        const struct vg_key_table *table, struct vg_quiet **out, size_t *n)
{
    struct raw raw;
    if (!is_list(r, node, table == &vg_quiet_table ? "silences" : "quiet"))
        return;
    *out = vg_arena_array(r->arena, node->n + 1, sizeof **out);
    r->memory = r->memory || !*out;
    for (size_t i = 0; i < node->n && !r->memory; i++) {
        struct vg_quiet *quiet = &(*out)[*n];
        if (!read_item(r, node->items[i], table, &raw, &quiet->hours))
            continue;
        quiet->match = raw.match;
        quiet->from_us = raw.from_us;
        quiet->until_us = raw.until_us;
        quiet->why = raw.why;
        quiet->loc = copy_loc(r, node->items[i]->loc);
        ++*n;
        if (raw.until_us <= raw.from_us)
            vg_read_fault(r, node->items[i]->loc, NULL, "%s ends before it begins", table->mapping);
    }
}

void vg_read_quiets(struct vg_reader *r, const struct vg_node *node, struct vg_quiet **out,
                    size_t *n)
{
    read_quiets(r, node, &vg_quiet_table, out, n);
}

void vg_read_times(struct vg_reader *r, const struct vg_node *node, struct vg_quiet **out,
                   size_t *n)
{
    read_quiets(r, node, &vg_times_table, out, n);
}

void vg_read_routes(struct vg_reader *r, const struct vg_node *node, const struct vg_config *config,
                    struct vg_route **out, size_t *n)
{
    struct raw raw;
    if (!is_list(r, node, "routes"))
        return;
    *out = vg_arena_array(r->arena, node->n + 1, sizeof **out);
    r->memory = r->memory || !*out;
    for (size_t i = 0; i < node->n && !r->memory; i++) {
        struct vg_route *route = &(*out)[*n];
        if (!read_item(r, node->items[i], &vg_route_table, &raw, &route->hours))
            continue;
        route->match = raw.match;
        route->to = raw.to;
        route->more = raw.more;
        route->loc = copy_loc(r, node->items[i]->loc);
        ++*n;
        if (vg_node_get(node->items[i], "to"))
            vg_read_receivers(r, vg_node_get(node->items[i], "to"), &raw.to, config);
    }
}
