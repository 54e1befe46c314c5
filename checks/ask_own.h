/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements that people write themselves; layer 3, pure. */
#ifndef PGVIGIL_ASK_OWN_H
#define PGVIGIL_ASK_OWN_H

#include "checks/ask_parts.h"

/* Reports a placeholder that stands in quotes: it would be sent as it is. */
void vg_ask_own_validate(const struct vg_rule *rule, const char *sql, struct vg_diags *diags);
/* The statement as it is written: its rows, two at most, in which one value is due. Both:
 * VG_E_CONFIG where a placeholder has no value. */
int vg_ask_metric(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                  struct vg_error *err);
/* The keys of its rows, which must have the columns of source.key, as `offenders` writes them. */
int vg_ask_failed(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                  struct vg_error *err);
/* The number of its rows, as (0, rows, NULL), then (1, NULL, first column) of the first. */
int vg_ask_failing(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                   struct vg_error *err);

#endif
