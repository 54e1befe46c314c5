/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many distinct values a column holds: exactly where the summary can tell, else the estimate
 * of its registers with bounds of three standard errors. Pure. */
#include <math.h>

#include "agent/summary/parts.h"

/* Twenty-five values hit a register twice with a chance of 7 %, six with one of 0.4 %, and seven
 * hit two, or one thrice, with less than 0.003 %: of so few registers, at most one is shared. Of a
 * segment's quarter as many registers, four values share two with less than 0.0005 %. */
enum { HARDLY_SHARED = 5, HARDLY_SHARED_SMALL = 2 };

static bool count_exactly(const struct vg_column_summary *column, double *out)
{
    uint64_t n = vg_column_finite(column);
    bool single = vg_kind_is_numeric(column->kind) && column->min == column->max;
    if (n <= 1 || single) {
        *out = n ? 1 : 0;
        return true;
    }
    if (column->kind == VG_KIND_BOOL) {
        *out = 2;
        return true;
    }
    if (!column->top || vg_top_sampled(column->top))
        return false;
    *out = (double)vg_top_size(column->top);
    return true;
}

/* All values lie on thresholds. */
static bool count_atoms(const struct vg_column_summary *column, double *out)
{
    if (!column->fine || !column->grid)
        return false;
    size_t used = 0;
    for (size_t i = 0; i <= 2 * (size_t)column->grid->n; i++) {
        if (column->fine[i] && i % 2 == 0)
            return false;
        used += column->fine[i] != 0;
    }
    *out = (double)used;
    return true;
}

bool vg_column_distinct_bounds(const struct vg_column_summary *column, double *value, double *lo,
                               double *hi)
{
    if (count_exactly(column, value) || count_atoms(column, value)) {
        *lo = *hi = *value;
        return true;
    }
    if (!column->hll)
        return false;
    bool spread = vg_kind_is_numeric(column->kind) && column->min < column->max;
    double used = 0, n = (double)vg_column_finite(column), least = spread ? 2 : 1;
    size_t registers = (size_t)1 << column->hll_bits;
    for (size_t i = 0; i < registers; i++)
        used += column->hll[i] != 0;
    double estimate = vg_hll_estimate(column->hll, column->hll_bits);
    double error = 3 * 1.04 / sqrt((double)registers);
    /* Each used register has seen a value of its own. */
    bool small = column->hll_bits < VG_HLL_BITS;
    bool few = used <= (small ? HARDLY_SHARED_SMALL : HARDLY_SHARED);
    *lo = fmin(n, fmax(least, fmax(used, ceil(estimate * (1 - error)))));
    *hi = few ? used + 1 : floor(estimate + fmax(1, estimate * error));
    *hi = fmax(*lo, fmin(*hi, n));
    *value = fmax(*lo, fmin(round(estimate), *hi));
    return true;
}
