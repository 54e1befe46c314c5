/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The continued fraction of the incomplete beta function. Pure. */
#include "checks/stat_beta.h"

#include <math.h>

enum { FRACTION_STEPS = 200000 };

/* The reciprocal; of a denominator that has vanished, that of the least one in its place. */
static double invert(double x)
{
    const double tiny = 1e-300;
    return 1 / (fabs(x) < tiny ? tiny : x);
}

double vg_beta_fraction(double a, double b, double x)
{
    double c = 1, d = invert(1 - (a + b) * x / (a + 1)), f = d;
    for (int k = 1; k < FRACTION_STEPS; k++) {
        double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = invert(1 + even * d);
        c = 1 + even * invert(c);
        f *= c * d;
        d = invert(1 + odd * d);
        c = 1 + odd * invert(c);
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}
