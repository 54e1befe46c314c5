/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mann-Whitney's U from counts, as the chance that a value of the current sample is larger than one
 * of the reference; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_STAT_MANN_WHITNEY_H
#define PGVIGIL_CHECKS_STAT_MANN_WHITNEY_H

#include "checks/stat_ks.h"

struct vg_mann_whitney {
    double m, n;
    double auc;    /* P(now > reference) + P(equal) / 2; inside one gap as if it were 1/2 */
    double lo, hi; /* where both samples have values in one gap their order is not known */
    double p;      /* two-sided, of the value between lo and hi that is nearest to 1/2 */
};
/* U / (m n), U = sum over the current values of (reference values below + half of those equal)
 * (Mann and Whitney 1947, Ann. Math. Stat. 18:50-60). p by the normal law with the variance
 * corrected for ties, m n / 12 (N + 1 - sum (t^3 - t) / (N (N - 1))), and for continuity; 1 where
 * all values are equal. NAN without values in one of the samples. */
struct vg_mann_whitney vg_mann_whitney(const struct vg_ks_counts *counts);

#endif
