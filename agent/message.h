/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages and onsets as JSON text and back, for the outbox.
 *
 * Pure. What is written reads back equal, but for three things: text that is not UTF-8 is repaired,
 * a text is cut at VG_MESSAGE_TEXT characters, and of very many items the first are kept and the
 * rest counted in `more`. So no message is too long to be written.
 */
#ifndef PGVIGIL_AGENT_MESSAGE_H
#define PGVIGIL_AGENT_MESSAGE_H

#include "pgvigil/error.h"
#include "pgvigil/event.h"
#include "pgvigil/mem.h"

enum {
    VG_MESSAGE_ITEMS = 200,      /* items kept when a message is written, the changed ones first */
    VG_MESSAGE_TEXT = 2000,      /* characters of one text */
    VG_MESSAGE_BYTES = 64 << 20, /* longest JSON text */
};

/* The JSON text of a message, in arena. VG_E_MEMORY. */
int vg_message_write(const struct vg_message *message, struct vg_arena *arena, const char **out,
                     struct vg_error *err);
/* The message of a JSON text; everything in arena. VG_E_DATA when it is not one. */
int vg_message_read(const char *json, struct vg_arena *arena, struct vg_message *out,
                    struct vg_error *err);

/* The same for what a retraining request is made from. */
int vg_onset_write(const struct vg_onset *onset, struct vg_arena *arena, const char **out,
                   struct vg_error *err);
int vg_onset_read(const char *json, struct vg_arena *arena, struct vg_onset *out,
                  struct vg_error *err);

#endif
