/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two-sample Kolmogorov-Smirnov from counts; layer 3, pure.
 *
 * Owns D, its bounds and its p-value. Neither sample is ever seen: both are counts in the same
 * cells of the line, in ascending order. m is the size of the reference, n of the current sample;
 * both may be up to 1e10.
 */
#ifndef PGVIGIL_CHECKS_STAT_KS_H
#define PGVIGIL_CHECKS_STAT_KS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"

/* With gaps: the cells of a vg_grid; even entries are open gaps, odd ones atoms (one value each).
 * Without: every entry is one group of equal values. Borrowed. */
struct vg_ks_counts {
    const uint64_t *ref, *now;
    size_t cells;
    bool gaps;
};

/* F is the ECDF of the reference, G that of the current sample. */
struct vg_ks {
    uint64_t m, n;
    double d;            /* max |F - G| at the ends of the cells: D, or its lower bound */
    double d_up, d_down; /* max F - G (current values larger), max G - F, at the same places */
    double hi;           /* upper bound of D; equal to d when no gap holds values of both samples */
    int direction;       /* 1 current values are larger, -1 smaller, 0 neither */
    int64_t c;           /* the integer d m n, or -1 when it is beyond int64 */
};

/* Lattice cells that an exact p may cost: where it is asked for, about 30 ms; where it is only
 * shown, under 1 ms. */
enum { VG_KS_MOST_STEPS = 20000000, VG_KS_FEW_STEPS = 200000 };

/* D and its bounds. With no value in one of the samples all of `out` but m and n is NAN, 0, -1. */
void vg_ks_compare(const struct vg_ks_counts *counts, struct vg_ks *out);

/* An upper estimate of the lattice cells that vg_ks_exact would visit, and four for the fixed cost
 * of each value; infinity where the counts are too large for its 64-bit integers. */
double vg_ks_cost(const struct vg_ks_counts *counts, int64_t c);

/* P(max |F - G| m n >= c) over all ways to divide the pooled values, ties kept, between the
 * samples: the p-value of the two-sided test conditional on the ties (Schroer and Trenkler 1995,
 * CSDA 20:185-202). Values inside one gap are taken as distinct, which is exact where they are and
 * can only raise p where they are not. Relative accuracy holds down to 1e-300. Only for a finite
 * vg_ks_cost(). 0, or -1 VG_E_MEMORY. */
int vg_ks_exact(const struct vg_ks_counts *counts, int64_t c, double *p, struct vg_error *err);

/* Q_K(z) = P(K >= z) = 2 sum (-1)^(j-1) exp(-2 j^2 z^2), the limit law of sqrt(mn/(m+n)) D, within
 * 1e-13 relative; 1 for z <= 0. */
double vg_ks_limit(double z);

/* The p-value of `ks`: exact where that costs at most `steps`, else by the limit law, which is
 * conservative nearly everywhere. NAN without values. 0, or -1 VG_E_MEMORY. */
int vg_ks_p(const struct vg_ks_counts *counts, const struct vg_ks *ks, double steps, double *p,
            struct vg_error *err);
/* The limit law's p-value of `ks`; NAN without values. */
double vg_ks_limit_p(const struct vg_ks *ks);
/* The steps worth taking where p is compared with levels from `least` to `most`: few where the
 * limit law already decides. It is hardly ever below the exact p, and without a value that many
 * rows share never above it fourfold. */
double vg_ks_steps(const struct vg_ks_counts *counts, const struct vg_ks *ks, double least,
                   double most);

#endif
