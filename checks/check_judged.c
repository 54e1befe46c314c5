/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judged: windows with rows arrive and rules reach verdicts. Implicit. It finds what no other rule
 * can: a table that stays empty, and a rule that only ever lacks data. */
#include "pgvigil/check.h"

#include <math.h>
#include <stdio.h>

static struct vg_measure *add(const struct vg_rule *rule, struct vg_measures *out)
{
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (measure)
        measure->limit = (double)rule->dataset->schedule.nodata_after_us / (double)VG_US;
    return measure;
}

static int measure_judged(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct vg_live *live = evidence->live;
    if (!live || live->last_judged_us == VG_NEVER) {
        int rc = vg_measure_skip(out, rule, VG_NODATA, "nothing is remembered of earlier windows");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    struct vg_measure *measure = add(rule, out);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    char text[VG_VALUE_TEXT];
    measure->value = fmax(0, (double)(evidence->now_us - live->last_judged_us) / (double)VG_US);
    snprintf(measure->why, sizeof measure->why, "%s without a judged window with rows",
             vg_value_text(measure->value, VG_UNIT_SECONDS, 3, text));
    if (!live->stale_rule)
        return 0;
    measure = add(rule, out);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = INFINITY; /* for longer than the limit, nobody knows how long */
    snprintf(measure->why, sizeof measure->why,
             "rule %s has had no verdict but nodata for too long", live->stale_rule);
    return 0;
}

const struct vg_check_type vg_check_judged = {
    .name = "judged",
    .doc = "Windows with rows are judged and every rule reaches a verdict within nodata_after. "
           "Every dataset has it.",
    .class = VG_CLASS_VOLUME,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_SECONDS,
    .implicit = true,
    .shorthand = "fail",
    .measure = measure_judged,
};
