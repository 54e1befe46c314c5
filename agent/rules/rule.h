/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One rule file: the text of one dataset and its rules; layer 4.
 *
 * Reads it into struct vg_dataset and reports every fault in it at once. Knows the checks only by
 * their tables (check.h) and the database not at all.
 */
#ifndef PGVIGIL_RULE_FILE_H
#define PGVIGIL_RULE_FILE_H

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

enum { VG_RULES_MAX = 10000 }; /* of a dataset */

struct vg_rule_text {
    const char *text;
    size_t n;
    const char *path;               /* as shown to people */
    const struct vg_config *config; /* NULL: connections and receivers are taken as written, and
                                     * nothing is defaulted */
    bool nameless;                  /* connections and receivers are taken as written */
};

/* 0 when the text has no error (it may have warnings); else -1 and *out is NULL. Every fault is in
 * diags under the path. The dataset lives in arena and points into nothing else but the check
 * types. */
int vg_rule_parse(const struct vg_rule_text *in, struct vg_arena *arena, struct vg_diags *diags,
                  struct vg_dataset **out) VG_MUST_CHECK;

#endif
