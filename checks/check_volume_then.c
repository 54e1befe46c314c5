/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of earlier windows. Slots of a week are found by the local wall clock, so that a change
 * of the clock moves nothing. */
#include "checks/check_volume_then.h"

#include <math.h>
#include <stdlib.h>

#include "pgvigil/text.h"

/* Windows up to an hour have one length; of longer ones some hold the change of the clock. */
static bool is_alike(const struct vg_window *a, const struct vg_window *b)
{
    int64_t width = b->end_us - b->start_us, more = a->end_us - a->start_us - width;
    return !a->repeated && llabs(more) <= (width > VG_HOUR_US ? VG_HOUR_US : 0);
}

/* What a segment had, which its rule left as a fingerprint; NAN: nothing. */
static double find_mark(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        int64_t start_us)
{
    const struct vg_history *history = evidence->history;
    for (size_t i = 0; i < history->nmarks; i++) {
        const struct vg_mark *mark = &history->marks[i];
        if (mark->start_us == start_us && vg_streq(mark->rule, rule->id) &&
            vg_streq(mark->segment, evidence->segment))
            return (double)(mark->fingerprint - 1);
    }
    return NAN;
}

/* The rows of the window that begins at `start`, or ends there; NAN: there is none. */
static double find_rows(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        int64_t at_us, bool ends)
{
    for (size_t i = 0; i < evidence->history->n; i++) {
        const struct vg_past *past = &evidence->history->windows[i];
        if ((ends ? past->window.end_us : past->window.start_us) == at_us &&
            is_alike(&past->window, evidence->window))
            return evidence->segment ? find_mark(rule, evidence, past->window.start_us)
                                     : (double)past->rows;
    }
    return NAN;
}

static double find_slot(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        int64_t weeks)
{
    const struct vg_zone *zone = rule->dataset->zone;
    int64_t local = vg_zone_local(zone, evidence->window->start_us);
    return find_rows(rule, evidence, vg_zone_instant(zone, local - weeks * VG_WEEK_US), false);
}

/* Mean over those of the last weeks that were judged, which must be half of them. */
static double find_average(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           int64_t weeks)
{
    double sum = 0, n = 0;
    for (int64_t week = 1; week <= weeks; week++) {
        double rows = find_slot(rule, evidence, week);
        sum += isnan(rows) ? 0 : rows;
        n += !isnan(rows);
    }
    return 2 * n >= (double)weeks ? sum / n : (double)NAN;
}

static double find_reference(const struct vg_evidence *evidence)
{
    const struct vg_reference *reference = evidence->reference;
    if (!reference || reference->from_us == VG_NEVER || reference->to_us <= reference->from_us)
        return NAN;
    double width = (double)(evidence->window->end_us - evidence->window->start_us);
    return (double)reference->rows * width / (double)(reference->to_us - reference->from_us);
}

const char *vg_volume_why(const struct vg_evidence *evidence, int against)
{
    static const char *const none[] = {
        [VG_AGAINST_PREVIOUS] = "the window before was not judged with rows",
        [VG_AGAINST_SAME_TIME] = "the same window of last week was not judged with rows",
        [VG_AGAINST_AVERAGE] =
            "the same window was judged with rows in too few of the weeks before",
        [VG_AGAINST_REFERENCE] = "there is no reference with a span of time",
    };
    if (!evidence->window)
        return "there is no time column";
    if (evidence->window->repeated)
        return "the window holds an hour twice (change of the clock)";
    if (against != VG_AGAINST_REFERENCE && !evidence->history)
        return "windows judged before are known to the daemon's state only";
    return none[against];
}

double vg_volume_then(const struct vg_rule *rule, const struct vg_evidence *evidence, int against,
                      int64_t weeks)
{
    if (!evidence->window || evidence->window->repeated)
        return NAN;
    if (against == VG_AGAINST_REFERENCE)
        return find_reference(evidence);
    if (!evidence->history)
        return NAN;
    if (against == VG_AGAINST_PREVIOUS)
        return find_rows(rule, evidence, evidence->window->start_us, true);
    return find_average(rule, evidence, against == VG_AGAINST_SAME_TIME ? 1 : weeks);
}
