/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the checks of dependence share: the pairs of a rule's columns in the window beside those in
 * the reference, or why the two must not be compared. Layer 3, pure. */
#ifndef PGVIGIL_CHECK_PAIRS_H
#define PGVIGIL_CHECK_PAIRS_H

#include "pgvigil/check.h"
#include "pgvigil/summary_pairs.h"

struct vg_pairs_params {
    struct vg_strings columns; /* without any: all that the reference ranked */
    double share;              /* of reconstruction */
};
/* Their table. */
#define VG_PAIRS_PARAM                                                                             \
    {                                                                                              \
        "columns", VG_PARAM_STRINGS, offsetof(struct vg_pairs_params, columns), false, NULL, NULL, \
            "numbers, two at least, 100 at most; all of the reference but the key if none is "     \
            "written"                                                                              \
    }

struct vg_pairs_drift {
    struct vg_pairs *then, *now; /* of the same columns in the same order */
    size_t lost;                 /* ranked in the reference, and not now */
};

const struct vg_strings *vg_pairs_ranked(const struct vg_rule *rule);
/* Fewer than two columns, too many, or one twice. */
void vg_pairs_validate(const struct vg_rule *rule, struct vg_diags *diags);
/* What `compare` makes of the pairs of both; where there is nothing to compare a measure says why.
 */
int vg_pairs_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                     struct vg_measures *out,
                     int (*compare)(const struct vg_rule *rule, const struct vg_pairs_drift *drift,
                                    struct vg_measures *out, struct vg_error *err),
                     struct vg_error *err);
/* Adds to the measure's why how many columns were left out because they cannot be read now. */
void vg_pairs_say_lost(struct vg_measure *measure, const struct vg_pairs_drift *drift);

#endif
