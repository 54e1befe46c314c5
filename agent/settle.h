/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From results to alert states, incidents and messages; layer 3, pure.
 *
 * One cycle is settled at once: every result steps its alert, alerts that fire or go blind join an
 * open incident of their dataset and severity or open one, incidents without an active alert end,
 * and each incident that has something to tell gives one grouped message. While windows are caught
 * up nothing is told; what began or ended meanwhile is handed out as episodes, to be stored, and
 * told at the end: what began and ended, in one summary for the dataset.
 */
#ifndef PGVIGIL_SETTLE_H
#define PGVIGIL_SETTLE_H

#include "pgvigil/event.h"

struct vg_settle_in {
    const struct vg_cycle *cycle;
    const char *agent;                /* first part of every key */
    const struct vg_dataset *dataset; /* NULL: it was retired; its alerts all end */
    const struct vg_alert *alerts;
    size_t nalerts; /* stored states of the dataset */
    const struct vg_incident *incidents;
    size_t nincidents; /* its open incidents */
    const struct vg_episode *episodes;
    size_t nepisodes;              /* held back: while catching up those not over, else all */
    const struct vg_strings *gone; /* ids of stored alerts that the files no longer name */
    const struct vg_strings *gone_segments; /* theirs, in the same order; NULL: of all */
    bool catching_up; /* another window is due: tell at the end, or when reading fails for long */
    const char *url, *dashboard; /* for messages, or NULL */
    /* Who is not told now: silences that somebody made, and those of the configuration. */
    const struct vg_quiet *silences, *quiet;
    size_t nsilences, nquiet;
    const struct vg_route *routes; /* who is told where no rule file says it */
    size_t nroutes;
    /* Open incidents of other datasets that were told that the connection of this one is lost. */
    const struct vg_incident *lost;
    size_t nlost;
    size_t neighbours; /* other datasets that are read over the connection */
};

struct vg_settle_out {
    struct vg_alert *alerts;
    size_t nalerts; /* all of the dataset, to be stored */
    bool *retired;  /* per alert: delete it */
    struct vg_incident *incidents;
    size_t nincidents; /* changed or new, to be stored */
    struct vg_episode *episodes;
    size_t nepisodes; /* still held back, to be stored */
    bool told;        /* nothing is held back any more: the stored episodes go */
    struct vg_message *messages;
    size_t nmessages;
    struct vg_strings *receivers; /* per message */
};

/* Everything handed out lives in arena or points into the inputs. 0, or -1 VG_E_MEMORY. */
int vg_settle(const struct vg_settle_in *in, struct vg_arena *arena, struct vg_settle_out *out,
              struct vg_error *err);

#endif
