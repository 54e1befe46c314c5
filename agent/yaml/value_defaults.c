/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedule, sample and notify, which a rule file and the defaults of pgvigil.yaml write alike. Each
 * says what was given and leaves to its caller what follows from it. */
#include "agent/yaml/value_defaults.h"

#include <stddef.h>
#include <string.h>

#include "agent/zone.h"
#include "pgvigil/text.h"

struct raw_schedule {
    int64_t window_us, delay_us, every_us, late_us, catch_up_us, nodata_after_us, immutable_us;
    struct vg_strings revisit;
    const char *timezone;
};

#define DURATION(name, field, ...)                                                                 \
    {                                                                                              \
        name, VG_VALUE_DURATION, offsetof(struct raw_schedule, field), __VA_ARGS__                 \
    }

static const struct vg_key schedule_keys[] = {
    DURATION("window", window_us, .least = "1s", .most = "1w", .shown = "1h",
             .doc = "length of the windows in which time is cut and judged"),
    DURATION("delay", delay_us, .most = "52w", .shown = "2m",
             .doc = "how long after its end a window is read"),
    DURATION("every", every_us, .least = "1s", .most = "1d",
             .shown = "the smaller of window and 5m", .doc = "time between ticks"),
    DURATION("late", late_us, .most = "52w", .shown = "48h, at least 2 windows",
             .doc = "how long an empty window waits for its rows"),
    DURATION("catch_up", catch_up_us, .most = "520w", .shown = "the longer of 24h and 7 windows",
             .doc = "how far back windows are judged after downtime"),
    DURATION("nodata_after", nodata_after_us, .most = "520w", .shown = "24h, at least 2 windows",
             .doc = "how long nothing need be judged before that is a failure"),
    {"revisit", VG_VALUE_STRINGS, offsetof(struct raw_schedule, revisit), .shown = "never",
     .doc = "how long after it was judged a window is read again, once each: [1h, 1d]"},
    DURATION("immutable", immutable_us, .least = "1s", .most = "52w", .shown = "windows may change",
             .doc = "windows must not change for so long after they were judged"),
    {"timezone", VG_VALUE_STRING, offsetof(struct raw_schedule, timezone), .shown = "UTC",
     .doc = "IANA name; the same as timezone at the top of the file"},
};
const struct vg_key_table vg_schedule_table = {"schedule", schedule_keys,
                                               sizeof schedule_keys / sizeof *schedule_keys};

const char *vg_window_fault(int64_t window_us)
{
    static const int hours[] = {2, 3, 4, 6, 8, 12};
    if (window_us > 0 && window_us <= VG_HOUR_US)
        return VG_HOUR_US % window_us || window_us % VG_US ? "it does not divide an hour" : NULL;
    bool known = window_us == VG_DAY_US || window_us == VG_WEEK_US;
    for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++)
        known = known || window_us == hours[i] * VG_HOUR_US;
    return known ? NULL : "windows above 1h have 2h, 3h, 4h, 6h, 8h, 12h, 1d or 1w";
}

static void check_window(struct vg_reader *r, const struct vg_node *node, int64_t window_us,
                         unsigned *set)
{
    const char *fault = vg_window_fault(window_us);
    if (!fault)
        return;
    const struct vg_node *window = vg_node_get(node, "window");
    vg_read_fault(
        r, window->loc, "1h, or a whole fraction of it, or 2h, 3h, 4h, 6h, 8h, 12h, 1d, 1w",
        "window: %s is no length for a window: %s", vg_read_shown(r, window->text), fault);
    *set &= ~(unsigned)VG_SET_WINDOW;
}

static bool read_revisit(struct vg_reader *r, const struct vg_node *node, const char *text,
                         int64_t *out)
{
    if (text && vg_parse_duration(text, out) == 0 && *out >= VG_US && *out <= 52 * VG_WEEK_US)
        return true;
    if (text)
        vg_read_fault(r, node->loc, "[1h, 1d]: durations of 1s to 52w",
                      "revisit: \"%s\" is no time to wait", vg_read_shown(r, text));
    return false;
}

/* revisit: in ascending order, each once. */
static void read_revisits(struct vg_reader *r, const struct vg_node *node,
                          const struct vg_strings *texts, struct vg_schedule *out)
{
    const struct vg_node *list = vg_node_get(node, "revisit");
    if (texts->n > VG_REVISITS) {
        vg_read_fault(r, list->loc, NULL, "revisit: at most %d times", VG_REVISITS);
        return;
    }
    for (size_t i = 0; i < texts->n; i++) {
        int64_t wait_us;
        const struct vg_node *item = list->kind == VG_NODE_SEQUENCE ? list->items[i] : list;
        if (read_revisit(r, item, texts->items[i], &wait_us))
            vg_schedule_revisit(out, wait_us);
    }
}

void vg_schedule_revisit(struct vg_schedule *schedule, int64_t wait_us)
{
    size_t at = 0;
    int64_t *items = schedule->revisit_us;
    while (at < schedule->nrevisits && items[at] < wait_us)
        at++;
    if (at < schedule->nrevisits && items[at] == wait_us)
        return;
    memmove(items + at + 1, items + at, (schedule->nrevisits - at) * sizeof *items);
    items[at] = wait_us;
    schedule->nrevisits++;
}

