/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sentence about a window that was read again. Sums are named only of columns that are not
 * private: the evidence holds no others. */
#include "checks/check_revisited.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"
#include "pgvigil/time.h"

__attribute__((format(printf, 2, 3))) static void add(struct vg_measure *measure, const char *fmt,
                                                      ...)
{
    size_t used = strlen(measure->why);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(measure->why + used, sizeof measure->why - used, fmt, ap);
    va_end(ap);
}

static void add_changes(struct vg_measure *measure, const struct vg_revisit *revisit)
{
    const struct {
        double rows;
        const char *word;
    } parts[] = {
        {revisit->added, "added"}, {revisit->removed, "removed"}, {revisit->changed, "changed"}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].rows < 1)
            continue;
        add(measure, "%s %.0f %s", comma, parts[i].rows, parts[i].word);
        comma = ",";
    }
}

int vg_revisited_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_measure **out,
                         struct vg_error *err)
{
    const struct vg_revisit *revisit = evidence->revisit;
    char start[VG_TIME_TEXT], read[VG_TIME_TEXT], then[VG_NUMBER_TEXT], now[VG_NUMBER_TEXT];
    if (!revisit)
        return 0;
    struct vg_measure *measure = *out = vg_measure_add(measures, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = (double)revisit->rows_now;
    measure->n_ref = (double)revisit->rows_then;
    measure->direction =
        (revisit->rows_now > revisit->rows_then) - (revisit->rows_now < revisit->rows_then);
    snprintf(measure->why, sizeof measure->why,
             "window %s since %s:", vg_format_time(revisit->window.start_us, start),
             vg_format_time(revisit->read_us, read));
    if (revisit->same)
        add(measure, " unchanged, %" PRIu64 " rows", revisit->rows_now);
    else {
        add_changes(measure, revisit);
        add(measure, " of %" PRIu64 " rows", revisit->rows_then);
    }
    if (!revisit->compared)
        add(measure, " (by number and sums only)");
    if (revisit->column)
        add(measure, "; sum of %.60s %s, was %s", revisit->column,
            vg_format_human(revisit->sum_now, 6, now), vg_format_human(revisit->sum_then, 6, then));
    return 1;
}
