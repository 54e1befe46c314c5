/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reach: the dataset can be read. Implicit. The one check that runs when a read failed, so that a
 * cause common to the dataset is one alert and not one per rule. */
#include "pgvigil/check.h"

#include <stdio.h>

static int measure_reach(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    const struct vg_error *error = evidence->live ? evidence->live->error : NULL;
    if (error) {
        int rc = vg_measure_skip(out, rule, VG_UNKNOWN, "could not be read (%s): %s",
                                 vg_code_name(error->code), error->msg);
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    char since[VG_TIME_TEXT];
    if (evidence->live && evidence->live->unchanged_us)
        snprintf(measure->why, sizeof measure->why,
                 "readable; not read again: unchanged since %s, the verdicts of then stand",
                 vg_format_time(evidence->live->unchanged_us, since));
    else
        snprintf(measure->why, sizeof measure->why, "readable");
    return 0;
}

const struct vg_check_type vg_check_reach = {
    .name = "reach",
    .doc = "The table can be read: connection, permission, time limits. Every dataset has it.",
    .class = VG_CLASS_FRESHNESS,
    .cadence = VG_ON_TICK,
    .implicit = true,
    .measure = measure_reach,
};
