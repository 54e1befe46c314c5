/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distances of windows from the mixture of all of them: Kolmogorov-Smirnov's D, sup over x of
 * |F_w(x) - F(x)|, where each window stands as quantiles of equal weight. Pure. */
#include <math.h>
#include <stdlib.h>

#include "agent/profile.h"

struct mass { /* of the mixture, at one quantile of one window */
    double x, weight;
};

static int compare_masses(const void *a, const void *b)
{
    double x = ((const struct mass *)a)->x, y = ((const struct mass *)b)->x;
    return (x > y) - (x < y);
}

static double find_distance(const struct mass *masses, size_t n, double sum,
                            const struct vg_points *window)
{
    double below = 0, largest = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < n;) {
        double x = masses[i].x;
        for (; i < n && !(masses[i].x > x); i++)
            below += masses[i].weight;
        while (at < window->n && window->q[at] <= x)
            at++;
        largest = fmax(largest, fabs((double)at / window->n - below / sum));
    }
    return largest;
}

int vg_points_distances(const struct vg_points *points, size_t n, double *d, struct vg_error *err)
{
    size_t count = 0, filled = 0;
    double sum = 0;
    for (size_t w = 0; w < n; w++)
        count += points[w].n;
    struct mass *masses = vg_array(count, sizeof *masses);
    if (!masses)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t w = 0; w < n; w++) {
        sum += (double)points[w].rows;
        for (uint32_t i = 0; i < points[w].n; i++)
            masses[filled++] = (struct mass){points[w].q[i], (double)points[w].rows / points[w].n};
    }
    qsort(masses, filled, sizeof *masses, compare_masses);
    for (size_t w = 0; w < n; w++)
        d[w] = find_distance(masses, filled, sum, &points[w]);
    free(masses);
    return 0;
}
