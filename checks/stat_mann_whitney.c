/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mann-Whitney's U from counts. Pure. */
#include "checks/stat_mann_whitney.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Twice U, minus m n: 0 where neither sample is larger, and an integer. */
__extension__ typedef __int128 wide;

struct sums {
    wide balance; /* sum over pairs: 1 the current value is larger, -1 smaller */
    double open;  /* pairs inside one gap */
    double ties;  /* sum of t^3 - t */
};

static struct sums add_cells(const struct vg_ks_counts *counts, uint64_t m)
{
    struct sums sums = {0, 0, 0};
    uint64_t below = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        uint64_t r = counts->ref[i], c = counts->now[i];
        double tied = (double)r + (double)c;
        sums.balance += (wide)c * ((wide)below - (wide)(m - below - r));
        below += r;
        if (counts->gaps && i % 2 == 0)
            sums.open += (double)r * (double)c;
        else
            sums.ties += tied * (tied - 1) * (tied + 1);
    }
    return sums;
}

struct vg_mann_whitney vg_mann_whitney(const struct vg_ks_counts *counts)
{
    struct vg_mann_whitney out = {0, 0, NAN, NAN, NAN, NAN};
    uint64_t m = 0, n = 0;
    for (size_t i = 0; i < counts->cells; i++) {
        m += counts->ref[i];
        n += counts->now[i];
    }
    out.m = (double)m;
    out.n = (double)n;
    if (!m || !n)
        return out;
    struct sums sums = add_cells(counts, m);
    double mn = out.m * out.n, all = out.m + out.n, balance = (double)sums.balance;
    out.auc = 0.5 + balance / mn / 2;
    out.lo = 0.5 + (balance - sums.open) / mn / 2;
    out.hi = 0.5 + (balance + sums.open) / mn / 2;
    double away = (fmax(fabs(balance) - sums.open, 0) - 1) / 2; /* |U - m n / 2| - 1/2 */
    double spread = mn / 12 * (all + 1 - (all > 1 ? sums.ties / all / (all - 1) : 0));
    /* All values equal: what is left of the difference is rounding. */
    bool constant = spread <= mn / 12 * 1e-12 * all;
    out.p = constant ? 1 : fmin(2 * gsl_cdf_ugaussian_Q(away / sqrt(spread)), 1);
    return out;
}
