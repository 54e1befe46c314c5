/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Silences, inhibition and routes as pure functions of the rules, the alert and the time. A silence
 * holds messages back and changes nothing else: alerts step, incidents open and end, and what still
 * stands when it is over is told then. */
#include "agent/settle_quiet.h"

#include <stdio.h>
#include <string.h>

#include "agent/alert.h"
#include "agent/settle_message.h"
#include "pgvigil/text.h"

bool vg_quiet_fits(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    if (!pattern)
        return true;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool vg_quiet_hours(const struct vg_hours *hours, int64_t now_us)
{
    if (!hours->given)
        return true;
    int64_t local_us = vg_zone_local(hours->zone ? hours->zone : &vg_utc, now_us);
    int64_t day = local_us / VG_DAY_US - (local_us % VG_DAY_US < 0);
    int64_t of_day_us = local_us - day * VG_DAY_US;
    unsigned today = (unsigned)(((day + 3) % 7 + 7) % 7); /* 1970 began on a Thursday */
    unsigned before = (today + 6) % 7;
    bool on_today = hours->days >> today & 1, on_before = hours->days >> before & 1;
    if (hours->from_us < hours->until_us)
        return on_today && of_day_us >= hours->from_us && of_day_us < hours->until_us;
    return (on_today && of_day_us >= hours->from_us) || (on_before && of_day_us < hours->until_us);
}

const struct vg_rule *vg_quiet_rule(const struct vg_settle_in *in, const struct vg_alert *alert)
{
    for (size_t i = 0; in->dataset && i < in->dataset->nrules; i++) {
        if (vg_streq(in->dataset->rules[i].id, alert->rule))
            return &in->dataset->rules[i];
    }
    return NULL;
}

static bool has_tag(const struct vg_rule *rule, const char *pattern)
{
    bool found = !pattern;
    for (size_t i = 0; rule && !found && i < rule->tags.n; i++)
        found = vg_quiet_fits(pattern, rule->tags.items[i]);
    return found;
}

static bool is_meant(const struct vg_settle_in *in, const struct vg_match *match,
                     const struct vg_alert *alert)
{
    return vg_quiet_fits(match->dataset, in->cycle->dataset) &&
           vg_quiet_fits(match->rule, alert->rule) &&
           has_tag(vg_quiet_rule(in, alert), match->tag) &&
           (!match->severities || match->severities >> alert->severity & 1);
}

static bool holds_any(const struct vg_settle_in *in, const struct vg_quiet *items, size_t n,
                      const struct vg_alert *alert)
{
    int64_t now_us = in->cycle->now_us;
    bool held = false;
    for (size_t i = 0; i < n && !held; i++)
        held = now_us >= items[i].from_us && now_us < items[i].until_us &&
               vg_quiet_hours(&items[i].hours, now_us) && is_meant(in, &items[i].match, alert);
    return held;
}

bool vg_quiet_muted(const struct vg_settle_in *in, const struct vg_alert *alert)
{
    return holds_any(in, in->silences, in->nsilences, alert) ||
           holds_any(in, in->quiet, in->nquiet, alert) ||
           (in->dataset && holds_any(in, in->dataset->quiet, in->dataset->nquiet, alert));
}

bool vg_quiet_inhibited(const struct vg_settle_out *out, const struct vg_alert *alert)
{
    bool unreachable = false;
    for (size_t i = 0; i < out->nalerts && !unreachable; i++)
        unreachable =
            vg_streq(out->alerts[i].check, "reach") && vg_alert_active(out->alerts[i].state);
    return unreachable && !vg_streq(alert->check, "reach");
}

bool vg_quiet_lost(const struct vg_alert *alert)
{
    char words[64];
    snprintf(words, sizeof words, "(%s)", vg_code_name(VG_E_CONNECT)); /* checks/check_reach.c */
    return vg_streq(alert->check, "reach") && alert->verdict == VG_UNKNOWN && alert->why &&
           strstr(alert->why, words) && vg_alert_active(alert->state);
}

static bool holds_all(const struct vg_strings *all, const struct vg_strings *some)
{
    bool every = true;
    for (size_t i = 0; i < some->n && every; i++) {
        every = false;
        for (size_t k = 0; k < all->n && !every; k++)
            every = vg_streq(all->items[k], some->items[i]);
    }
    return every;
}

/* What was told speaks for what was not, in the order of commits: that of due times may be another.
 * Of two that were told only the younger is silent, so that no two speak for each other. */
static bool is_first(const struct vg_incident *a, const struct vg_incident *b)
{
    if (b->told_us == VG_NEVER)
        return true;
    if (a->opened_due_us != b->opened_due_us)
        return a->opened_due_us < b->opened_due_us;
    return strcmp(a->dataset, b->dataset) < 0;
}

bool vg_quiet_spoken_for(const struct vg_settle_in *in, const struct vg_incident *incident,
                         const struct vg_alert *alert)
{
    bool spoken = false;
    for (size_t i = 0; i < in->nlost && !spoken; i++) {
        const struct vg_incident *other = &in->lost[i];
        spoken = other->severity >= incident->severity && is_first(other, incident) &&
                 holds_all(&other->to, &incident->to);
    }
    return spoken && vg_quiet_lost(alert);
}

int vg_quiet_route(const struct vg_settle_in *in, const struct vg_alert *alert,
                   const struct vg_result *result, struct vg_arena *arena, struct vg_strings *out)
{
    const struct vg_rule *rule = vg_quiet_rule(in, alert);
    bool any = false, more = true;
    *out = result->to;
    if (!rule || !rule->routed)
        return 0;
    struct vg_strings to = {0};
    for (size_t i = 0; i < in->nroutes && more; i++) {
        const struct vg_route *route = &in->routes[i];
        if (!is_meant(in, &route->match, alert) ||
            !vg_quiet_hours(&route->hours, in->cycle->now_us))
            continue;
        any = true;
        more = route->more;
        if (vg_settle_invite(&to, &route->to, arena) < 0)
            return -1;
    }
    if (any)
        *out = to;
    return 0;
}
