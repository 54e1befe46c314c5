/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Since when: the change-point over the windows that are kept. Pure. */
#include "agent/story.h"

static double add_up(const double *counts, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += counts[i];
    return sum;
}

struct scale { /* what a row of each level scores is in now and then, by its shares */
    const double *then, *now;
    double m, n;
    size_t levels;
};

static double find_score(const struct scale *scale, size_t level)
{
    double p = scale->then[level] / scale->m, q = scale->now[level] / scale->n;
    return p + q > 0 ? (q - p) / (q + p) : 0;
}

static double find_mean(const struct scale *scale, const double *counts, double rows)
{
    double sum = 0;
    for (size_t i = 0; i < scale->levels; i++)
        sum += counts[i] / rows * find_score(scale, i);
    return sum;
}

size_t vg_story_since(const double *then, const double *now, size_t n, const double *past,
                      size_t npast)
{
    struct scale scale = {then, now, add_up(then, n), add_up(now, n), n};
    size_t since = npast;
    if (!(scale.m > 0 && scale.n > 0))
        return since;
    double before = find_mean(&scale, then, scale.m), after = find_mean(&scale, now, scale.n);
    /* The scores are fitted to the rows of `now`: by so much they flatter it. */
    double flattered = (double)n / (2 * scale.n), gap = after - before;
    gap = gap - flattered > gap / 4 ? gap - flattered : gap / 4;
    double middle = before + gap / 2, sum = 0, most = 0;
    for (size_t k = npast; k-- > 0;) {
        double rows = add_up(past + k * n, n);
        if (rows > 0)
            sum += rows * (find_mean(&scale, past + k * n, rows) - middle);
        if (rows > 0 && sum > most) {
            most = sum;
            since = k;
        }
    }
    return since;
}
