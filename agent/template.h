/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts for people with {{variables}} of a message; layer 1.
 *
 * A fixed set of variables and filters, checked when the configuration is loaded. There is no logic
 * and no access to anything else, and what is put in is never read as a template itself. What comes
 * out is plain text, escaped by the receiver like all other text.
 */
#ifndef PGVIGIL_AGENT_TEMPLATE_H
#define PGVIGIL_AGENT_TEMPLATE_H

#include <stddef.h>

#include "pgvigil/error.h"
#include "pgvigil/event.h"
#include "pgvigil/mem.h"

/* {{ name }}, {{ name | filter }}, {{ name | filter:argument | ... }}. 0, or -1 with VG_E_CONFIG, a
 * hint, and *at: the byte of the text that is at fault. */
int vg_template_check(const char *text, size_t *at, struct vg_error *err);

/* Appends the text of a template that was checked; a variable the message has nothing for is
 * empty. */
void vg_template_write(struct vg_buf *out, const char *text, const struct vg_message *message);

/* The variables and filters, for documentation: name and meaning; NULL behind the last. */
struct vg_template_word {
    const char *name, *doc;
};
const struct vg_template_word *vg_template_variable(size_t i);
const struct vg_template_word *vg_template_filter(size_t i);

#endif
