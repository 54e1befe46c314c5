/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantiles of a few numbers. Pure. */
#include <math.h>
#include <stdlib.h>

#include "agent/budget/parts.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void vg_sort_doubles(double *x, size_t n)
{
    if (n > 1)
        qsort(x, n, sizeof *x, compare_doubles);
}

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
