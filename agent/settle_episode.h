/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a catch-up holds back of one alert; layer 3, pure. */
#ifndef PGVIGIL_SETTLE_EPISODE_H
#define PGVIGIL_SETTLE_EPISODE_H

#include "agent/settle.h"

struct vg_settle_step {
    unsigned emits;  /* of this step */
    bool was_active; /* before it */
};

/* After a step of an alert that belongs to its incident already. result NULL: its rule is gone.
 * Begins, follows and ends the alert's episode in out->episodes, which has room for one more per
 * alert and result. An alert whose episode is over has nothing left to tell and leaves its
 * incident. Whether the alert now has an episode that is not over. */
bool vg_settle_episode(const struct vg_settle_in *in, struct vg_settle_out *out,
                       struct vg_alert *alert, const struct vg_result *result,
                       struct vg_settle_step step);

#endif