void vg_read_schedule(struct vg_reader *r, const struct vg_node *node,
                      struct vg_schedule_given *out)
{
    static const struct {
        const char *name;
        unsigned bit;
    } bits[] = {{"window", VG_SET_WINDOW},     {"delay", VG_SET_DELAY},
                {"every", VG_SET_EVERY},       {"late", VG_SET_LATE},
                {"catch_up", VG_SET_CATCH_UP}, {"nodata_after", VG_SET_NODATA_AFTER},
                {"revisit", VG_SET_REVISIT},   {"immutable", VG_SET_IMMUTABLE}};
    struct raw_schedule raw = {0};
    struct vg_part part;
    *out = (struct vg_schedule_given){0};
    vg_read_table(r, node, &vg_schedule_table, &part, &raw);
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        out->set |= vg_part_fine(&part, bits[i].name) ? bits[i].bit : 0;
    if (out->set & VG_SET_WINDOW)
        check_window(r, node, raw.window_us, &out->set);
    out->timezone = raw.timezone;
    out->schedule = (struct vg_schedule){
        .window_us = raw.window_us,
        .delay_us = raw.delay_us,
        .every_us = raw.every_us,
        .late_us = raw.late_us,
        .catch_up_us = raw.catch_up_us,
        .nodata_after_us = raw.nodata_after_us,
        .immutable_us = raw.immutable_us,
    };
    if (out->set & VG_SET_REVISIT)
        read_revisits(r, node, &raw.revisit, &out->schedule);
}

/* --- Sample ----------------------------------------------------------------------------------- */

struct raw_sample {
    int64_t rows;
    double percent;
};

static const struct vg_key sample_keys[] = {
    {"rows", VG_VALUE_INT, offsetof(struct raw_sample, rows), .least = "1",
     .doc = "about so many rows of each window"},
    {"percent", VG_VALUE_PERCENT, offsetof(struct raw_sample, percent), .least = "0.0001",
     .most = "100", .doc = "this share of the rows"},
};
const struct vg_key_table vg_sample_table = {"sample", sample_keys,
                                             sizeof sample_keys / sizeof *sample_keys};

bool vg_read_sample(struct vg_reader *r, const struct vg_node *node, struct vg_sample *out)
{
    static const char hint[] = "write all, {rows: 100000} or {percent: 10}";
    *out = (struct vg_sample){VG_SAMPLE_ALL, 0};
    if (node->kind == VG_NODE_SCALAR && !strcmp(node->text, "all"))
        return true;
    struct raw_sample raw = {0};
    struct vg_part part;
    size_t faults = r->faults;
    if (node->kind != VG_NODE_MAPPING) {
        if (node->kind != VG_NODE_BAD)
            vg_read_fault(r, node->loc, hint, "this is no sample");
        return false;
    }
    vg_read_table(r, node, &vg_sample_table, &part, &raw);
    bool rows = vg_part_given(&part, "rows"), percent = vg_part_given(&part, "percent");
    if (r->faults == faults && rows == percent && !node->partial)
        vg_read_fault(r, node->loc, hint, "a sample is either rows or percent");
    if (r->faults != faults)
        return false;
    *out = rows ? (struct vg_sample){VG_SAMPLE_ROWS, (double)raw.rows}
                : (struct vg_sample){VG_SAMPLE_PERCENT, raw.percent};
    return true;
}

/* --- Limits ----------------------------------------------------------------------------------- */

static const struct vg_key limits_keys[] = {
    {"cost", VG_VALUE_NUMBER, offsetof(struct vg_caps, cost), .least = "1", .shown = "no limit",
     .doc = "a statement that the server estimates (EXPLAIN) to cost more is not run"},
    {"rows", VG_VALUE_INT, offsetof(struct vg_caps, rows), .least = "1", .shown = "no limit",
     .doc = "a scan of more rows is given up"},
    {"columns", VG_VALUE_INT, offsetof(struct vg_caps, columns), .least = "1", .shown = "no limit",
     .doc = "a scan of more columns and conditions is not begun"},
    {"segments", VG_VALUE_INT, offsetof(struct vg_caps, segments), .least = "1", .most = "500",
     .shown = "50",
     .doc = "values of a column of segments that are segments of their own; the others are other"},
    {"categories", VG_VALUE_INT, offsetof(struct vg_caps, categories), .least = "1",
     .most = "10000", .shown = "10000",
     .doc = "values of a text column that are counted one by one; of more, a sample is"},
};
const struct vg_key_table vg_limits_table = {"limits", limits_keys,
                                             sizeof limits_keys / sizeof *limits_keys};

void vg_read_caps(struct vg_reader *r, const struct vg_node *node, struct vg_caps *out)
{
    struct vg_caps raw = {0};
    struct vg_part part;
    if (!vg_read_table(r, node, &vg_limits_table, &part, &raw))
        return;
    if (vg_part_fine(&part, "cost"))
        out->cost = raw.cost;
    if (vg_part_fine(&part, "rows"))
        out->rows = raw.rows;
    if (vg_part_fine(&part, "columns"))
        out->columns = raw.columns;
    if (vg_part_fine(&part, "segments"))
        out->segments = raw.segments;
    if (vg_part_fine(&part, "categories"))
        out->categories = raw.categories;
}

