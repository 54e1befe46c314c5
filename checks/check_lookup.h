/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a rule of the check lookup says; layer 3. */
#ifndef PGVIGIL_CHECK_LOOKUP_H
#define PGVIGIL_CHECK_LOOKUP_H

#include "checks/ask_lookup.h"

struct vg_lookup_params {
    const char *table, *connection;
    struct vg_strings columns, own;
};

/* Whether the other table is on another connection. */
bool vg_lookup_elsewhere(const struct vg_rule *rule);
/* The other table's columns, by name. */
struct vg_strings vg_lookup_theirs(const struct vg_rule *rule);
/* Its `offenders`: on one connection only. */
int vg_lookup_find(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err);

#endif
