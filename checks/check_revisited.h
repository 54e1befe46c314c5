/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the checks of windows that were read again say; layer 3. */
#ifndef PGVIGIL_CHECK_REVISITED_H
#define PGVIGIL_CHECK_REVISITED_H

#include "pgvigil/check.h"

/* 1: *out is a new measure whose `why` says what has changed; 0: no window was read again, and
 * nothing is said; -1: VG_E_MEMORY. */
int vg_revisited_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_measure **out,
                         struct vg_error *err);

#endif
