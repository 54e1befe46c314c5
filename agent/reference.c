/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns of rolling references and slots of seasonal ones, by the dataset's wall clock. Nothing is
 * ever left out because it alarmed: a reference without what alarmed is narrower, alarms more, and
 * becomes narrower still. */
#include "agent/reference.h"

#include <string.h>

#include "agent/window.h"
#include "pgvigil/check.h"

enum { PATIENCE = 7 }; /* a version has this part of `every` to be captured in */

const struct vg_reference_spec *vg_reference_spec_of(const struct vg_dataset *dataset, size_t i)
{
    return i ? &dataset->others[i - 1] : &dataset->reference;
}

/* Whole days are days of the calendar. */
static int64_t step_back(const struct vg_zone *zone, int64_t us, int64_t length_us)
{
    if (length_us % VG_DAY_US)
        return us - length_us;
    return vg_zone_instant(zone, vg_zone_local(zone, us) - length_us);
}

static void make_span(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                      int64_t at_us, struct vg_window *out)
{
    struct vg_window turn;
    vg_window_at(dataset->zone, spec->every_us, at_us, &turn);
    *out = (struct vg_window){step_back(dataset->zone, turn.start_us, spec->rolling_us),
                              turn.start_us, false};
}

void vg_reference_span(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                       int64_t start_us, struct vg_window *out)
{
    make_span(dataset, spec, start_us - spec->every_us / PATIENCE, out);
}

void vg_reference_newest(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                         int64_t now_us, struct vg_window *out, int64_t *next_us)
{
    struct vg_window turn;
    int64_t delay_us = dataset->schedule.delay_us;
    make_span(dataset, spec, now_us - delay_us, out);
    vg_window_at(dataset->zone, spec->every_us, now_us - delay_us, &turn);
    *next_us = turn.end_us + delay_us;
}

void vg_reference_pin(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                      const struct vg_window *span, struct vg_dataset *out)
{
    *out = *dataset;
    out->reference = *spec;
    out->reference.kind = VG_REF_WINDOW;
    out->reference.from_us = span->start_us;
    out->reference.to_us = span->end_us;
    out->others = NULL;
    out->nothers = 0;
}

int vg_reference_slot(const struct vg_zone *zone, enum vg_season season, int64_t start_us)
{
    int64_t local = vg_zone_local(zone, start_us);
    int64_t day = local / VG_DAY_US - (local % VG_DAY_US < 0);
    int hour = (int)((local - day * VG_DAY_US) / VG_HOUR_US);
    int weekday = (int)(((day + 3) % 7 + 7) % 7); /* 0: Monday; 1970-01-01 was a Thursday */
    switch (season) {
    case VG_SEASON_HOUR_OF_DAY:
        return hour;
    case VG_SEASON_DAY_TYPE:
        return hour + 24 * (weekday < 5 ? 0 : weekday - 4);
    case VG_SEASON_HOUR_OF_WEEK:
        return hour + 24 * weekday;
    default:
        return 0;
    }
}

/* The table of "table ml.train of ml.predictions; window ...", as vg_capture_spec() writes it. */
static size_t measure_table(const char *table)
{
    const char *end = strstr(table, "; window ");
    const char *last = NULL;
    for (const char *of = strstr(table, " of "); of && (!end || of < end);
         of = strstr(of + 1, " of "))
        last = of;
    return last ? (size_t)(last - table) : strcspn(table, ";");
}

const char *vg_reference_words(const struct vg_reference_said *said, struct vg_arena *arena)
{
    static const char of_table[] = "table ";
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    const char *spec = said->spec ? said->spec : "";
    bool own = said->name && strcmp(said->name, VG_REFERENCE_NAME) != 0;
    const char *blank = own ? " " : "", *name = own ? said->name : "";
    long long version = said->version;
    if (said->from_us < said->to_us)
        return vg_arena_printf(arena, "the reference%s%s from %s to %s", blank, name,
                               vg_format_time(said->from_us, from),
                               vg_format_time(said->to_us, to));
    if (!strncmp(spec, of_table, sizeof of_table - 1)) {
        const char *table = spec + sizeof of_table - 1;
        return vg_arena_printf(arena, "the reference%s%s table %.*s (version %lld)", blank, name,
                               (int)measure_table(table), table, version);
    }
    if (!strncmp(spec, "filter ", 7))
        return vg_arena_printf(arena, "the reference%s%s chosen by a filter (version %lld)", blank,
                               name, version);
    return vg_arena_printf(arena, "the reference%s%s captured at %s (version %lld)", blank, name,
                           vg_format_time(said->captured_us, from), version);
}

bool vg_reference_apart(const struct vg_rule *rule)
{
    bool whole = rule->compare.segment || rule->policy == VG_POLICY_BUDGET;
    return rule->type->needs_reference && !whole &&
           (rule->against || rule->dataset->reference.season != VG_SEASON_NONE);
}
