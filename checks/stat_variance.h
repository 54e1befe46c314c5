/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The change of a column's spread, as the logarithm of the ratio of two variances; layer 3, pure.
 * */
#ifndef PGVIGIL_CHECKS_STAT_VARIANCE_H
#define PGVIGIL_CHECKS_STAT_VARIANCE_H

#include <stdint.h>

#include "pgvigil/summary.h"

struct vg_log_variance {
    double
        value; /* ln(s_now^2 / s_ref^2): 0.69 is twice the variance, 0.19 a tenth more deviation */
    double p;  /* two-sided */
};
/* sd: standard deviations (positive) of n_now and n_ref values; kurtosis: of the reference, 3 for
 * the normal law. p = 2 Q(|value| / sqrt((kurtosis - 1) (1/n_now + 1/n_ref))), the delta method
 * on the variance (Layard 1973, JASA 68:195-198, pools the kurtosis likewise). p is NAN where
 * kurtosis is not known. */
struct vg_log_variance vg_log_variance(double sd_now, double n_now, double sd_ref, double n_ref,
                                       double kurtosis);
/* m4 / m2^2 of a distribution, at least 1: exact on a grid of all values, else with the values of a
 * gap in its middle and those of the outer gaps on their threshold. NAN for a constant, or where
 * it overflows. */
double vg_kurtosis(const struct vg_distribution *distribution);

#endif
