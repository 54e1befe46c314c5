/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rehearsing rules over past windows: what they measured in each goes in, incidents come out,
 * through the very code that settles live cycles. Pure. */
#include "agent/rehearse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settle.h"
#include "pgvigil/check.h"

struct limit_of { /* one rule at one limit */
    const struct vg_rehearsed_rule *rehearsed;
    double limit;
};

static int count_after(const struct vg_rule *rule)
{
    return rule->after == VG_DEFAULT ? 1 : rule->after;
}

static int count_resolve(const struct vg_rehearsal *rehearsal, const struct vg_rule *rule)
{
    if (rule->resolve_after != VG_DEFAULT)
        return rule->resolve_after;
    return rehearsal->dataset->schedule.window_us <= VG_HOUR_US ? 3 : 1;
}

/* d: of all rows, or of a segment. */
static void fill_result(const struct vg_rehearsal *rehearsal, const struct limit_of *at, double d,
                        const char *segment, struct vg_result *out)
{
    const struct vg_rule *rule = at->rehearsed->rule;
    *out = (struct vg_result){
        .rule = rule->id,
        .check = rule->type->name,
        .segment = segment,
        .class = VG_CLASS_DRIFT,
        .cadence = VG_ON_WINDOW,
        .verdict = isnan(d)        ? VG_NODATA
                   : d > at->limit ? VG_FAIL
                                   : VG_PASS,
        .severity = rule->severity,
        .value = d,
        .limit = at->limit,
        .why = "",
        .after = count_after(rule),
        .resolve_after = count_resolve(rehearsal, rule),
    };
}

struct state {
    struct vg_alert *alerts;
    size_t nalerts;
    struct vg_incident *incidents;
    size_t nincidents;
    size_t opened;
};

static size_t keep_open(struct vg_incident *incidents, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (incidents[i].closed_us == VG_NEVER)
            incidents[kept++] = incidents[i];
    }
    return kept;
}

static size_t count_results(const struct limit_of *limits, size_t n)
{
    size_t results = n;
    for (size_t i = 0; i < n; i++)
        results += limits[i].rehearsed->nsegments;
    return results;
}

static void fill_results(const struct vg_rehearsal *rehearsal, const struct limit_of *limits,
                         size_t n, size_t w, struct vg_result *results)
{
    for (size_t i = 0; i < n; i++) {
        const struct vg_rehearsed_rule *rule = limits[i].rehearsed;
        fill_result(rehearsal, &limits[i], rule->d[w], NULL, results++);
        for (size_t s = 0; s < rule->nsegments; s++)
            fill_result(rehearsal, &limits[i], rule->segments[s].d[w], rule->segments[s].name,
                        results++);
    }
}

static int step_window(const struct vg_rehearsal *rehearsal, const struct limit_of *limits,
                       size_t n, size_t w, struct state *state, struct vg_arena *arena,
                       struct vg_error *err)
{
    size_t nresults = count_results(limits, n);
    struct vg_result *results = vg_arena_array(arena, nresults, sizeof *results);
    if (!results)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    fill_results(rehearsal, limits, n, w, results);
    struct vg_cycle cycle = {
        .dataset = rehearsal->dataset->id,
        .due_us = rehearsal->windows[w].end_us,
        .now_us = rehearsal->windows[w].end_us,
        .has_window = true,
        .window = rehearsal->windows[w],
        .results = results,
        .nresults = nresults,
    };
    struct vg_settle_in in = {
        .cycle = &cycle,
        .agent = "rehearsal",
        .dataset = rehearsal->dataset,
        .alerts = state->alerts,
        .nalerts = state->nalerts,
        .incidents = state->incidents,
        .nincidents = state->nincidents,
    };
    struct vg_settle_out out;
    if (vg_settle(&in, arena, &out, err) < 0)
        return -1;
    state->opened += out.nincidents - state->nincidents;
    state->alerts = out.alerts;
    state->nalerts = out.nalerts;
    state->incidents = out.incidents;
    state->nincidents = keep_open(out.incidents, out.nincidents);
    return 0;
}

static int count_incidents(const struct vg_rehearsal *rehearsal, const struct limit_of *limits,
                           size_t n, size_t *out, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct state state = {0};
    int rc = 0;
    for (size_t w = 0; rc == 0 && w < rehearsal->nwindows; w++)
        rc = step_window(rehearsal, limits, n, w, &state, arena, err);
    vg_arena_free(arena);
    *out = state.opened;
    return rc;
}

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

double vg_rehearse_round(double x)
{
    double ten = x > 0 ? floor(log10(x)) : 0;
    double digits = x >= 1 ? 2 - ten : x >= 0.01 ? 3 : 1 - ten; /* behind the point */
    if (!(x > 0) || !isfinite(x) || fabs(digits) > 22)
        return x;
    double scale = pow(10, fabs(digits)), up = ceil(digits < 0 ? x / scale : x * scale);
    double out = digits < 0 ? (up - 1) * scale : (up - 1) / scale;
    for (; out < x; up++) /* x may be such a number itself, but for the last bit */
        out = digits < 0 ? up * scale : up / scale;
    return out;
}

/* The largest value of a window, of all rows and of segments; NAN: it has none. */
static double find_largest(const struct vg_rehearsed_rule *rule, size_t w)
{
    double most = rule->d[w];
    for (size_t s = 0; s < rule->nsegments; s++) {
        double d = rule->segments[s].d[w];
        most = isnan(most) || d > most ? d : most;
    }
    return most;
}

/* Among the limits that fail at most a quarter of the windows (lower ones melt all windows into one
 * endless incident) the smallest down to which each opens one incident at most. */
static int find_least(const struct vg_rehearsal *rehearsal, struct vg_rehearsed_rule *rule,
                      struct vg_error *err)
{
    double *sorted = vg_array(rehearsal->nwindows, sizeof *sorted);
    if (!sorted)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t n = 0, opened = 0;
    for (size_t w = 0; w < rehearsal->nwindows; w++) {
        double most = find_largest(rule, w);
        if (!isnan(most))
            sorted[n++] = most;
    }
    qsort(sorted, n, sizeof *sorted, compare_down);
    rule->least = (double)NAN;
    int rc = 0;
    for (size_t i = 0; rc == 0 && opened <= 1 && i < n && i <= n / 4; i++) {
        struct limit_of at = {rule, vg_rehearse_round(sorted[i])};
        if (at.limit >= rule->least)
            continue;
        rc = count_incidents(rehearsal, &at, 1, &opened, err);
        if (rc == 0 && opened <= 1)
            rule->least = at.limit;
    }
    free(sorted);
    return rc;
}

int vg_rehearse(struct vg_rehearsal *rehearsal, struct vg_error *err)
{
    struct limit_of *limits = vg_array(rehearsal->nrules, sizeof *limits);
    if (!limits)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < rehearsal->nrules; i++) {
        struct vg_rehearsed_rule *rule = &rehearsal->rules[i];
        limits[i] = (struct limit_of){rule, rule->rule->limits.fail};
        rc = count_incidents(rehearsal, &limits[i], 1, &rule->incidents, err);
        if (rc == 0)
            rc = find_least(rehearsal, rule, err);
    }
    if (rc == 0)
        rc = count_incidents(rehearsal, limits, rehearsal->nrules, &rehearsal->incidents, err);
    free(limits);
    return rc;
}
