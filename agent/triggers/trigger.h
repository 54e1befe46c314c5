/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The retraining request: an HTTP request with a templated JSON body and an idempotency key.
 *
 * Pure. Placeholders {{name}} stand inside the JSON strings of the template and are replaced after
 * it was parsed, so that no value can change the shape of the body. A string that is exactly one
 * placeholder of a number becomes a number, and null where there is none.
 */
#ifndef PGVIGIL_AGENT_TRIGGER_H
#define PGVIGIL_AGENT_TRIGGER_H

#include "pgvigil/event.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"

/* Whether body is a JSON object or array whose placeholders are all known. VG_E_CONFIG with a hint.
 */
int vg_trigger_check(const char *body, struct vg_error *err);

struct vg_trigger {
    const struct vg_retraining *retraining;
    const char *url;   /* the endpoint's, or what its url_file holds */
    const char *agent; /* name of the agent */
    const struct vg_onset *onset;
};
/* The request of an onset, in arena: with an Idempotency-Key, without the token. VG_E_CONFIG for a
 * wrong template. */
int vg_trigger_render(const struct vg_trigger *trigger, struct vg_arena *arena,
                      struct vg_request *out, struct vg_error *err);

/* What an answer means: as vg_receiver_answer, but 409 is delivered: the system has this key. */
enum vg_outcome vg_trigger_answer(const struct vg_response *response, int64_t *retry_after_us,
                                  char *why, size_t why_size);

#endif
