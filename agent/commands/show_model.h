/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model gives out in a window, for people and as JSON; layer 6. */
#ifndef PGVIGIL_COMMANDS_SHOW_MODEL_H
#define PGVIGIL_COMMANDS_SHOW_MODEL_H

#include <stdio.h>

#include <jansson.h>

#include "pgvigil/result.h"

/* "probability: mean 0.21, 0.18 in the reference", a line each; nothing without predictions. */
void vg_show_predicted(FILE *out, const struct vg_cycle *cycle);
/* A list; NULL without memory. */
json_t *vg_show_predictions(const struct vg_cycle *cycle);

#endif
