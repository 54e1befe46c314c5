/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stale: age of what is newest by a time column that need not be the dataset's: of a column, of
 * each name of a long source, or of all rows. For states, which have no time column: a feature in
 * an online store that is no longer filled keeps its values, and only their time stands still. */
#include "checks/ask_stale.h"

static int lookup_stale(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                        struct vg_error *err)
{
    (void)connection;
    return asked->nanswers ? 0 : vg_ask_stale(asked, out, err);
}

static int measure_stale(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    bool failed;
    if (!vg_evidence_answered(rule, evidence, out, &failed, err))
        return failed ? -1 : 0;
    return vg_ask_stale_measure(rule, evidence, out, err);
}

static const struct vg_param stale_params[] = {
    {"by", VG_PARAM_STRING, offsetof(struct vg_ask_stale, by), true, NULL, NULL,
     "the time column, for example event_ts; not a private one"},
};

const struct vg_check_type vg_check_stale = {
    .name = "stale",
    .doc = "Age of the newest row by another time column than the dataset's, or without one. Below "
           "a column: of the rows that have a value, of a long source those of its name. Below "
           "checks: of all rows, of a long source of each name, and the oldest counts. Rows of the "
           "future do not count; without a row it fails.",
    .class = VG_CLASS_FRESHNESS,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_SECONDS,
    .of_column = true,
    .of_both = true,
    .filterable = true,
    .needs = VG_NEEDS_LOOKUP | VG_NEEDS_OTHERS,
    .params = stale_params,
    .nparams = sizeof stale_params / sizeof *stale_params,
    .params_size = sizeof(struct vg_ask_stale),
    .lookup = lookup_stale,
    .measure = measure_stale,
};
