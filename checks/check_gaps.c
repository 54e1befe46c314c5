/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gaps: hours, or spans of another length, without a single row, over some time up to the window's
 * end. Slots before the table's first row, and those that are not open, do not count. */
#include <math.h>
#include <stdio.h>

#include "checks/ask_order.h"
#include "pgvigil/text.h"

enum { DEFAULT_WINDOWS = 7 };
struct params {
    int64_t every_us, look_back_us;
    struct vg_strings except;
    const char *hours;
};

static int64_t find_look_back(const struct vg_rule *rule)
{
    const struct params *params = rule->params;
    return params->look_back_us ? params->look_back_us
                                : DEFAULT_WINDOWS * rule->dataset->schedule.window_us;
}

static void validate_gaps(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    struct vg_ask_calendar open;
    int64_t every = params->every_us, back = find_look_back(rule);
    const char *fault = vg_ask_calendar_read(&params->except, params->hours, &open);
    if (!rule->dataset->time_column)
        fault = "gaps needs a time column: set source.time_column";
    else if (params->hours && every >= VG_DAY_US)
        fault = "days have no hours: leave hours out";
    else if (every < VG_US || (every > VG_DAY_US && every % VG_DAY_US))
        fault = "every is at least 1s, and whole days above a day";
    else if (back < every || back / every > VG_ASK_SLOTS_MAX)
        fault = "look_back must hold at least one slot and at most 10000";
    if (fault)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, NULL, "%s", fault);
}

static int lookup_gaps(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                       struct vg_error *err)
{
    (void)connection;
    const struct params *params = asked->rule->params;
    if (asked->nanswers)
        return 0;
    if (!asked->window || !asked->rows->time)
        return vg_fail(err, VG_E_CONFIG, "there is no time column");
    if (asked->rows->time->wire_oid == VG_OID_DATE && params->every_us % VG_DAY_US)
        return vg_fail(err, VG_E_CONFIG, "a date column has no hours: every must be whole days");
    struct vg_ask_slots slots = {
        params->every_us, (size_t)(find_look_back(asked->rule) / params->every_us), {0}};
    vg_ask_calendar_read(&params->except, params->hours, &slots.open);
    vg_ask_slots(asked, &slots, out);
    return 0;
}

static int measure_gaps(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    bool failed;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const struct vg_rows *rows = &evidence->answers[0];
    double slots = vg_ask_number(rows, 0, 0), first = vg_ask_number(rows, 0, 2);
    char every[VG_DURATION_TEXT], since[VG_TIME_TEXT] = "";
    measure->value = vg_ask_number(rows, 0, 1);
    if (slots <= 0) {
        measure->look = VG_NODATA;
        snprintf(measure->why, sizeof measure->why, "no slot of the time looked at is open");
        return 0;
    }
    if (!isnan(first))
        vg_format_time((int64_t)first * VG_US, since);
    snprintf(measure->why, sizeof measure->why, "%.0f of %.0f slots of %s without rows%s%s",
             measure->value, slots, vg_format_duration(params->every_us, every),
             *since ? ", the first from " : "", since);
    return 0;
}

static const struct vg_param gaps_params[] = {
    {"every", VG_PARAM_DURATION, offsetof(struct params, every_us), false, "1h", NULL,
     "length of a slot, which must hold a row"},
    {"look_back", VG_PARAM_DURATION, offsetof(struct params, look_back_us), false, NULL, NULL,
     "how far back from the window's end; 7 windows if not given"},
    {"except", VG_PARAM_STRINGS, offsetof(struct params, except), false, NULL, NULL,
     "days of the week without rows: monday to sunday, in the dataset's time zone"},
    {"hours", VG_PARAM_STRING, offsetof(struct params, hours), false, NULL, NULL,
     "only slots that begin in these local hours: \"08:00-18:00\""},
};

const struct vg_check_type vg_check_gaps = {
    .name = "gaps",
    .doc = "Hours, days or other slots of time without a single row. Needs an index on the time "
           "column to be cheap. For all rows only, not per segment: a segment that falls silent is "
           "what volume, with windows of that length, is for.",
    .class = VG_CLASS_VOLUME,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_COUNT,
    .filterable = true,
    .needs = VG_NEEDS_LOOKUP,
    .shorthand = "every",
    .default_fail = "0",
    .params = gaps_params,
    .nparams = sizeof gaps_params / sizeof *gaps_params,
    .params_size = sizeof(struct params),
    .validate = validate_gaps,
    .lookup = lookup_gaps,
    .measure = measure_gaps,
};
