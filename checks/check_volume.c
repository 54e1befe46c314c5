/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volume: the number of rows of the window, between min and max. Always counted exactly. */
#include "pgvigil/check.h"

#include <inttypes.h>
#include <stdio.h>

static int measure_volume(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    bool repeated = evidence->window && evidence->window->repeated;
    if (repeated || !evidence->now) {
        int rc = repeated ? vg_measure_skip(out, rule, VG_NODATA,
                                            "the window holds an hour twice (change of the clock)")
                          : vg_measure_skip(out, rule, VG_UNKNOWN, "the rows were not counted");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = measure->n_now = (double)evidence->now->rows;
    snprintf(measure->why, sizeof measure->why, "%" PRIu64 " row%s", evidence->now->rows,
             evidence->now->rows == 1 ? "" : "s");
    return 0;
}

const struct vg_check_type vg_check_volume = {
    .name = "volume",
    .doc = "Number of rows of the window. Not judged on the window that holds an hour twice.",
    .class = VG_CLASS_VOLUME,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_ROWS,
    .filterable = true,
    .bounds = VG_BOUNDS_ON_VALUE,
    .shorthand = "min",
    .measure = measure_volume,
};
