/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `pgvigil status` shows, and its JSON; layer 6. */
#ifndef PGVIGIL_STATUS_JSON_H
#define PGVIGIL_STATUS_JSON_H

#include "agent/commands/retrain_show.h"

struct vg_status {
    const char *revived; /* why last good rules stand in for the folder, or NULL */
    struct vg_strings datasets;
    struct vg_latest *latest;
    size_t nlatest;
    struct vg_alert *alerts;
    size_t nalerts;
    struct vg_incident *incidents;
    size_t nincidents;
    struct vg_decision *decisions;
    size_t ndecisions;
    struct vg_retrain_group *groups;
    size_t ngroups;
    struct vg_outbox_count *counts;
    size_t ncounts;
    struct vg_offenders *offenders;
    size_t noffenders;
    struct vg_silence *silences; /* in force and to come */
    size_t nsilences;
    struct vg_quiet *quiets; /* those of files, likewise */
    size_t nquiets;
    const char *trouble; /* of the state store, or NULL */
    const char *notice;  /* what the daemon has to say of itself, lines; or NULL */
};

/* Prints it to stdout; an exit code. */
int vg_status_json(struct vg_shell *shell, const struct vg_status *status);

#endif
