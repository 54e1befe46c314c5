/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sentence of a verdict; layer 3, pure. Internal to judge. */
#ifndef PGVIGIL_AGENT_JUDGE_TEXT_H
#define PGVIGIL_AGENT_JUDGE_TEXT_H

#include <stdbool.h>

#include "pgvigil/mem.h"
#include "pgvigil/result.h"

struct vg_judge_limit {
    bool given;
    double min, max; /* breaks below min or above max; infinite where there is no such side */
    bool at;         /* max itself breaks it too */
};

/* A measure on its way to a verdict. */
struct vg_judged {
    const struct vg_measure *measure;
    struct vg_judge_limit fail, warn;
    enum vg_verdict look; /* as of the measure, nodata also for too few rows or no number */
    double min_rows;      /* with nodata for too few rows: how many are needed; else 0 */
    double p;             /* p, of policy bh adjusted for the number of tests */
    size_t tests;         /* of policy bh: how many */
    enum vg_verdict verdict;
};

/* "D 0.384 above 0.35, upwards; p < 1e-300": what the check found, and how it stands to the limit.
 * One line of clean UTF-8. In arena; NULL when out of memory. */
const char *vg_judge_text(const struct vg_judged *judged, struct vg_arena *arena);

#endif
