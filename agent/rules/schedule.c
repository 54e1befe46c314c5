/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows, ticks, zone and time limits of a dataset: what was written, over the defaults of
 * pgvigil.yaml, over those of the program; and what of it excludes the rest. */
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool vg_rule_timed(const struct vg_rule_reading *in, bool *known)
{
    const struct vg_node *source = in->raw.source;
    *known = source && source->kind == VG_NODE_MAPPING && !source->partial;
    return *known && vg_node_get(source, "time_column");
}

static void set_zone(struct vg_rule_reading *in, const char *inner)
{
    const char *name = in->raw.timezone ? in->raw.timezone : inner;
    struct vg_loc loc = in->dataset->loc;
    if (in->raw.timezone)
        loc = vg_node_get(in->r.document->root, "timezone")->loc;
    else if (inner)
        loc = vg_node_get(in->raw.schedule, "timezone")->loc;
    if (in->raw.timezone && inner)
        vg_read_fault(&in->r, vg_key_loc(in->raw.schedule, "timezone"), NULL,
                      "timezone was given in line %u already", loc.line);
    if (!name && in->config)
        name = in->config->default_timezone;
    const struct vg_zone *zone = name ? vg_read_zone(&in->r, loc, name, in->r.arena) : NULL;
    in->dataset->zone = zone ? zone : &vg_utc;
    in->r.zone = in->dataset->zone;
}

/* The written time if it reaches two windows (a fault if not), else the default, raised to that. */
static int64_t choose_long(struct vg_rule_reading *in, const char *key, bool given,
                           int64_t written_us, int64_t default_us)
{
    int64_t least = 2 * in->dataset->schedule.window_us;
    char text[VG_DURATION_TEXT];
    if (!given)
        return larger(default_us, least);
    if (written_us < least)
        vg_read_fault(&in->r, vg_node_get(in->raw.schedule, key)->loc,
                      vg_read_printf(&in->r, "write %s or more", vg_format_duration(least, text)),
                      "%s must be at least 2 windows", key);
    return written_us;
}

static void merge_schedule(struct vg_rule_reading *in, const struct vg_schedule_given *given)
{
    static const struct vg_schedule none;
    const struct vg_schedule *base = in->config ? &in->config->default_schedule : &none;
    unsigned set = in->config ? in->config->default_schedule_set : 0;
    const struct vg_schedule *own = &given->schedule;
    struct vg_schedule *out = &in->dataset->schedule;
    /* A default becomes what is written when nothing is. */
#define CHOOSE(bit, field, otherwise)                                                              \
    (given->set & (bit) ? own->field : set & (bit) ? base->field : (otherwise))
    out->window_us = CHOOSE(VG_SET_WINDOW, window_us, VG_HOUR_US);
    out->window_given = (given->set | set) & VG_SET_WINDOW;
    out->delay_us = CHOOSE(VG_SET_DELAY, delay_us, 2 * VG_MINUTE_US);
    out->every_us = CHOOSE(VG_SET_EVERY, every_us, smaller(out->window_us, 5 * VG_MINUTE_US));
    out->catch_up_us = CHOOSE(VG_SET_CATCH_UP, catch_up_us, larger(VG_DAY_US, 7 * out->window_us));
#undef CHOOSE
    out->late_us = choose_long(in, "late", given->set & VG_SET_LATE, own->late_us,
                               set & VG_SET_LATE ? base->late_us : 2 * VG_DAY_US);
    bool revisits = given->set & VG_SET_REVISIT;
    const struct vg_schedule *waits = revisits ? own : base;
    for (size_t i = 0; (revisits || set & VG_SET_REVISIT) && i < waits->nrevisits; i++)
        vg_schedule_revisit(out, waits->revisit_us[i]);
    out->immutable_us = given->set & VG_SET_IMMUTABLE ? own->immutable_us
                        : set & VG_SET_IMMUTABLE      ? base->immutable_us
                                                      : 0;
    if (out->immutable_us)
        vg_schedule_revisit(out, out->immutable_us);
    out->nodata_after_us =
        choose_long(in, "nodata_after", given->set & VG_SET_NODATA_AFTER, own->nodata_after_us,
                    set & VG_SET_NODATA_AFTER ? base->nodata_after_us : VG_DAY_US);
}

/* Without a time column the table is a state: there is nothing to wait for or to catch up with. */
static void check_state(struct vg_rule_reading *in)
{
    static const char *const keys[] = {"late", "catch_up", "revisit", "immutable"};
    const struct vg_node *schedule = in->raw.schedule;
    bool known, timed = vg_rule_timed(in, &known);
    if (!known || timed)
        return;
    in->dataset->schedule.nrevisits = 0; /* those of the defaults */
    in->dataset->schedule.immutable_us = 0;
    for (size_t i = 0; schedule && i < sizeof keys / sizeof keys[0]; i++) {
        if (vg_node_get(schedule, keys[i]))
            vg_read_fault(&in->r, vg_key_loc(schedule, keys[i]),
                          "leave it out, or name source.time_column",
                          "%s has no meaning for a table without a time column", keys[i]);
    }
    bool written = schedule && vg_node_get(schedule, "window");
    if (!in->dataset->schedule.window_given && !written && (!schedule || !schedule->partial))
        vg_read_fault(&in->r, schedule ? schedule->loc : in->raw.source->loc,
                      "schedule: {window: 1d} reads it once a day",
                      "a table without a time column needs schedule.window");
}

static void set_limits(struct vg_rule_reading *in)
{
    struct vg_dataset *dataset = in->dataset;
    int64_t most = 10 * VG_MINUTE_US;
    if (!dataset->scan_timeout_us)
        dataset->scan_timeout_us = smaller(dataset->schedule.window_us / 2, most);
    else if (dataset->scan_timeout_us > most && !dataset->long_scan)
        vg_read_fault(&in->r, vg_node_get(in->r.document->root, "scan_timeout")->loc,
                      "set long_scan: true; the snapshot then holds back VACUUM as long",
                      "a scan_timeout above 10m needs long_scan: true");
}

void vg_rule_schedule(struct vg_rule_reading *in)
{
    struct vg_schedule_given given = {0};
    if (in->raw.schedule)
        vg_read_schedule(&in->r, in->raw.schedule, &given);
    in->window_doubtful =
        in->raw.schedule && vg_node_get(in->raw.schedule, "window") && !(given.set & VG_SET_WINDOW);
    set_zone(in, given.timezone);
    merge_schedule(in, &given);
    check_state(in);
    set_limits(in);
}
