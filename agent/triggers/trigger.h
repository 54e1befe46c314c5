/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The templates of retraining requests.
 *
 * Pure. Placeholders {{name}} stand inside the JSON strings of a template and are replaced after it
 * was parsed, so that no value can change the shape of the body. A string that is exactly one
 * placeholder of a number becomes a number, and null where there is none.
 */
#ifndef PGVIGIL_AGENT_TRIGGER_H
#define PGVIGIL_AGENT_TRIGGER_H

#include "agent/triggers/systems.h"

/* Whether body is a JSON object or array whose placeholders are all known. VG_E_CONFIG with a hint.
 */
int vg_trigger_check(const char *body, struct vg_error *err);
/* The names of all placeholders. */
const char *const *vg_trigger_places(size_t *n);

#endif
