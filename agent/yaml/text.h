/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a YAML file before it is parsed; layer 4, known to this folder only. */
#ifndef PGVIGIL_YAML_TEXT_H
#define PGVIGIL_YAML_TEXT_H

#include "agent/yaml/yaml.h"

struct vg_yaml_text {
    const char *text; /* of the same size, faulty characters replaced, in arena */
    size_t n;
    bool blanked;  /* lines were blanked: what the parser finds wrong may come from that */
    bool hopeless; /* not worth parsing; was reported */
};

/* Fills the document's lines and reports what no parser need look at: size, UTF-8, control
 * characters, tabs. -1 without memory. */
int vg_yaml_text_scan(struct vg_document *document, struct vg_arena *arena, struct vg_diags *diags,
                      struct vg_yaml_text *out) VG_MUST_CHECK;

#endif
