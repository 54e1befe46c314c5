/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of Alertmanager's webhooks, version 4, and its labels and annotations, which several
 * receivers have in common. Pure. */
#ifndef PGVIGIL_AGENT_HOOK_H
#define PGVIGIL_AGENT_HOOK_H

#include <jansson.h>

#include "pgvigil/ports.h"

/* Of one alert; item NULL: of a message without any. NULL without memory. */
json_t *vg_hook_labels(const struct vg_message *message, const struct vg_message_item *item);
json_t *vg_hook_annotations(const struct vg_message *message, const struct vg_message_item *item);

/* The whole body with at most `most` alerts, the rest counted in truncatedAlerts. NULL without
 * memory. */
json_t *vg_hook_body(const struct vg_sink_in *in, size_t most, struct vg_arena *arena);

#endif