/* --- Notify ----------------------------------------------------------------------------------- */

#define RECEIVERS                                                                                  \
    {"to", VG_VALUE_NAMES, offsetof(struct vg_notify_given, to),                                   \
     .shown = "notify.to of the "                                                                  \
              "defaults",                                                                          \
     .doc = "receivers of failures"},                                                              \
    {                                                                                              \
        "warn", VG_VALUE_NAMES, offsetof(struct vg_notify_given, warn),                            \
            .doc = "receivers of warnings; without any, warnings are not sent"                     \
    }

static const struct vg_key notify_keys[] = {
    RECEIVERS,
    {"remind", VG_VALUE_DURATION, offsetof(struct vg_notify_given, remind_us), .shown = "never",
     .most = "52w", .doc = "an open incident is told again after this time; 0s: never"},
    {"group_for", VG_VALUE_DURATION, offsetof(struct vg_notify_given, group_for_us), .shown = "4h",
     .most = "52w", .doc = "alerts that open within this time are one incident"},
    {"after", VG_VALUE_INT, offsetof(struct vg_notify_given, after), .least = "1", .most = "1000",
     .shown = "1", .doc = "failures in a row until an alert fires"},
    {"resolve_after", VG_VALUE_INT, offsetof(struct vg_notify_given, resolve_after), .least = "1",
     .most = "1000", .shown = "3 for windows of 1h or less, else 1",
     .doc = "passes in a row until it clears"},
    {"blind_after", VG_VALUE_DURATION, offsetof(struct vg_notify_given, blind_after_us),
     .shown = "15m", .most = "52w", .doc = "how long a rule may be unable to look"},
};
const struct vg_key_table vg_notify_table = {"notify", notify_keys,
                                             sizeof notify_keys / sizeof *notify_keys};

static const struct vg_key rule_notify_keys[] = {RECEIVERS};
const struct vg_key_table vg_rule_notify_table = {
    "notify of a rule", rule_notify_keys, sizeof rule_notify_keys / sizeof *rule_notify_keys};

static void check_receiver(struct vg_reader *r, const struct vg_node *node, const char *name,
                           const struct vg_config *config)
{
    if (!config || vg_config_receiver(config, name))
        return;
    const char **words = vg_arena_array(r->scratch, config->nreceivers + 1, sizeof *words);
    for (size_t i = 0; words && i < config->nreceivers; i++)
        words[i] = config->receivers[i].name;
    const char *hint = words ? vg_read_advice(r, name, words, config->nreceivers) : NULL;
    vg_read_fault(r, node->loc, hint ? hint : "receivers stand in pgvigil.yaml, under receivers:",
                  "there is no receiver \"%s\"", vg_read_shown(r, name));
}

/* The texts of a list were read from its items one by one, or from the node itself. */
void vg_read_receivers(struct vg_reader *r, const struct vg_node *node,
                       const struct vg_strings *names, const struct vg_config *config)
{
    for (size_t i = 0; i < names->n; i++) {
        if (names->items[i])
            check_receiver(r, node->kind == VG_NODE_SEQUENCE ? node->items[i] : node,
                           names->items[i], config);
    }
}

void vg_read_notify(struct vg_reader *r, const struct vg_node *node,
                    const struct vg_key_table *table, const struct vg_config *config,
                    struct vg_notify_given *out)
{
    struct vg_part part;
    *out = (struct vg_notify_given){.remind_us = VG_DEFAULT,
                                    .group_for_us = VG_DEFAULT,
                                    .blind_after_us = VG_DEFAULT,
                                    .after = VG_DEFAULT,
                                    .resolve_after = VG_DEFAULT};
    if (node->kind == VG_NODE_SEQUENCE || node->kind == VG_NODE_SCALAR) {
        out->has_to = vg_read_value(r, node, &table->keys[0], "notify", &out->to);
        vg_read_receivers(r, node, &out->to, config);
        return;
    }
    vg_read_table(r, node, table, &part, out);
    out->has_to = vg_part_fine(&part, "to");
    out->has_warn = vg_part_fine(&part, "warn");
    if (vg_part_given(&part, "to"))
        vg_read_receivers(r, vg_node_get(node, "to"), &out->to, config);
    if (vg_part_given(&part, "warn"))
        vg_read_receivers(r, vg_node_get(node, "warn"), &out->warn, config);
}

const struct vg_zone *vg_read_zone(struct vg_reader *r, struct vg_loc loc, const char *name,
                                   struct vg_arena *arena)
{
    struct vg_error err = {0};
    const struct vg_zone *zone = vg_zone_load(name, arena, &err);
    if (!zone && err.code == VG_E_MEMORY)
        r->memory = true;
    else if (!zone)
        vg_read_fault(r, loc, vg_read_printf(r, "%s", err.hint), "%s", err.msg);
    return zone;
}
