/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the check `budget` share; layer 3, pure. */
#ifndef PGVIGIL_CHECK_BUDGET_H
#define PGVIGIL_CHECK_BUDGET_H

#include "checks/check_budget_text.h"

struct vg_budget_finding {
    const struct vg_rule *rule;
    const struct vg_budget_evidence *of;
    struct vg_measures *out;
    const struct vg_reading *readings;
    size_t nreadings;
};
/* A new measure of the rule, with all its readings; NULL when out of memory. */
struct vg_measure *vg_check_budget_add(const struct vg_budget_finding *in);
/* nodata, or with `standing` what no data will change. 0, or -1 out of memory. */
int vg_check_budget_skip(const struct vg_budget_finding *in, bool standing, const char *why);
/* Tests the streams of the column: their readings in the order of the model, what was found by how
 * near it is to an alarm. -1 with *err. */
int vg_check_budget_streams(struct vg_budget_finding *in, struct vg_budget_found *found, size_t *n,
                            struct vg_error *err);
/* Whether a stream can never see what it is of, or never tells, and does not alarm. */
bool vg_check_budget_stands(const struct vg_budget_stream *stream,
                            const struct vg_budget_found *found);
/* Whether nothing watches the values themselves: their stream is blind or not stationary, and does
 * not alarm. That of their spread or their NULLs may still alarm, but not pass for them. */
bool vg_check_budget_unwatched(const struct vg_budget *model, const struct vg_budget_found *found,
                               size_t n);
/* Whether a stream has a say where that is so: that of the values, or an alarm. */
bool vg_check_budget_decides(const struct vg_budget *model, const struct vg_budget_found *found);
/* One of them as a measure. 0, or -1 out of memory. */
int vg_check_budget_found(const struct vg_budget_finding *in, const struct vg_budget_found *found);
/* A measure for each hard rule that is broken. 0, or -1 out of memory. */
int vg_check_budget_hard(const struct vg_budget_finding *in);

#endif
