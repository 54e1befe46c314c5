/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the numbers of a reference depend on each other; layer 5, for capture*.c only. */
#ifndef PGVIGIL_CAPTURE_PAIRS_H
#define PGVIGIL_CAPTURE_PAIRS_H

#include "agent/loop/capture_scan.h"

/* Once the cells of all columns are counted, and before the columns are stored: where a rule of the
 * dataset looks at dependence, reads the numbers once more, together and unordered, counts their
 * ranks two by two and stores them. Those that rules name come first, then all others but the key,
 * VG_PAIRS_COLUMNS at most; the log says how many were left out. Errors as of the source and the
 * store, VG_E_MEMORY. */
int vg_capture_pairs(struct vg_capture *capture, struct vg_error *err);

#endif
