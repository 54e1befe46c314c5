/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shares of the numbers of a column that its basic counts hold already; layer 3. */
#ifndef PGVIGIL_CHECK_COUNTED_H
#define PGVIGIL_CHECK_COUNTED_H

#include "pgvigil/check.h"

/* `measure` of a check of numbers: value = count / (rows - nulls - uncast), in [0, 1], NAN without
 * numbers; "3 of 400 numbers `what`". -1: VG_E_MEMORY. */
int vg_counted_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       uint64_t (*count)(const struct vg_column_summary *column), const char *what,
                       struct vg_measures *out, struct vg_error *err);

#endif
