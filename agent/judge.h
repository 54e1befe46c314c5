/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From measurements to verdicts; layer 3, pure. One stage for the whole list of a window or tick,
 * because some policies need all of it. */
#ifndef PGVIGIL_AGENT_JUDGE_H
#define PGVIGIL_AGENT_JUDGE_H

#include <stddef.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/result.h"

/* One result per (rule, segment), in the order of their first measures: the worst of the measures
 * that looked (pass, warn, fail), else unknown if one could not look, else nodata. Fewer rows than
 * min_rows is nodata.
 *   threshold  FAIL <=> value above the limit (of some types: at it), or outside the bounds; warn
 *              alike. A value known between lo and hi breaks a limit where both do.
 *   p_value    FAIL <=> p below the limit; `level` is the limit, `limit` does not apply.
 *   bh         Benjamini and Hochberg 1995: FAIL <=> the least share of false discoveries at which
 *              the test would be rejected, among all tests of this policy in the list, is at most
 *              the limit; `level` is the limit.
 *   budget     FAIL <=> p below the measure's level; without p, the value above its limit.
 * Every field of the results is set but the offending keys that were counted; of terse measures
 * those that pass or have no data have no words. *out and all text live in arena. 0, or -1 with
 * VG_E_MEMORY.
 */
int vg_judge(const struct vg_measures *measures, struct vg_arena *arena, struct vg_result **out,
             size_t *n, struct vg_error *err) VG_MUST_CHECK;

#endif
