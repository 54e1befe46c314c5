/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the check `budget` says of its streams, in words; layer 3, pure. Values of rows never
 * appear. */
#ifndef PGVIGIL_CHECK_BUDGET_TEXT_H
#define PGVIGIL_CHECK_BUDGET_TEXT_H

#include "pgvigil/check.h"
#include "pgvigil/text.h"

/* "D 0.21 over the last 4 base windows of 6h" */
void vg_budget_say_found(const struct vg_budget_evidence *of, const struct vg_budget_found *found,
                         char out[VG_WHY]);
/* "one value" "the rare values together" "NULLs" ... */
const char *vg_budget_say_value(enum vg_budget_value which);
/* A share in percent, as the story of an alarm says it too: "5.83%". Returns out. */
enum { VG_SHARE_TEXT = VG_NUMBER_TEXT + 1 };
char *vg_budget_say_share(double share, char out[VG_SHARE_TEXT]);
/* Why a stream never alarms or sees little; "" where neither is so. */
void vg_budget_say_stream(const struct vg_budget_stream *stream, char out[VG_WHY]);
/* Why a column's values are not tested; "" where they are. */
const char *vg_budget_say_reason(const struct vg_budget_column *column);
/* "a distance D of 0.3", "an unseen value risen to 0.09%, the most frequent by 1.2 points",
 * "none" ... */
void vg_budget_say_visible(const struct vg_budget_stream *stream, char out[VG_WHY / 2]);
/* "distribution" "spread" "shares of values" "null rate" */
const char *vg_budget_say_kind(enum vg_budget_kind kind);

#endif
