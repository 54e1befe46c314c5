/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a retraining may be asked for, and what follows when it has succeeded: the keys of
 * `retraining` that speak of no endpoint. Reads and checks; what they mean is agent/retrain's. */
#include <stddef.h>

#include "agent/config/reading.h"
#include "agent/yaml/value_quiet.h"

const char *const vg_approvals[] = {"automatic", "manual", NULL};
static const char *const times_of_promotion[] = {"success", "manual", NULL};

struct raw_promote {
    int after;
    int64_t window_us;
};

static const struct vg_key promote_keys[] = {
    {"after", VG_VALUE_CHOICE, offsetof(struct raw_promote, after), .choices = times_of_promotion,
     .fallback = "success",
     .doc = "success: when the run has succeeded; manual: then the command for it is told"},
    {"window", VG_VALUE_DURATION, offsetof(struct raw_promote, window_us), .required = true,
     .least = "1m", .most = "520w",
     .doc = "how many of the last rows before the request become the reference"},
};
const struct vg_key_table vg_promote_table = {"promote", promote_keys,
                                              sizeof promote_keys / sizeof *promote_keys};

static void read_promote(struct vg_config_reading *in, const struct vg_node *node,
                         struct vg_retraining *out)
{
    struct raw_promote raw = {0};
    struct vg_part part;
    if (!vg_read_table(&in->r, node, &vg_promote_table, &part, &raw))
        return;
    out->promote = raw.after ? VG_PROMOTE_MANUAL : VG_PROMOTE_SUCCESS;
    out->promote_us = raw.window_us;
}

void vg_config_guards(struct vg_config_reading *in, const struct vg_part *part,
                      const struct vg_raw_retraining *raw, struct vg_retraining *out)
{
    out->max_per_day = (int)raw->max_per_day;
    out->min_rows = raw->min_rows;
    out->min_labels = raw->min_labels;
    out->in_flight_us = vg_part_given(part, "in_flight_for") ? raw->in_flight_us : VG_DEFAULT;
    out->manual = raw->approval == 1;
    out->dry_run = raw->dry_run;
    if (raw->quiet)
        vg_read_times(&in->r, raw->quiet, &out->quiet, &out->nquiet);
    if (raw->promote)
        read_promote(in, raw->promote, out);
}
