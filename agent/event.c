/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of what events are made of; layer 1. */
#include "pgvigil/event.h"

const char *vg_decision_name(enum vg_decision_kind kind)
{
    static const char *const names[] = {
        [VG_DECIDED_OPENED] = "opened",     [VG_DECIDED_FIRED] = "fired",
        [VG_DECIDED_WITHHELD] = "withheld", [VG_DECIDED_ENDED_UNFIRED] = "ended_unfired",
        [VG_DECIDED_ENDED] = "ended",       [VG_DECIDED_ACCEPTED] = "accepted",
        [VG_DECIDED_REFUSED] = "refused",
    };
    return names[kind];
}
