/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statement of a check of age by a time column, and the reading of its answer; layer 3, pure.
 */
#ifndef PGVIGIL_ASK_STALE_H
#define PGVIGIL_ASK_STALE_H

#include "checks/ask_parts.h"

struct vg_ask_stale {
    const char *by; /* name of the time column */
};

/* The newest time up to now of the rule's column, or of each name of a long source, or of all rows.
 * VG_E_NOT_FOUND, VG_E_CONFIG. */
int vg_ask_stale(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err);
/* A new measure: the age in seconds, of several names that of the oldest. 0, or -1 VG_E_MEMORY. */
int vg_ask_stale_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_error *err);

#endif
