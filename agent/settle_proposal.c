/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When drift has lasted for so long that the reference is in question, and the words for it. */
#include "agent/settle_proposal.h"

#include <string.h>

static const int64_t patience_us = 14 * VG_DAY_US;

/* What moves by itself needs no person; without a span of time there is none to promote. */
static bool has_pinned(const struct vg_dataset *dataset)
{
    bool found = dataset->reference.kind == VG_REF_WINDOW;
    for (size_t i = 0; i < dataset->nothers; i++)
        found |= dataset->others[i].kind == VG_REF_WINDOW;
    return found;
}

bool vg_proposal_due(const struct vg_alert *alert, const struct vg_dataset *dataset, int64_t now_us)
{
    bool fires = alert->state == VG_ALERT_FIRING || alert->state == VG_ALERT_CLEARING;
    return dataset && fires && alert->class == VG_CLASS_DRIFT && alert->onset_us != VG_NEVER &&
           now_us - alert->onset_us >= patience_us && has_pinned(dataset);
}

const char *vg_proposal_text(const struct vg_alert *alert, int64_t now_us, struct vg_arena *arena)
{
    return vg_arena_printf(arena,
                           "drifting for %lld days: has the change become normal? Then: pgvigil"
                           " reference promote %s --window 14d",
                           (long long)((now_us - alert->onset_us) / VG_DAY_US), alert->dataset);
}
