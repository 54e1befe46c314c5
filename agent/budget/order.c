/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantiles of a few numbers. Pure. */
#include <math.h>

#include "agent/budget/parts.h"
#include "pgvigil/sort.h"

double vg_sorted_quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1), below = floor(at), part = at - below;
    size_t i = (size_t)below;
    if (i + 1 >= n || part == 0)
        return sorted[i];
    return sorted[i] * (1 - part) + sorted[i + 1] * part;
}

double vg_find_median(double *x, size_t n)
{
    vg_sort_doubles(x, n);
    return n ? vg_sorted_quantile(x, n, 0.5) : (double)NAN;
}
