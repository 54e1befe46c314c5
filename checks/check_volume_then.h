/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rows of a window are compared with; layer 3, pure. */
#ifndef PGVIGIL_CHECK_VOLUME_THEN_H
#define PGVIGIL_CHECK_VOLUME_THEN_H

#include "pgvigil/check.h"

enum { VG_AGAINST_PREVIOUS, VG_AGAINST_SAME_TIME, VG_AGAINST_AVERAGE, VG_AGAINST_REFERENCE };

/* Rows of the window before; of the one a week ago; the mean of those in the last `weeks` weeks, at
 * least half of which must have been judged; or the rows a window of the reference has. NAN: there
 * is none. */
double vg_volume_then(const struct vg_rule *rule, const struct vg_evidence *evidence, int against,
                      int64_t weeks);
/* Why there is none. */
const char *vg_volume_why(const struct vg_evidence *evidence, int against);

#endif
