/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages as a receiver would get them, to be read before the night they are needed; layer 6. */
#ifndef PGVIGIL_NOTIFY_EXAMPLE_H
#define PGVIGIL_NOTIFY_EXAMPLE_H

#include <stdio.h>

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

/* Prints one message of each kind, made up: for people as the text they read, for programs as the
 * body they are sent. Sends nothing and reads no secret. VG_E_MEMORY, and what rendering says. */
int vg_notify_examples(const struct vg_config *config, const struct vg_receiver *receiver,
                       int64_t now_us, FILE *out, struct vg_error *err);

#endif
