/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of what events are made of, and the order of messages; layer 1. */
#include "pgvigil/event.h"

#include "pgvigil/time.h"

const char *vg_decision_name(enum vg_decision_kind kind)
{
    static const char *const names[] = {
        [VG_DECIDED_OPENED] = "opened",       [VG_DECIDED_FIRED] = "fired",
        [VG_DECIDED_WITHHELD] = "withheld",   [VG_DECIDED_ENDED_UNFIRED] = "ended_unfired",
        [VG_DECIDED_ENDED] = "ended",         [VG_DECIDED_ACCEPTED] = "accepted",
        [VG_DECIDED_REFUSED] = "refused",     [VG_DECIDED_STARTED] = "started",
        [VG_DECIDED_SUCCEEDED] = "succeeded", [VG_DECIDED_FAILED] = "failed",
        [VG_DECIDED_LOST] = "lost",           [VG_DECIDED_WAITING] = "waiting",
        [VG_DECIDED_APPROVED] = "approved",   [VG_DECIDED_DENIED] = "denied",
        [VG_DECIDED_DRY_RUN] = "dry_run",     [VG_DECIDED_PROPOSED] = "proposed",
        [VG_DECIDED_PROMOTED] = "promoted",
    };
    return names[kind];
}

const char *vg_retrain_state_name(enum vg_retrain_state state)
{
    static const char *const names[] = {
        [VG_RETRAIN_ASKED] = "asked",         [VG_RETRAIN_ACCEPTED] = "accepted",
        [VG_RETRAIN_QUEUED] = "queued",       [VG_RETRAIN_RUNNING] = "running",
        [VG_RETRAIN_SUCCEEDED] = "succeeded", [VG_RETRAIN_FAILED] = "failed",
        [VG_RETRAIN_REFUSED] = "refused",     [VG_RETRAIN_LOST] = "lost",
    };
    return names[state];
}

int64_t vg_outgoing_turn(const struct vg_outgoing *row)
{
    static const int64_t lead_us = VG_US;
    bool news = row->kind == VG_MSG_OPEN || row->kind == VG_MSG_UPDATE;
    return row->created_us - (news ? lead_us * (int64_t)row->severity : 0);
}
