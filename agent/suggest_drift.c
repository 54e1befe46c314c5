/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of drift, from the distances of the reference's own windows: one that none of them breaks,
 * and as a warning the least that would have opened one incident at most. Pure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/rehearse.h"
#include "agent/suggest_parts.h"
#include "pgvigil/check.h"
#include "pgvigil/sort.h"

enum { WINDOWS_LEAST = 5 };
/* Windows that differ so much anyway leave no room for a limit. */
static const double hopeless = 0.65, least_limit = 0.05, margin = 1.1;

static double round_limit(double d)
{
    return ceil(d * 100 - 1e-9) / 100;
}

static int rehearse(const struct vg_suggesting *at, double limit, double *least,
                    struct vg_error *err)
{
    struct vg_dataset dataset = {.id = at->profile->dataset,
                                 .table = at->profile->table,
                                 .zone = at->profile->zone,
                                 .schedule = {.window_us = at->profile->window_us},
                                 .group_for_us = 4 * VG_HOUR_US};
    struct vg_rule rule = {.id = at->column->column->name,
                           .column = at->column->column->name,
                           .dataset = &dataset,
                           .type = vg_check_find("ks"),
                           .limits = {.has_fail = true, .fail = limit},
                           .severity = VG_SEVERITY_CRITICAL,
                           .after = VG_DEFAULT,
                           .resolve_after = VG_DEFAULT};
    struct vg_rehearsed_rule rehearsed = {.rule = &rule, .d = at->column->d};
    struct vg_rehearsal rehearsal = {.dataset = &dataset,
                                     .windows = at->column->compared,
                                     .nwindows = at->column->nd,
                                     .rules = &rehearsed,
                                     .nrules = 1};
    int rc = vg_rehearse(&rehearsal, err);
    *least = rehearsed.least;
    return rc;
}

static int suggest_limits(const struct vg_suggesting *at, double median, double most,
                          struct vg_error *err)
{
    char why[VG_WHY_TEXT];
    double least, fail = fmax(least_limit, round_limit(most * margin + 0.01));
    if (rehearse(at, fail, &least, err) < 0)
        return -1;
    double warn = isnan(least) ? fail : round_limit(least + 0.01);
    int used = snprintf(why, sizeof why, "D of %zu windows from all: median %.3f, largest %.3f",
                        at->column->nd, median, most);
    if (warn < fail && warn >= least_limit) {
        snprintf(why + used, sizeof why - (size_t)used, "; %.2f would have opened one incident",
                 warn);
        vg_suggest_add(at->list, at->column->column->name, false, why,
                       "drift: {ks: {fail: %.2f, warn: %.2f}}", fail, warn);
    } else {
        vg_suggest_add(at->list, at->column->column->name, false, why, "drift: {ks: %.2f}", fail);
    }
    return 0;
}

int vg_suggest_drift(const struct vg_suggesting *at, bool *on, struct vg_error *err)
{
    const struct vg_profile_column *column = at->column;
    const char *name = column->column->name;
    char why[VG_WHY_TEXT];
    *on = false;
    if (column->nd < WINDOWS_LEAST) {
        snprintf(why, sizeof why,
                 "%zu window%s of %d rows or more to set a limit from: this one is a guess",
                 column->nd, column->nd == 1 ? "" : "s", VG_PROFILE_DRIFT_LEAST);
        vg_suggest_add(at->list, name, true, why, "drift: {ks: 0.3}");
        return 0;
    }
    double *sorted = vg_array(column->nd, sizeof *sorted);
    if (!sorted)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    memcpy(sorted, column->d, column->nd * sizeof *sorted);
    vg_sort_doubles(sorted, column->nd);
    double median = sorted[column->nd / 2], most = sorted[column->nd - 1];
    free(sorted);
    if (most > hopeless) {
        snprintf(why, sizeof why, "windows differ anyway, as a calendar does: D up to %.3f of %zu",
                 most, column->nd);
        vg_suggest_add(at->list, name, true, why, "drift: {ks: %.2f}",
                       fmin(0.99, round_limit(most * margin)));
        return 0;
    }
    *on = true;
    return suggest_limits(at, median, most, err);
}
