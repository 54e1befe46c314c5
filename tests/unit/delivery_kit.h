/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of messages, receivers and delivery share: messages made of literals, hostile
 * names from a seed, requests rendered and parsed.
 */
#ifndef TESTS_UNIT_DELIVERY_KIT_H
#define TESTS_UNIT_DELIVERY_KIT_H

#include <jansson.h>

#include "agent/receivers/receivers.h"
#include "pgvigil/event.h"
#include "pgvigil/mem.h"
#include "pgvigil/ports.h"

#define KIT_KEY     "00112233445566778899aabbccddeeff"
#define KIT_JUNE_12 INT64_C(992304000000000) /* 2001-06-12T00:00:00Z */

/* One item that fires: ks of probability 0.384 over 0.35 since 12 June 2001. */
struct vg_message_item kit_item(void);
/* An opening message with that item (in *item), on 13 June at 00:10. */
struct vg_message kit_message(struct vg_message_item *item);
struct vg_onset kit_onset(void);

/* The next of a series of names made to break markup: mentions, links, quotes, controls, bytes that
 * are not UTF-8, long runs. In arena. */
const char *kit_hostile_name(uint64_t *seed, struct vg_arena *arena);
/* Puts such names into every text of a message and its items. */
void kit_poison(struct vg_message *message, uint64_t *seed, struct vg_arena *arena);

/* Renders, parses the body and checks that it is JSON. The request is *out; the caller frees the
 * JSON. */
json_t *kit_render(const struct vg_receiver *receiver, const char *secret,
                   const struct vg_message *message, struct vg_arena *arena,
                   struct vg_request *out);
/* The same of all that a rendering may know. */
json_t *kit_render_in(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out);
/* The string at a path such as "attachments/0/blocks/1/text/text"; fails where there is none. */
const char *kit_text(const json_t *root, const char *path);
const json_t *kit_at(const json_t *root, const char *path);

/* The answer of a status and a body. */
struct vg_response *kit_response(int status, const char *body);
void kit_expect_answer(const struct vg_sink_ops *sink, int status, const char *body,
                       enum vg_outcome outcome);

#endif
